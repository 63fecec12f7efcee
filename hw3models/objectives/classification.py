"""Classification: integer labels 0..K-1, logits out, cross-entropy.

S = replicates, B = examples in a batch, K = classes
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from hw3models.data.dataset import Dataset
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.nn.losses import CrossEntropy, cross_entropy_grad
from hw3models.objectives.objective import BaselineFit, Batch, LossGrad, Objective, Trained
from hw3models.specs import Recipe, TargetReport


class Classification:
    """See `Objective`."""

    name = "classification"
    metrics = tuple(name for name, metric in METRICS.items() if metric.needs == "probabilities")
    needs_pixels = False
    learns_labels = True

    def num_outputs(self, shape: tuple[int, ...], num_classes: int) -> int:  # noqa: ARG002
        """One logit for each class."""
        return num_classes

    def losses(self, outputs: torch.Tensor, batch: Batch, recipe: Recipe, *, train: bool) -> torch.Tensor:
        """Cross-entropy in nats, or mean squared error against the one-hot label; of mixed examples both labels'."""
        smoothing = recipe.label_smoothing if train else 0.0
        weights = batch.class_weights if train else None
        own = _losses(outputs, batch.labels, recipe, smoothing, weights)
        if batch.blend is None:
            return own
        others = _losses(outputs, batch.blend.labels, recipe, smoothing, weights)
        return own + batch.blend.share * (others - own)

    def loss_grad(self, batch: Batch, recipe: Recipe) -> LossGrad | None:
        """Cross-entropy as it is; whatever is mixed, smoothed or weighted takes autograd."""
        if recipe.loss == "mse" or recipe.label_smoothing or batch.blend is not None or batch.class_weights is not None:
            return None
        return partial(cross_entropy_grad, labels=batch.labels)

    def is_right(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        """The largest logit is the label's."""
        return outputs.argmax(-1) == batch.labels

    def table(self, trained: Trained) -> tuple[PredictionTable, float]:
        """Class probabilities."""
        test = trained.dataset.test
        with torch.inference_mode():
            logits = (trained.outputs(batch) for batch in trained.batches(test, len(trained.models)))
            parts = [(one / _divisors(trained, one)).softmax(-1).cpu() for one in logits]
            seconds = trained.seconds_of_one(test)
        probabilities = torch.cat(parts, dim=1).numpy()
        return _table(trained.family, trained.seeds, probabilities, trained.dataset), seconds

    def baseline_table(
        self, family: str, seeds: Sequence[int], fits: Sequence[BaselineFit], dataset: Dataset
    ) -> PredictionTable:
        """Class probabilities."""
        probabilities = np.stack([one.probabilities for one in fits if one.probabilities is not None])
        return replace(_table(family, seeds, probabilities, dataset), hard=any(one.hard for one in fits))

    def answers(
        self,
        model: nn.Module,
        arguments: Sequence[torch.Tensor],
        temperature: float = 1.0,
        target: TargetReport | None = None,  # noqa: ARG002
    ) -> Mapping[str, torch.Tensor]:
        """`probabilities` (B, K)."""
        return {"probabilities": (model(*arguments) / temperature).softmax(-1)}


def _divisors(trained: Trained, logits: torch.Tensor) -> torch.Tensor:
    """(S, 1, 1)"""
    temperatures = trained.temperatures or (1.0,) * len(trained.seeds)
    return torch.tensor(temperatures, dtype=logits.dtype, device=logits.device)[:, None, None]


def _losses(
    outputs: torch.Tensor, labels: torch.Tensor, recipe: Recipe, smoothing: float, weights: torch.Tensor | None
) -> torch.Tensor:
    """(S, B) of outputs (S, B, K) and labels (S, B), each times the weight (K,) of its class."""
    if weights is not None:
        return _losses(outputs, labels, recipe, smoothing, None) * weights[labels].to(outputs.dtype)
    if recipe.loss == "mse":
        target = F.one_hot(labels, outputs.shape[-1])
        return (outputs.softmax(-1) - target).square().mean(-1)
    if not smoothing:
        losses: torch.Tensor = CrossEntropy.apply(outputs, labels)
        return losses
    flat = F.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=smoothing)
    return flat.view(labels.shape)


def _table(family: str, seeds: Sequence[int], probabilities: NDArray[np.float32], dataset: Dataset) -> PredictionTable:
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=tuple(seeds),
        test_index=dataset.test,
        labels=dataset.labels[dataset.test],
        groups=dataset.test_groups,
        probabilities=probabilities,
    )


CLASSIFICATION: Objective = Classification()
