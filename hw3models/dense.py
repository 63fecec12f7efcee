"""Chains of dense layers, and S of them as one program with a hand-written backward pass.

Autograd keeps a node and several small tensors per layer; by hand a layer costs two batched products and one pass
over its activations, in place where nothing is needed any more.

    S = replicates, B = examples, I and O = a layer's inputs and outputs
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from hw3models.layers import Dropout

Step = Literal["flatten", "linear", "relu", "silu", "sigmoid", "drop"]
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


class StackedDenseChain(nn.Module):
    """S dense chains: (S, B, ...) to (S, B, O). Holds the stacked layers under the plain chain's names.

    Raises:
        TypeError: a layer that the backward pass does not know.
    """

    def __init__(self, layers: Sequence[nn.Module], plain: Sequence[nn.Module]) -> None:
        super().__init__()
        for position, layer in enumerate(layers):
            self.add_module(str(position), layer)
        unknown = [type(layer).__name__ for layer in plain if type(layer) not in _STEPS]
        if unknown:
            raise TypeError(f"cannot stack a dense chain with {', '.join(unknown)}")
        self.steps = tuple(_STEPS[type(layer)] for layer in plain)
        if "flatten" in self.steps[1:]:
            raise TypeError("cannot stack a dense chain that flattens after its first step")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2)
        arguments = list(self._arguments(x))
        output: torch.Tensor = _DenseFunction.apply(x, tuple(step for step, _ in arguments), *_flat(arguments))
        return output

    def _arguments(self, x: torch.Tensor) -> Iterator[tuple[Step, tuple[torch.Tensor, ...]]]:
        """What each step needs: weight and bias, a dropout mask, or nothing."""
        width = x.shape[-1]
        for step, layer in zip(self.steps, self._modules.values(), strict=True):
            if step == "linear":
                weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")  # type: ignore[union-attr]
                width = weight.shape[1]
                yield step, (weight, bias)
            elif step not in {"drop", "flatten"}:
                yield step, ()
            elif isinstance(layer, Dropout) and (mask := layer.mask((*x.shape[:-1], width), x)) is not None:
                yield step, (mask,)


def _flat(arguments: Sequence[tuple[Step, tuple[torch.Tensor, ...]]]) -> list[torch.Tensor]:
    return [tensor for _, tensors in arguments for tensor in tensors]


class _DenseFunction(torch.autograd.Function):
    """The chain as one node: `steps` in order, their tensors in the same order."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, steps: tuple[Step, ...], *tensors: torch.Tensor) -> torch.Tensor:
        """Keep what the backward pass reads: inputs of products, and of each activation what its slope is made of."""
        rest, kept = iter(tensors), []
        first = x
        for step in steps:
            if step == "linear":
                kept.append(x)
                weight, bias = next(rest), next(rest)
                x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
            elif step == "drop":
                mask = next(rest)
                x = x * mask
            elif step == "silu":
                kept.append(x)
                x = nn.functional.silu(x)
            else:
                # In place, where nobody has kept the input: both slopes are made from the output.
                fresh = x.clone() if x is first or (kept and kept[-1] is x) else x
                x = fresh.relu_() if step == "relu" else fresh.sigmoid_()
                kept.append(x)
        ctx.save_for_backward(*kept, *tensors)
        ctx.steps, ctx.num_kept = steps, len(kept)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """From the last step to the first."""
        saved = ctx.saved_tensors
        kept, tensors = list(saved[: ctx.num_kept]), list(saved[ctx.num_kept :])
        gradients: list[torch.Tensor | None] = [None] * len(tensors)
        products, is_ours = ctx.steps.count("linear"), False
        for step in reversed(ctx.steps):
            if step == "linear":
                products -= 1
                tensors.pop()
                weight, inputs = tensors.pop(), kept.pop()
                at = len(tensors)
                gradients[at], gradients[at + 1] = torch.bmm(grad.mT, inputs), grad.sum(1)
                if not products and not ctx.needs_input_grad[0]:
                    break
                grad = torch.bmm(grad, weight)
            elif step == "drop":
                grad = torch.mul(grad, tensors.pop(), out=grad if is_ours else None)
            else:
                spare = grad if is_ours else torch.empty_like(grad)
                grad = _SLOPES[step](grad, kept.pop(), spare)
            # Only what was handed to us may not be written over.
            is_ours = True
        return (grad if ctx.needs_input_grad[0] else None, None, *gradients)


def _relu_slope(grad: torch.Tensor, out: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.threshold_backward.grad_input(grad, out, 0, grad_input=into)
    return into


def _sigmoid_slope(grad: torch.Tensor, out: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.sigmoid_backward.grad_input(grad, out, grad_input=into)
    return into


def _silu_slope(grad: torch.Tensor, before: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    torch.ops.aten.silu_backward.grad_input(grad, before, grad_input=into)
    return into


_SLOPES: dict[Step, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "relu": _relu_slope,
    "sigmoid": _sigmoid_slope,
    "silu": _silu_slope,
}
"""(gradient, what the forward pass has kept, where to write) -> gradient before the activation."""
