"""Chains of dense layers, and S of them as one program with a hand-written backward pass.

Autograd keeps a node and several small tensors per layer; by hand a layer costs two batched products and one pass
over its activations, in place where nothing is needed any more.

    S = replicates, B = examples, I and O = a layer's inputs and outputs
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, cast

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from hw3models.nn.layers import Dropout

LossGrad = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Outputs (S, B, O) to the loss (S,) and its gradient (S, B, O) by the outputs."""
Step = Literal["flatten", "linear", "relu", "silu", "sigmoid", "drop"]
_Plan = tuple[tuple[Step, ...], list[torch.Tensor], list[torch.Tensor | None]]
"""Steps, their tensors, and where the gradients of those are written."""
_STEPS: dict[type[nn.Module], Step] = {
    nn.Flatten: "flatten",
    nn.Linear: "linear",
    nn.ReLU: "relu",
    nn.SiLU: "silu",
    nn.Sigmoid: "sigmoid",
    Dropout: "drop",
}


class DenseChain(nn.Sequential):
    """Linear layers with biases, ReLU, SiLU, sigmoid and dropout in any order: (B, I) to (B, O).

    A flattening may come first. The same module, with the same names, as `nn.Sequential`; `replicates.stack` makes a
    `StackedDenseChain` of it.
    """


class ChainOfChains(nn.Module):
    """Dense chains that are nothing but run one after another: `order` names them."""

    order: tuple[str, ...]


def steps_of(layers: Sequence[nn.Module]) -> tuple[Step, ...]:
    """The steps of a plain chain.

    Raises:
        TypeError: a layer that the backward pass does not know.
    """
    unknown = [type(layer).__name__ for layer in layers if type(layer) not in _STEPS]
    if unknown:
        raise TypeError(f"cannot stack a dense chain with {', '.join(unknown)}")
    steps = tuple(_STEPS[type(layer)] for layer in layers)
    if "flatten" in steps[1:]:
        raise TypeError("cannot stack a dense chain that flattens after its first step")
    return steps


class StackedDenseChain(nn.Module):
    """S dense chains: (S, B, ...) to (S, B, O). Holds the stacked layers under the plain chain's names."""

    def __init__(self, layers: Sequence[nn.Module], steps: Sequence[Step]) -> None:
        super().__init__()
        for position, layer in enumerate(layers):
            self.add_module(str(position), layer)
        self.layers = tuple(layers)
        self.steps = tuple(steps)
        self._plan: _Plan | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2)
        steps, tensors = self._flat_arguments(x)
        output: torch.Tensor = _DenseFunction.apply(x, steps, *tensors)
        return output

    def forward_backward(self, x: torch.Tensor, loss_grad: LossGrad) -> torch.Tensor:
        """Write the gradients of a loss into the parameters' `.grad`, over what was there: the loss (S,) itself.

        `loss_grad` makes of the outputs (S, B, O) the loss and its gradient by them, in a tensor of its own. The
        numbers are those of `backward()`; without autograd's graph, and in tensors that are kept from step to step.
        """
        with torch.no_grad():
            x = x.flatten(2)
            plan = self._plan
            if plan is None or plan[1][0].grad is not plan[2][0]:
                plan = self._make_plan(x)
            steps, tensors, into = plan
            output, kept = _forward(x, steps, tensors)
            loss, grad = loss_grad(output)
            _backward(grad, steps, kept, tensors, into=into, ours=True, by_input=False)
        return loss

    def _make_plan(self, x: torch.Tensor) -> "_Plan":
        """What `forward_backward` needs besides the examples; the same at every step, but for dropout's masks."""
        steps, tensors = self._flat_arguments(x)
        plan = steps, tensors, list(map(_gradient, tensors))
        if "drop" not in self.steps:
            self._plan = plan
        return plan

    def _flat_arguments(self, x: torch.Tensor) -> tuple[tuple[Step, ...], list[torch.Tensor]]:
        arguments = list(self._arguments(x))
        return tuple(step for step, _ in arguments), [tensor for _, tensors in arguments for tensor in tensors]

    def _arguments(self, x: torch.Tensor) -> Iterator[tuple[Step, tuple[torch.Tensor, ...]]]:
        """What each step needs: weight and bias, a dropout mask, or nothing."""
        width = x.shape[-1]
        for step, layer in zip(self.steps, self.layers, strict=True):
            if step == "linear":
                affine = cast("_Affine", layer)
                weight, bias = affine.weight, affine.bias
                width = weight.shape[1]
                yield step, (weight, bias)
            elif step not in {"drop", "flatten"}:
                yield step, ()
            elif isinstance(layer, Dropout) and (mask := layer.mask((*x.shape[:-1], width), x)) is not None:
                yield step, (mask,)


