"""Scores of one family, from its prediction table."""

import numpy as np

from hw3models.intervals import estimate_mean, exact_extreme
from hw3models.metrics import METRICS, influence_values, metrics_of
from hw3models.prediction_table import PredictionTable
from hw3models.specs import EvaluationReport, Score


def evaluate(
    table: PredictionTable,
    class_names: tuple[str, ...],
    *,
    predict_seconds_per_1000: float,
    device: str,
    table_path: str,
    table_digest: str,
) -> EvaluationReport:
    """All metrics with their 95% intervals; classes one by one; the confusion matrix."""
    is_classifier = table.probabilities is not None
    return EvaluationReport(
        family=table.family,
        data_digest=table.data_digest,
        seeds=table.seeds,
        num_test=len(table.labels),
        metrics={name: score(table, name) for name in metrics_of(table)},
        per_class=_per_class(table, class_names) if is_classifier else {},
        confusion=_confusion(table, len(class_names)) if is_classifier else (),
        predict_seconds_per_1000=predict_seconds_per_1000,
        device=device,
        table_path=table_path,
        table_digest=table_digest,
    )


def score(table: PredictionTable, metric: str) -> Score:
    """Mean over seeds with a 95% interval that counts the luck of seeds and of test examples."""
    values, about = influence_values(table, metric), METRICS[metric]
    estimate = estimate_mean(values)
    low, high = estimate.interval()
    if metric in {"accuracy", "probe_accuracy"} and estimate.mean in {0.0, 1.0}:
        low, high = exact_extreme(estimate.mean == 1.0, values.shape[1])
    per_seed = tuple(float(v) for v in values.mean(1))
    return Score(mean=estimate.mean, low=max(low, about.low), high=min(high, about.high), per_seed=per_seed)


def _confusion(table: PredictionTable, num_classes: int) -> tuple[tuple[int, ...], ...]:
    """Rows true, columns predicted, summed over the seeds."""
    assert table.probabilities is not None
    predicted = table.probabilities.argmax(-1)
    cells = np.zeros((num_classes, num_classes), np.int64)
    for row in predicted:
        np.add.at(cells, (table.labels, row), 1)
    return tuple(tuple(int(n) for n in row) for row in cells)


def _per_class(table: PredictionTable, class_names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 as means over the seeds; a ratio without cases is 0, as in scikit-learn."""
    assert table.probabilities is not None
    predicted = table.probabilities.argmax(-1)
    result = {}
    for c, name in enumerate(class_names):
        actual, said = table.labels == c, predicted == c
        right = (actual & said).sum(1)
        counts = {"precision": said.sum(1), "recall": np.full(len(said), actual.sum())}
        ratios = {key: float((right / np.maximum(1, count)).mean()) for key, count in counts.items()}
        f1 = float((2 * right / np.maximum(1, actual.sum() + said.sum(1))).mean())
        result[name] = {**ratios, "f1": f1, "support": float(actual.sum())}
    return result
