"""Regression: a number for each example, by squared error of the standardised number.

A network's output is (number - mean) / std of the training examples (`TargetReport`); tables and answers hold numbers
in their own units. All networks that classify do this as well, with one output.

S = replicates, B = examples in a batch, n = test examples
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.nn.losses import SquaredError, squared_error_grad
from hw3models.objectives.objective import BaselineFit, Batch, LossGrad, Objective, Trained
from hw3models.specs import Recipe, TargetReport

_AS_IT_IS = {
    "label_smoothing": 0.0,
    "class_weights": "none",
    "loss": "mse",
    "mixup": 0.0,
    "scale": 0.0,
    "time_warp": 0.0,
    "crop": 0.0,
    "shift_pixels": 0,
    "flip": "never",
    "cutout": 0.0,
    "colour": 0.0,
    "shift_steps": 0.0,
}
"""What of a classifier's recipe may change the number: a series of another size, place or length need not have it."""


class Regression:
    """See `Objective`."""

    name = "regression"
    metrics = tuple(name for name, metric in METRICS.items() if metric.needs == "predicted")
    needs_pixels = False
    learns_labels = False

    def num_outputs(self, shape: tuple[int, ...], num_classes: int) -> int:  # noqa: ARG002
        """The number."""
        return 1

    def losses(self, outputs: torch.Tensor, batch: Batch, recipe: Recipe, *, train: bool) -> torch.Tensor:  # noqa: ARG002
        """Squared error, in units of the training examples' variance; of mixed examples that of the mixed number."""
        errors: torch.Tensor = SquaredError.apply(outputs, _wanted(batch))
        return errors

    def loss_grad(self, batch: Batch, recipe: Recipe) -> LossGrad | None:  # noqa: ARG002
        """Squared error always has one."""
        return partial(squared_error_grad, target=_wanted(batch))

    def is_right(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor | None:  # noqa: ARG002
        """A number is neither right nor wrong."""
        return None

    def table(self, trained: Trained) -> tuple[PredictionTable, float]:
        """The numbers that each replicate says, in their own units."""
        dataset = trained.dataset
        assert dataset.target is not None
        with torch.inference_mode():
            batches = trained.batches(dataset.test, len(trained.models))
            parts = [trained.outputs(batch).squeeze(-1).double().cpu() for batch in batches]
            seconds = trained.seconds_of_one(dataset.test)
        said = torch.cat(parts, dim=1).numpy() * dataset.target.std + dataset.target.mean
        return _table(trained.family, trained.seeds, said, dataset), seconds

    def baseline_table(
        self, family: str, seeds: Sequence[int], fits: Sequence[BaselineFit], dataset: Dataset
    ) -> PredictionTable:
        """The numbers that each seed says."""
        said = np.stack([one.numbers for one in fits if one.numbers is not None])
        return _table(family, seeds, said.astype(np.float64), dataset)

    def answers(
        self,
        model: nn.Module,
        arguments: Sequence[torch.Tensor],
        temperature: float = 1.0,  # noqa: ARG002
        target: TargetReport | None = None,
    ) -> Mapping[str, torch.Tensor]:
        """`prediction` (B,), float64: a date as a number has more digits than float32."""
        assert target is not None
        return {"prediction": model(*arguments).squeeze(-1).double() * target.std + target.mean}


def own_recipe(recipe: Recipe) -> Recipe:
    """A classifier's recipe without what may change the number that is to be predicted."""
    return recipe.model_copy(update=_AS_IT_IS)


def _wanted(batch: Batch) -> torch.Tensor:
    """Standardised numbers (S, B, 1)."""
    assert batch.targets is not None
    return batch.targets.unsqueeze(-1)


def _table(family: str, seeds: Sequence[int], said: NDArray[np.float64], dataset: Dataset) -> PredictionTable:
    assert dataset.targets is not None
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=tuple(seeds),
        test_index=dataset.test,
        labels=dataset.labels[dataset.test],
        groups=dataset.test_groups,
        predicted=said,
        targets=dataset.targets[dataset.test],
    )


REGRESSION: Objective = Regression()
