"""S models as one program: stacked parameters (S, ...), and any one of them taken out as a plain module.

`stack` copies the module tree of the first model and exchanges each layer that holds parameters, or names an axis, for
a stacked one. Forward code that counts axes from the end serves both. Whether it does is proved before it is used
(`hw3models.nn.proof`). The state dict of the stack has the plain names; every tensor in it has a leading axis S.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from hw3models.nn.dense import DenseChain, StackedDenseChain, steps_of
from hw3models.nn.depthwise import Depthwise
from hw3models.nn.recurrent import StackedRecurrent
from hw3models.nn.stacked_layers import (
    Folded,
    StackedAttention,
    StackedBatchNorm,
    StackedConv,
    StackedEmbedding,
    StackedGroupNorm,
    StackedLayerNorm,
    StackedLinear,
    StackedPReLU,
)

State = dict[str, torch.Tensor]
Rule = Callable[[Sequence[Any]], nn.Module]
"""S equal layers to the one that computes all of them. Raises `TypeError` for options that it does not know."""


def _stacked_chain(chains: Sequence[DenseChain]) -> StackedDenseChain:
    return StackedDenseChain([stack(layers) for layers in zip(*chains, strict=True)], steps_of(list(chains[0])))


def _folded(layers: Sequence[nn.Module]) -> nn.Module:
    if getattr(layers[0], "return_indices", False):
        raise TypeError(f"cannot stack {layers[0]}: it returns indices")
    return Folded(layers[0])


def _shifted(*names: str) -> Rule:
    """The same layer with its axes counted one further, where they are counted from the front."""

    def rule(layers: Sequence[nn.Module]) -> nn.Module:
        shifted = copy.deepcopy(layers[0])
        for name in names:
            axis = getattr(shifted, name)
            if not isinstance(axis, int):
                raise TypeError(f"cannot stack {layers[0]}: `{name}` is {axis!r}, not an axis")
            setattr(shifted, name, axis + 1 if axis >= 0 else axis)
        return shifted

    return rule


_FOLDED: tuple[type[nn.Module], ...] = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.LPPool1d, nn.LPPool2d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d),
    *(nn.ConstantPad1d, nn.ConstantPad2d, nn.ZeroPad1d, nn.ZeroPad2d, nn.ReflectionPad1d, nn.ReflectionPad2d),
    *(nn.ReplicationPad1d, nn.ReplicationPad2d, nn.CircularPad1d, nn.CircularPad2d),
    *(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d, nn.PixelShuffle, nn.PixelUnshuffle),
    *(nn.ChannelShuffle, nn.LocalResponseNorm, nn.Softmax2d),
)
RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: StackedLinear,
    DenseChain: _stacked_chain,
    nn.Conv1d: StackedConv,
    Depthwise: StackedConv,
    nn.Conv2d: StackedConv,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.LayerNorm: StackedLayerNorm,
    nn.GroupNorm: StackedGroupNorm,
    nn.PReLU: StackedPReLU,
    nn.Embedding: StackedEmbedding,
    nn.MultiheadAttention: StackedAttention,
    nn.LSTM: StackedRecurrent,
    nn.GRU: StackedRecurrent,
    nn.Flatten: _shifted("start_dim", "end_dim"),
    nn.Unflatten: _shifted("dim"),
    nn.Softmax: _shifted("dim"),
    nn.LogSoftmax: _shifted("dim"),
    nn.Softmin: _shifted("dim"),
    nn.GLU: _shifted("dim"),
    **dict.fromkeys(_FOLDED, _folded),
}
"""Layer -> its rule. A layer without one is copied as it is, with its children stacked, if it holds nothing itself:
right for all that works element by element or counts axes from the end."""


def stack(modules: Sequence[nn.Module]) -> nn.Module:
    """One module that is all of `modules` (equal architectures): inputs and outputs gain a leading axis S.

    Raises:
        TypeError: a layer that holds parameters has no stacked form; the message names it.
    """
    return _stack(modules, "", {})


def _stack(modules: Sequence[nn.Module], name: str, made: dict[int, nn.Module]) -> nn.Module:
    """`made`: stacked layers by the first model's own, so that a layer that is used twice stays one."""
    first = modules[0]
    if id(first) in made:
        return made[id(first)]
    rule = RULES.get(type(first))
    if rule is not None:
        made[id(first)] = rule(modules)
        return made[id(first)]
    own = [*dict(first.named_parameters(recurse=False)), *dict(first.named_buffers(recurse=False))]
    if own:
        where = f" ({name})" if name else ""
        raise TypeError(f"cannot stack {type(first).__name__}{where}: it holds {', '.join(own)} itself")
    made[id(first)] = stacked = copy.copy(first) if not list(children(first)) else _copied(first)
    for child, _ in children(first):
        below = [module.get_submodule(child) for module in modules]
        setattr(stacked, child, _stack(below, f"{name}.{child}".lstrip("."), made))
    return stacked


def _copied(module: nn.Module) -> nn.Module:
    """A copy of the module with its children still shared; `copy.copy` alone would share the table of children."""
    return copy.deepcopy(module, {id(child): child for _, child in children(module)})


def children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Direct children by name; one that is registered under two names comes twice."""
    for name, child in module.named_modules(remove_duplicate=False):
        if name and "." not in name:
            yield name, child


def unstack(states: State, index: int) -> State:
    """The plain state dict of one replicate of a stacked state dict."""
    return {name: tensor[index].clone() for name, tensor in states.items()}


def stack_states(states: Sequence[State]) -> State:
    """The stacked state dict of plain ones."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}
