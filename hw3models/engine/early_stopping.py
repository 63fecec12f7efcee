"""Which parameters of a replicate are kept, when it stops early, and when it has failed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from hw3models.nn.stacking import State
from hw3models.specs import Recipe, ReplicateFailure


class Selection:
    """Follows S replicates over the epochs.

    A replicate runs until its loss is not finite (failed) or its patience is over (stopped). In a stack the
    others go on, and whatever happens to its parameters afterwards is ignored: they were kept before.
    """

    def __init__(self, seeds: Sequence[int], recipe: Recipe) -> None:
        self.seeds = tuple(seeds)
        self.recipe = recipe
        self.running = [True] * len(self.seeds)
        self.losses = [math.inf] * len(self.seeds)
        """Selection loss of the kept parameters."""
        self.failures: list[ReplicateFailure] = []
        self._kept: list[State | None] = [None] * len(self.seeds)
        self._waiting = [0] * len(self.seeds)
        self._best = [(math.inf, math.inf)] * len(self.seeds)
        """What the kept epoch was chosen by: less what is to be high, then the loss."""

    def update(
        self,
        epoch: int,
        train_loss: Sequence[float],
        validation_loss: Sequence[float] | None,
        states: Sequence[State],
        *,
        last: bool,
        watched: Sequence[float] | None = None,
    ) -> None:
        """Take in an epoch. `states` are live views of each replicate's tensors; what is kept is copied.

        The best epoch is that of the highest `watched`, and of the lowest loss where that is equal or not given.
        """
        for row, loss in enumerate(train_loss if validation_loss is None else validation_loss):
            if not self.running[row]:
                continue
            if not (math.isfinite(loss) and math.isfinite(train_loss[row])):
                self._fail(row, epoch, train_loss[row] if math.isfinite(loss) else loss)
            elif self.recipe.select == "best":
                self._watch(row, (0.0 if watched is None else -watched[row], loss), states[row])
            elif last:
                self._keep(row, loss, states[row])

    def results(self) -> dict[int, tuple[State, float]]:
        """Seed -> kept parameters and their selection loss, without the failed ones."""
        return {
            seed: (kept, loss)
            for seed, kept, loss in zip(self.seeds, self._kept, self.losses, strict=True)
            if kept is not None
        }

    def saved(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All that `restore` needs, as tensors and as JSON."""
        tensors = {
            f"{row}.{name}": tensor
            for row, kept in enumerate(self._kept)
            if kept is not None
            for name, tensor in kept.items()
        }
        info = {
            "running": self.running,
            "losses": self.losses,
            "waiting": self._waiting,
            "best": self._best,
            "failures": [failure.model_dump() for failure in self.failures],
        }
        return tensors, info

    def restore(self, tensors: Mapping[str, torch.Tensor], info: Mapping[str, Any]) -> None:
        """Go on as the selection that was saved."""
        self.running, self.losses, self._waiting = (list(info[key]) for key in ("running", "losses", "waiting"))
        self._best = [(float(score), float(loss)) for score, loss in info["best"]]
        self.failures = [ReplicateFailure.model_validate(failure) for failure in info["failures"]]
        for full_name, tensor in tensors.items():
            row, name = full_name.split(".", 1)
            kept = self._kept[int(row)]
            self._kept[int(row)] = {**(kept or {}), name: tensor}

    def _fail(self, row: int, epoch: int, loss: float) -> None:
        self.running[row] = False
        self._kept[row] = None
        reason = (
            f"the loss of seed {self.seeds[row]} became {loss} in epoch {epoch}. "
            "Try a lower `learning_rate`, a `gradient_clip` of 1, or look for extreme values in the data."
        )
        self.failures.append(ReplicateFailure(seed=self.seeds[row], epoch=epoch, reason=reason))

    def _watch(self, row: int, value: tuple[float, float], state: State) -> None:
        if value < self._best[row]:
            self._best[row] = value
            self._keep(row, value[1], state)
            self._waiting[row] = 0
            return
        self._waiting[row] += 1
        if self.recipe.patience is not None and self._waiting[row] >= self.recipe.patience:
            self.running[row] = False

    def _keep(self, row: int, loss: float, state: State) -> None:
        self.losses[row] = loss
        self._kept[row] = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
