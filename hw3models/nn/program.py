"""A program that computes S replicates of a module: one alone, a stack of them, or all of them behind `torch.vmap`.

S = replicates, B = examples
"""

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from hw3models.nn.layers import Noisy
from hw3models.nn.own_noise import OwnNoise
from hw3models.nn.rng import Layout, Noise, ReplicateRng
from hw3models.nn.stacking import State, stack

_switches = threading.Lock()
"""torch's switches of attention are the whole process's: who sets them back must be who has set them."""


class Program:
    """S modules of one architecture as one: inputs (S, B, ...) to outputs (S, B, ...).

    `module` holds the parameters under the plain names: those of the one module, or of all with a leading axis S.

    Args:
        models: freshly built or trained; a plain layout takes the module itself, the others copy it.
        layout: how they become one; `plain` is for one model.
        rng: where layers with randomness draw from; without it from torch's global generator.
        foreign_noise: the modules call torch's random functions themselves, which then draw from `rng` as well.

    Raises:
        TypeError: a layer has no stacked form.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        layout: Layout,
        rng: ReplicateRng | None = None,
        *,
        foreign_noise: bool = False,
    ) -> None:
        assert layout != "plain" or len(models) == 1
        self.layout, self.num = layout, len(models)
        make = {"plain": lambda: models[0], "stacked": lambda: stack(models), "vmap": lambda: together(models)}
        self.module = make[layout]()
        self.noise = None if rng is None else Noise(rng, layout)
        self._mode = OwnNoise(self.noise) if self.noise is not None and foreign_noise else None
        for module in self.module.modules():
            if isinstance(module, Noisy):
                module.noise = self.noise

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (S, B, ...), such as series and lengths, to outputs (S, B, ...)."""
        with ExitStack() as modes:
            if self._mode is not None:
                modes.enter_context(self._mode)
            if self.layout == "plain":
                return torch.as_tensor(self.module(*(one[0] for one in inputs))).unsqueeze(0)
            if self.layout == "stacked":
                return torch.as_tensor(self.module(*inputs))
            return self._behind_vmap(inputs)

    def states(self) -> list[State]:
        """Live views of each replicate's tensors, under the plain names."""
        tensors = self.module.state_dict()
        if self.layout == "plain":
            return [tensors]
        return [{name: tensor[row] for name, tensor in tensors.items()} for row in range(self.num)]

    def _behind_vmap(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        tensors = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}

        def one(own: dict[str, torch.Tensor], row: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
            if self.noise is not None:
                self.noise.row = row
            output: torch.Tensor = functional_call(self.module, own, given)
            return output

        rows = torch.arange(self.num, device=inputs[0].device)
        try:
            with _formula_of_attention():
                # "same": what a replicate draws is drawn for all of them, and its own row is taken.
                out: Any = torch.vmap(one, randomness="same")(tensors, rows, *inputs)
        finally:
            if self.noise is not None:
                self.noise.row = None
        return torch.as_tensor(out)


@contextmanager
def _formula_of_attention() -> Iterator[None]:
    """torch's fused kernels of attention have no batching rule behind vmap; the formula written out has."""
    with _switches:
        fast = torch.backends.mha.get_fastpath_enabled()
        try:
            torch.backends.mha.set_fastpath_enabled(False)
            with sdpa_kernel(SDPBackend.MATH):
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


def together(models: Sequence[nn.Module]) -> nn.Module:
    """A module whose parameters and buffers are those of all `models`, (S, ...); its forward is for vmap alone."""
    joined = copy.deepcopy(models[0])
    made: dict[int, torch.Tensor] = {}
    for path, module in joined.named_modules():
        own = [model.get_submodule(path) for model in models]
        for name, parameter in list(module.named_parameters(recurse=False, remove_duplicate=False)):
            parts = [each.get_parameter(name).detach() for each in own]
            if id(parameter) not in made:
                made[id(parameter)] = nn.Parameter(torch.stack(parts), requires_grad=parameter.requires_grad)
            setattr(module, name, made[id(parameter)])
        for name, _ in list(module.named_buffers(recurse=False, remove_duplicate=False)):
            setattr(module, name, torch.stack([each.get_buffer(name) for each in own]))
    return joined
