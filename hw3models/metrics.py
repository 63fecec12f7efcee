"""Metrics as influence values: one number per seed and example, whose mean over the examples is the metric.

For means over examples (accuracy, cross-entropy, Brier, squared error) these are the examples' own values.
For the others they are the first-order change of the metric when an example gains weight (infinitesimal
jackknife, Efron 1982), so one formula for uncertainty serves all metrics (`intervals`).

    S = seeds, n = test examples, K = classes
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hw3models.errors import SpecError
from hw3models.prediction_table import PredictionTable

SMALLEST = 1e-12
"""Probabilities are clipped here before a logarithm: a wrong certainty costs 27.6 nats, not infinity."""
NUM_BINS = 15
"""Bins of the calibration error, as in Guo et al. 2017."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """How a metric is read."""

    label: str
    higher_is_better: bool
    low: float
    high: float
    values: Callable[[PredictionTable], Array]
    """Influence values (S, n)."""
    is_share: bool = False
    """In 0..1 and said in percent; differences in points."""


def influence_values(table: PredictionTable, metric: str) -> Array:
    """Float64 (S, n); row means are the metric per seed.

    Raises:
        SpecError: no such metric, or the table does not hold what it needs.
    """
    if metric not in METRICS:
        raise SpecError(f"`metric` {metric!r} is not known; known: {', '.join(METRICS)}.")
    if metric not in metrics_of(table):
        raise SpecError(f"`metric` {metric!r} does not suit {table.family}; suited: {', '.join(metrics_of(table))}.")
    return METRICS[metric].values(table)


def metrics_of(table: PredictionTable) -> tuple[str, ...]:
    """Names of the metrics that the table can give."""
    if table.probabilities is not None:
        # One class among the labels leaves nothing to rank.
        without = {"auroc"} if len(np.unique(table.labels)) < 2 else set()
        return tuple(name for name in _CLASSIFICATION if name not in without)
    return tuple(name for name in _RECONSTRUCTION if name != "probe_accuracy" or table.probe_correct is not None)


def _probabilities(table: PredictionTable) -> Array:
    assert table.probabilities is not None
    return table.probabilities.astype(np.float64)


def _accuracy(table: PredictionTable) -> Array:
    assert table.probabilities is not None
    hits: Array = (table.probabilities.argmax(-1) == table.labels).astype(np.float64)
    return hits


def _balanced_accuracy(table: PredictionTable) -> Array:
    """Mean recall over the classes present (Brodersen et al. 2010)."""
    hits, num = _accuracy(table), len(table.labels)
    classes, inverse, counts = np.unique(table.labels, return_inverse=True, return_counts=True)
    recall = np.stack([hits[:, table.labels == c].mean(1) for c in classes], axis=1)
    weight = num / (len(classes) * counts[inverse])
    result: Array = recall.mean(1, keepdims=True) + weight * (hits - recall[:, inverse])
    return result


def _macro_f1(table: PredictionTable) -> Array:
    """Mean over classes of F1 = 2 TP / (actual + predicted); classes that occur nowhere are left out."""
    assert table.probabilities is not None
    predicted, num = table.probabilities.argmax(-1), len(table.labels)
    total, influence, used = 0.0, np.zeros(predicted.shape), np.zeros((len(predicted), 1))
    for c in range(table.probabilities.shape[-1]):
        actual, said = (table.labels == c).astype(np.float64), (predicted == c).astype(np.float64)
        size = actual.sum() + said.sum(1, keepdims=True)
        occurs = size > 0
        safe = np.where(occurs, size, 1.0)
        f1 = 2 * (actual * said).sum(1, keepdims=True) / safe
        total = total + f1 * occurs
        influence += np.where(occurs, num * (2 * actual * said - f1 * (actual + said)) / safe, 0.0)
        used += occurs
    result: Array = (total + influence) / used
    return result


def _cross_entropy(table: PredictionTable) -> Array:
    """In nats."""
    chosen = _probabilities(table)[:, np.arange(len(table.labels)), table.labels]
    result: Array = -np.log(np.clip(chosen, SMALLEST, None))
    return result


def _brier(table: PredictionTable) -> Array:
    """Sum over the classes of squared differences to the one-hot label (Brier 1950): 0 to 2."""
    probabilities = _probabilities(table)
    target = np.eye(probabilities.shape[-1])[table.labels]
    result: Array = np.square(probabilities - target).sum(-1)
    return result


def _calibration_error(table: PredictionTable) -> Array:
    """Expected calibration error over 15 equal bins of the confidence (Guo et al. 2017, eq. 3)."""
    probabilities = _probabilities(table)
    confidence, hits = probabilities.max(-1), _accuracy(table)
    bins = np.clip(np.ceil(confidence * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    result = np.empty_like(confidence)
    for row in range(len(confidence)):
        gap = hits[row] - confidence[row]
        sums = np.bincount(bins[row], weights=gap, minlength=NUM_BINS)
        result[row] = np.sign(sums)[bins[row]] * gap
    return result


def _auroc(table: PredictionTable) -> Array:
    """One class against the rest, averaged over the classes present; DeLong et al. (1988) placements."""
    probabilities, num = _probabilities(table), len(table.labels)
    classes = [c for c in range(probabilities.shape[-1]) if 0 < (table.labels == c).sum() < num]
    if probabilities.shape[-1] == 2:
        classes = [1]
    result = np.zeros(probabilities.shape[:2])
    for c in classes:
        positive = table.labels == c
        num_positive, num_negative = int(positive.sum()), int(num - positive.sum())
        for row, scores in enumerate(probabilities[:, :, c]):
            ranks = rankdata(scores)
            placement = np.empty(num)
            placement[positive] = (ranks[positive] - rankdata(scores[positive])) / num_negative
            placement[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / num_positive
            area = placement[positive].mean()
            size = np.where(positive, num_positive, num_negative)
            result[row] += area + num / size * (placement - area)
    averaged: Array = result / len(classes)
    return averaged


def _squared_error(table: PredictionTable) -> Array:
    assert table.squared_error is not None
    return table.squared_error


def _mse(table: PredictionTable) -> Array:
    assert table.num_pixels is not None
    return _squared_error(table) / table.num_pixels


def _psnr(table: PredictionTable) -> Array:
    """10 log10(1 / MSE) in dB, of the MSE over all test images, for pixels in 0..1."""
    errors = _mse(table)
    mse = np.clip(errors.mean(1, keepdims=True), 1e-12, None)
    result: Array = -10 * np.log10(mse) - 10 / np.log(10) * (errors - mse) / mse
    return result


def _probe_accuracy(table: PredictionTable) -> Array:
    assert table.probe_correct is not None
    return table.probe_correct.astype(np.float64)


_CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "cross_entropy",
    "auroc",
    "brier",
    "calibration_error",
)
_RECONSTRUCTION = ("mse", "squared_error", "psnr", "probe_accuracy")

METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", True, 0, 1, _accuracy, is_share=True),
    "balanced_accuracy": Metric("balanced accuracy", True, 0, 1, _balanced_accuracy, is_share=True),
    "macro_f1": Metric("macro F1", True, 0, 1, _macro_f1, is_share=True),
    "cross_entropy": Metric("cross-entropy (nats)", False, 0, np.inf, _cross_entropy),
    "auroc": Metric("AUROC", True, 0, 1, _auroc, is_share=True),
    "brier": Metric("Brier score", False, 0, 2, _brier),
    "calibration_error": Metric("calibration error", False, 0, 1, _calibration_error, is_share=True),
    "mse": Metric("MSE per pixel", False, 0, 1, _mse),
    "squared_error": Metric("squared error per image", False, 0, np.inf, _squared_error),
    "psnr": Metric("PSNR (dB)", True, -np.inf, np.inf, _psnr),
    "probe_accuracy": Metric("linear probe accuracy", True, 0, 1, _probe_accuracy, is_share=True),
}
"""Every metric, by the name it has in reports, in JSON and in MLflow."""
