"""Optimizer, schedule and gradient clipping, the same for one replicate as for S stacked ones."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from hw3models.specs import Recipe

_FUSED = ("cpu", "cuda")
"""Devices with a fused kernel of Adam: all parameters in one call."""
_BETAS, _EPS, _MOMENTUM = (0.9, 0.999), 1e-8, 0.9


class Optimizer:
    """Adam, AdamW or SGD with momentum 0.9, as the recipe names it, by the functions of `torch.optim`.

    Its classes do the same, to the bit, and import torch's compiler when they are made, which takes more than a second
    of every command that trains (docs/decisions/0010). On a GPU the learning rate is a tensor: a number would be frozen
    into a CUDA graph.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], recipe: Recipe) -> None:
        self._trained, self._recipe = list(parameters), recipe
        self._device = parameters[0].device.type
        rate, is_tensor = recipe.learning_rate, self._device == "cuda" and recipe.optimizer != "sgd"
        self._rate: torch.Tensor | float = torch.tensor(rate, device=parameters[0].device) if is_tensor else rate
        self._memory: dict[int, dict[str, torch.Tensor]] = {}
        """Moments of each parameter, by its number, once it has had a gradient."""

    def set_rate(self, rate: float) -> None:
        """Take `rate` at the next step, without waiting for the device."""
        if isinstance(self._rate, torch.Tensor):
            self._rate.fill_(rate)
        else:
            self._rate = rate

    @torch.no_grad()
    def step(self) -> None:
        """Take one step along the gradients that the parameters hold."""
        numbers = [number for number, one in enumerate(self._trained) if one.grad is not None]
        parameters: list[torch.Tensor] = [self._trained[number] for number in numbers]
        gradients = [one.grad for one in parameters if one.grad is not None]
        if self._recipe.optimizer == "sgd":
            self._step_of_sgd(numbers, parameters, gradients)
            return
        for number in numbers:
            if number not in self._memory:
                self._memory[number] = self._adams_first(self._trained[number])
        memories = [self._memory[number] for number in numbers]
        adam(
            parameters,
            gradients,
            [one["exp_avg"] for one in memories],
            [one["exp_avg_sq"] for one in memories],
            [],
            [one["step"] for one in memories],
            fused=True if self._device in _FUSED else None,
            capturable=self._device == "cuda",
            decoupled_weight_decay=self._recipe.optimizer == "adamw",
            amsgrad=False,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            lr=self._rate,
            weight_decay=self._recipe.weight_decay,
            eps=_EPS,
            maximize=False,
        )

    def _adams_first(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        return {
            "step": torch.zeros((), dtype=torch.float32, device=self._steps_on(parameter)),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    def _steps_on(self, parameter: torch.Tensor) -> torch.device:
        """Where steps are counted: the fused kernel does it where it computes."""
        return parameter.device if self._device in _FUSED else torch.device("cpu")

    def _step_of_sgd(self, numbers: list[int], parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        buffers = [self._memory.get(number, {}).get("momentum_buffer") for number in numbers]
        sgd(
            parameters,
            gradients,
            buffers,
            weight_decay=self._recipe.weight_decay,
            momentum=_MOMENTUM,
            lr=self._rate,
            dampening=0,
            nesterov=False,
            maximize=False,
        )
        for number, buffer in zip(numbers, buffers, strict=True):
            if buffer is not None:
                self._memory[number] = {"momentum_buffer": buffer}

    def saved(self) -> dict[str, torch.Tensor]:
        """What it remembers: moments and numbers of steps."""
        return {f"{number}.{name}": value for number, memory in self._memory.items() for name, value in memory.items()}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `saved` gave."""
        memory: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
        for full_name, tensor in tensors.items():
            number, name = full_name.split(".", 1)
            like = self._trained[int(number)]
            if name == "step":
                memory[int(number)][name] = tensor.to(self._steps_on(like), torch.float32, copy=True)
            else:
                # Files keep no order of memory, and the fused kernel goes through it: moments lie as parameters do.
                memory[int(number)][name] = torch.empty_like(like).copy_(tensor)
        self._memory = dict(memory)


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


_AT_ONCE = 16_384
"""Numbers whose sum torch leaves to one thread; longer sums to a single number it divides among those that it has."""


def _sum_of_squares(rows: torch.Tensor) -> torch.Tensor:
    """Squares of each row of (S, N) summed, (S,): to the same bits on any number of threads."""
    squares = rows.square()
    if len(rows) > 1 or rows.device.type != "cpu" or rows.shape[1] <= _AT_ONCE:
        return squares.sum(1)
    return torch.stack([part.sum(1) for part in squares.split(_AT_ONCE, 1)]).sum(0)


def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float, replicates: int, *, stacked: bool) -> None:
    """Scale each replicate's gradient to a norm of at most `max_norm` (Pascanu et al. 2013, algorithm 1).

    The norm is taken per replicate: a replicate that explodes leaves its neighbours alone.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    squares = [_sum_of_squares(g.reshape(replicates if stacked else 1, -1)) for g in gradients]
    factor = (max_norm / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)) if stacked else factor)
