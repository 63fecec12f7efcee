"""Optimiser, schedule and gradient clipping, the same for one replicate as for S stacked ones."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from hw3models.specs import Recipe


def make_optimizer(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Elementwise optimisers only: then stacked parameters (S, ...) move exactly as S separate ones would."""
    device = parameters[0].device
    fused = device.type in {"cpu", "cuda"}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    # A number would be frozen into a CUDA graph; a tensor is read at every step.
    rate = torch.tensor(recipe.learning_rate, device=device) if device.type == "cuda" else recipe.learning_rate
    return kind(parameters, rate, weight_decay=recipe.weight_decay, fused=fused, capturable=device.type == "cuda")


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """In place where it is a tensor, without waiting for the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


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
