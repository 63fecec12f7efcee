"""Optimizer, schedule and gradient clipping, the same for one replicate as for S stacked ones."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from hw3models.specs import Recipe

_FUSED = ("cpu", "cuda")
"""Devices with a fused kernel of Adam: all parameters in one call."""


class Optimizer:
    """`torch.optim`'s Adam, AdamW or SGD with momentum 0.9, as the recipe names it; its memory as plain tensors.

    On a GPU the learning rate is a tensor: a number would be frozen into a CUDA graph.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], recipe: Recipe) -> None:
        device = parameters[0].device.type
        rate, decay = recipe.learning_rate, recipe.weight_decay
        self._rate: torch.Tensor | float = rate
        self._optimizer: torch.optim.Optimizer
        if recipe.optimizer == "sgd":
            self._optimizer = torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay)
            return
        if device == "cuda":
            self._rate = torch.tensor(rate, device=parameters[0].device)
        kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
        fused = device in _FUSED
        self._optimizer = kind(
            parameters, self._rate, weight_decay=decay, fused=fused or None, capturable=device == "cuda"
        )

    def set_rate(self, rate: float) -> None:
        """Take `rate` at the next step, without waiting for the device."""
        if isinstance(self._rate, torch.Tensor):
            self._rate.fill_(rate)
            return
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def step(self) -> None:
        """Take one step along the gradients that the parameters hold."""
        self._optimizer.step()

    def saved(self) -> dict[str, torch.Tensor]:
        """What it remembers: moments and numbers of steps."""
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
        parameters = [one for group in self._optimizer.param_groups for one in group["params"]]
        for full_name, tensor in tensors.items():
            number, name = full_name.split(".", 1)
            like = parameters[int(number)]
            # Files keep no order of memory, and the fused optimizers go through it: moments must lie as parameters do.
            laid = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
            state[int(number)][name] = laid
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
        for group in self._optimizer.param_groups:
            # Loading copies a rate that is a tensor: the one that `set_rate` writes to counts.
            group["lr"] = self._rate


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
