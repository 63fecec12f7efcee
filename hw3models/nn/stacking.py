"""S models as one program: stacked parameters (S, ...), and any one of them taken out as a plain module.

`stack` copies the module tree of the first model and exchanges each layer that holds parameters for a
stacked one. The forward code of a family is written once, with axes counted from the end, and serves both.
The state dict of the stack has the plain names; every tensor in it has a leading axis S.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.nn.dense import DenseChain, StackedDenseChain, steps_of
from hw3models.nn.layers import Dropout
from hw3models.nn.recurrent import StackedRecurrent

State = dict[str, torch.Tensor]


class StackedLinear(nn.Module):
    """S linear layers: (S, B, ..., in) to (S, B, ..., out), one `baddbmm`."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = _stacked([layer.weight for layer in layers])
        biases = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = _stacked(biases) if biases else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(1, -2)
        weight = self.weight.mT
        out = torch.bmm(rows, weight) if self.bias is None else torch.baddbmm(self.bias.unsqueeze(1), rows, weight)
        unfolded: torch.Tensor = out.unflatten(1, x.shape[1:-1])
        return unfolded


class StackedConv1d(nn.Module):
    """S convolutions as one with S groups: (S, B, C, T) to (S, B, O, T')."""

    def __init__(self, layers: Sequence[nn.Conv1d]) -> None:
        super().__init__()
        first = layers[0]
        if first.groups != 1 or first.padding_mode != "zeros":
            raise TypeError(f"cannot stack {first}: only groups=1 with zero padding")
        self.weight = _stacked([layer.weight for layer in layers])
        biases = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = _stacked(biases) if biases else None
        self.stride, self.padding, self.dilation = first.stride, first.padding, first.dilation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        num = len(self.weight)
        bias = None if self.bias is None else self.bias.flatten()
        # F.conv1d takes "same" or a number; nn.Conv1d keeps either in `padding`.
        out = F.conv1d(_to_groups(x), self.weight.flatten(0, 1), bias, self.stride, self.padding, self.dilation, num)
        return _from_groups(out, num)


class StackedBatchNorm1d(nn.Module):
    """S batch normalisations of (S, B, C, T): statistics are per channel, so S x C channels do not mix."""

    def __init__(self, layers: Sequence[nn.BatchNorm1d]) -> None:
        super().__init__()
        first = layers[0]
        if not (first.affine and first.track_running_stats) or first.momentum is None:
            raise TypeError(f"cannot stack {first}: needs affine=True, track_running_stats=True and a momentum")
        self.eps, self.momentum = first.eps, first.momentum
        self.weight = _stacked([layer.weight for layer in layers])
        self.bias = _stacked([layer.bias for layer in layers])
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.num_batches_tracked: torch.Tensor
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, torch.stack([getattr(layer, name) for layer in layers]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.num_batches_tracked += 1
        # The views share memory with the buffers, so the running statistics are updated in place.
        mean, var = self.running_mean.view(-1), self.running_var.view(-1)
        weight, bias = self.weight.flatten(), self.bias.flatten()
        out = F.batch_norm(_to_groups(x), mean, var, weight, bias, self.training, self.momentum, self.eps)
        return _from_groups(out, len(self.weight))


def _stacked(tensors: Sequence[torch.Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.stack([t.detach() for t in tensors]))


def _to_groups(x: torch.Tensor) -> torch.Tensor:
    """(S, B, C, T) to (B, S x C, T)."""
    return x.transpose(0, 1).flatten(1, 2)


def _from_groups(x: torch.Tensor, num: int) -> torch.Tensor:
    """(B, S x C, T) to (S, B, C, T)."""
    unfolded: torch.Tensor = x.unflatten(1, (num, -1))
    return unfolded.transpose(0, 1)


def _stacked_chain(chains: Sequence[DenseChain]) -> StackedDenseChain:
    return StackedDenseChain([stack(layers) for layers in zip(*chains, strict=True)], steps_of(list(chains[0])))


_RULES: dict[type[nn.Module], Callable[[Sequence[nn.Module]], nn.Module]] = {
    nn.Linear: StackedLinear,  # type: ignore[dict-item]  # each rule takes its own kind of layer
    DenseChain: _stacked_chain,  # type: ignore[dict-item]
    nn.Conv1d: StackedConv1d,  # type: ignore[dict-item]
    nn.BatchNorm1d: StackedBatchNorm1d,  # type: ignore[dict-item]
    nn.LSTM: StackedRecurrent,  # type: ignore[dict-item]
    nn.GRU: StackedRecurrent,  # type: ignore[dict-item]
    nn.Flatten: lambda layers: nn.Flatten(layers[0].start_dim + 1, layers[0].end_dim),  # type: ignore[arg-type,operator]
    Dropout: lambda layers: Dropout(layers[0].p, stacked=True),  # type: ignore[arg-type]
}


def stack(modules: Sequence[nn.Module]) -> nn.Module:
    """One module that is all of `modules` (equal architectures): inputs and outputs gain a leading axis S.

    Raises:
        TypeError: a layer that holds parameters has no stacked form.
    """
    rule = _RULES.get(type(modules[0]))
    if rule is not None:
        return rule(modules)
    own = [*modules[0]._parameters, *modules[0]._buffers]
    if own:
        raise TypeError(f"cannot stack {type(modules[0]).__name__}: it holds {', '.join(own)} itself")
    stacked = copy.copy(modules[0])
    stacked._modules = {name: stack([m.get_submodule(name) for m in modules]) for name in modules[0]._modules}
    return stacked


def unstack(states: State, index: int) -> State:
    """The plain state dict of one replicate of a stacked state dict."""
    return {name: tensor[index].clone() for name, tensor in states.items()}


def stack_states(states: Sequence[State]) -> State:
    """The stacked state dict of plain ones."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}