class _Affine(Protocol):
    weight: torch.Tensor
    """(S, O, I)."""
    bias: torch.Tensor
    """(S, O)."""


def whole_chain(program: nn.Module) -> StackedDenseChain | None:
    """The program as one chain of its own layers; None where it is more than that."""
    if isinstance(program, StackedDenseChain):
        return program
    if not isinstance(program, ChainOfChains):
        return None
    chains = [program.get_submodule(name) for name in program.order]
    if not all(isinstance(chain, StackedDenseChain) for chain in chains):
        return None
    layers = [layer for chain in chains for layer in chain.children()]
    return StackedDenseChain(layers, [step for chain in chains for step in cast("StackedDenseChain", chain).steps])


def _gradient(tensor: torch.Tensor) -> torch.Tensor | None:
    """Where a parameter's gradient is kept; None for a dropout mask, which has none."""
    if tensor.grad is None and isinstance(tensor, nn.Parameter):
        tensor.grad = torch.empty_like(tensor)
    return tensor.grad


def _forward(
    x: torch.Tensor, steps: Sequence[Step], tensors: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Outputs, and what the way back reads: inputs of products, and of activations what their gradient is made of."""
    rest, kept = iter(tensors), []
    first = x
    for step in steps:
        if step == "linear":
            kept.append(x)
            weight, bias = next(rest), next(rest)
            x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
        elif step == "drop":
            x = x * next(rest)
        elif step == "silu":
            kept.append(x)
            x = nn.functional.silu(x)
        else:
            # In place, where nobody has kept the input: both gradients are made from the output.
            fresh = x.clone() if x is first or (kept and kept[-1] is x) else x
            x = fresh.relu_() if step == "relu" else fresh.sigmoid_()
            kept.append(x)
    return x, kept


def _backward(
    grad: torch.Tensor,
    steps: Sequence[Step],
    kept: list[torch.Tensor],
    tensors: Sequence[torch.Tensor],
    *,
    into: Sequence[torch.Tensor | None],
    ours: bool,
    by_input: bool,
) -> tuple[torch.Tensor | None, list[torch.Tensor | None]]:
    """Go from the last step to the first: gradients by the inputs (if `by_input`) and by each of `tensors`.

    Those are written into the tensors of `into` where there are some. `grad` is written over if it is `ours`.
    """
    left = list(tensors)
    found: list[torch.Tensor | None] = [None] * len(left)
    products = list(steps).count("linear")
    for step in reversed(steps):
        if step == "linear":
            products -= 1
            left.pop()
            weight, inputs, at = left.pop(), kept.pop(), len(left)
            found[at] = torch.bmm(grad.mT, inputs, out=into[at])
            found[at + 1] = torch.sum(grad, 1, out=into[at + 1])
            if not products and not by_input:
                return None, found
            grad = torch.bmm(grad, weight)
        elif step == "drop":
            grad = torch.mul(grad, left.pop(), out=grad if ours else None)
        else:
            grad = _GRADS[step](grad, kept.pop(), grad if ours else torch.empty_like(grad))
        # Only what was handed to us may not be written over.
        ours = True
    return grad if by_input else None, found


class _DenseFunction(torch.autograd.Function):
    """The chain as one node: `steps` in order, their tensors in the same order."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, steps: tuple[Step, ...], *tensors: torch.Tensor) -> torch.Tensor:
        """See `_forward`."""
        output, kept = _forward(x, steps, tensors)
        ctx.save_for_backward(*kept, *tensors)
        ctx.steps, ctx.num_kept = steps, len(kept)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """See `_backward`."""
        kept, tensors = list(ctx.saved_tensors[: ctx.num_kept]), ctx.saved_tensors[ctx.num_kept :]
        by_input, found = _backward(
            grad, ctx.steps, kept, tensors, into=[None] * len(tensors), ours=False, by_input=ctx.needs_input_grad[0]
        )
        return (by_input, None, *found)


def _relu_grad(grad: torch.Tensor, out: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.threshold_backward.grad_input(grad, out, 0, grad_input=into)
    return into


def _sigmoid_grad(grad: torch.Tensor, out: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.sigmoid_backward.grad_input(grad, out, grad_input=into)
    return into


def _silu_grad(grad: torch.Tensor, before: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.silu_backward.grad_input(grad, before, grad_input=into)
    return into


_GRADS: dict[Step, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "relu": _relu_grad,
    "sigmoid": _sigmoid_grad,
    "silu": _silu_grad,
}
"""(gradient, what the forward pass has kept, where to write) -> gradient before the activation."""
