"""Optimiser, schedule and gradient clipping, the same for one replicate as for S stacked ones."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import nn

from hw3models.engine.fused_adam import FusedAdam
from hw3models.specs import Recipe


class Optimizer(Protocol):
    """What a group of replicates needs of one."""

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""

    def step(self) -> None:
        """One step along the gradients."""

    def saved(self) -> dict[str, torch.Tensor]:
        """What it remembers."""

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `saved` gave."""


def make_optimizer(parameters: Sequence[nn.Parameter], recipe: Recipe) -> Optimizer:
    """Elementwise optimisers only: then stacked parameters (S, ...) move exactly as S separate ones would."""
    if recipe.optimizer != "sgd" and parameters[0].device.type in {"cpu", "cuda"}:
        decoupled = recipe.optimizer == "adamw"
        return FusedAdam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, decoupled=decoupled)
    return Plain(parameters, recipe)


class Plain:
    """SGD with momentum 0.9 everywhere, and the others where there is no fused kernel, by `torch.optim`."""

    def __init__(self, parameters: Sequence[nn.Parameter], recipe: Recipe) -> None:
        rate, decay = recipe.learning_rate, recipe.weight_decay
        self._optimizer: torch.optim.Optimizer
        if recipe.optimizer == "sgd":
            self._optimizer = torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay)
        else:
            kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
            self._optimizer = kind(parameters, rate, weight_decay=decay)

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def step(self) -> None:
        """One step along the gradients."""
        self._optimizer.step()

    def saved(self) -> dict[str, torch.Tensor]:
        """What it remembers."""
        memories = self._optimizer.state_dict()["state"]
        return {
            f"{number}.{name}": torch.as_tensor(value)
            for number, memory in memories.items()
            for name, value in memory.items()
            if value is not None
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `saved` gave."""
        state: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
        for full_name, tensor in tensors.items():
            number, name = full_name.split(".", 1)
            state[int(number)][name] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": dict(state), "param_groups": groups})


def learning_rate(recipe: Recipe, step: int, num_steps: int) -> float:
    """Learning rate of step 0 <= `step` < `num_steps`."""
    peak, done = recipe.learning_rate, step / max(1, num_steps)
    if recipe.schedule == "constant":
        return peak
    if recipe.schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    warm_up = 0.3
    if done < warm_up:
        return peak * (1 / 25 + (1 - 1 / 25) * done / warm_up)
    return peak * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float, replicates: int, *, stacked: bool) -> None:
    """Scale each replicate's gradient to a norm of at most `max_norm` (Pascanu et al. 2013, algorithm 1).

    The norm is taken per replicate: a replicate that explodes leaves its neighbours alone.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    squares = [g.reshape(replicates if stacked else 1, -1).square().sum(1) for g in gradients]
    factor = (max_norm / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)) if stacked else factor)
