"""One family on the test split: every metric with its interval, per class figures, confusion.

Intervals are 95% and count both the seeds and the test examples: see `hw3models.stats.intervals`. With one seed they
count the examples only. Those of resampled splits count the splits.

S = seeds, K = classes
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.evaluation.metrics import (
    METRICS,
    Metric,
    available,
    confusions,
    default_metric,
    f1_scores,
    measure,
    precisions,
    recalls,
    recalls_of,
)
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.wording import value_with_interval
from hw3models.specs import Answer, Estimand, EvaluationReport, Score
from hw3models.stats.intervals import Measured, bounded_interval

__all__ = ["METRICS", "Metric", "evaluate", "headline", "main_metric", "score"]

MOST_CLASSES = 100
"""Classes up to which a confusion has a row and a column for each: those of 1,200 have 1.4 million cells a family."""
MOST_CONFUSED = 50
"""Pairs of classes that are named in its place."""


def evaluate(
    table: PredictionTable,
    class_names: Sequence[str],
    *,
    predict_seconds_per_1000: float,
    device: str,
    table_path: str,
    table_digest: str,
) -> EvaluationReport:
    """Score `table`. A metric that does not exist for it (AUROC of a single class) is left out.

    Raises:
        DataError: `class_names` are not those of the table.
    """
    per_class: dict[str, dict[str, float]] = {}
    confusion: tuple[tuple[int, ...], ...] = ()
    confused: tuple[tuple[str, str, int], ...] = ()
    if table.probabilities is not None:
        _check_names(class_names, table.probabilities.shape[2], table.family)
        per_class, counts_KK = _classes(table, class_names)
        if len(counts_KK) > MOST_CLASSES:
            confused = most_confused(counts_KK, class_names)
        else:
            confusion = tuple(tuple(row) for row in counts_KK.tolist())
    return EvaluationReport(
        family=table.family,
        data_digest=table.data_digest,
        seeds=table.seeds,
        num_test=table.num_test,
        metrics={name: score(table, name) for name in available(table)},
        per_class=per_class,
        confusion=confusion,
        most_confused=confused,
        predict_seconds_per_1000=predict_seconds_per_1000,
        device=device,
        table_path=table_path,
        table_digest=table_digest,
    )


def score(table: PredictionTable, metric: str, estimand: Estimand = "mean") -> Score:
    """Mean over seeds, or their median, with a 95% interval within the metric's range.

    Raises:
        SpecError: no such metric, or the table has not the predictions that it needs.
    """
    return score_of(measure(table, metric, estimand), metric)


def score_of(measured: Measured, metric: str) -> Score:
    """Mean (or median) and 95% interval of what was measured."""
    lowest, highest = METRICS[metric].range
    low, high = bounded_interval(measured, lowest=lowest, highest=highest)
    per_seed = tuple(float(value) for value in measured.per_replicate)
    return Score(mean=measured.value, low=low, high=high, per_seed=per_seed)


def main_metric(answer: Answer) -> str:
    """The metric that a study's families are compared, ranked and shown by."""
    if answer.metric is not None:
        return answer.metric
    # Answers of earlier versions do not say it.
    if answer.comparison is not None:
        return answer.comparison.metric
    return default_metric({name for one in answer.evaluation.values() for name in one.metrics})


def headline(evaluation: EvaluationReport, metric: str | None = None) -> str:
    """The score that a family is shown by: `accuracy 97.4% [96.9, 97.8]`; `metric` is that of its study."""
    name = metric if metric in evaluation.metrics else default_metric(evaluation.metrics)
    score = evaluation.metrics[name]
    return f"{METRICS[name].label} {value_with_interval(name, score.mean, score.low, score.high)}"


def _classes(
    table: PredictionTable, class_names: Sequence[str]
) -> tuple[dict[str, dict[str, float]], NDArray[np.int64]]:
    """Precision, recall and F1 per class, means over seeds; 0 where a class is never predicted, or has no example."""
    alone = [table.of_seed(seed) for seed in table.seeds] if table.is_resampled else [table]
    counts_SKK = np.concatenate([confusions(one) for one in alone])
    columns = {
        "precision": precisions(counts_SKK).mean(axis=0),
        "recall": recalls(counts_SKK).mean(axis=0),
        "f1": f1_scores(counts_SKK).mean(axis=0),
        "support": counts_SKK[0].sum(axis=1),
    }
    per_class = {
        name: {column: float(values[k]) for column, values in columns.items()} for k, name in enumerate(class_names)
    }
    for name, (low, high) in zip(class_names, _recall_intervals(table, len(class_names)), strict=True):
        per_class[name] |= {"recall_low": low, "recall_high": high}
    return per_class, counts_SKK.sum(axis=0).astype(np.int64)


def most_confused(counts_KK: NDArray[np.int64], class_names: Sequence[str]) -> tuple[tuple[str, str, int], ...]:
    """The most frequent errors, at most `MOST_CONFUSED`: true class, predicted class, how often."""
    errors = counts_KK * ~np.eye(len(counts_KK), dtype=bool)
    first = np.argsort(-errors, axis=None, kind="stable")[:MOST_CONFUSED]
    rows, columns = np.unravel_index(first, errors.shape)
    return tuple(
        (class_names[row], class_names[column], int(errors[row, column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if errors[row, column]
    )


def _recall_intervals(table: PredictionTable, num_classes: int) -> Iterator[tuple[float, float]]:
    """95% limits of the share of each class's test examples that is found; 0 to 1 where there are too few to say."""
    counts = np.bincount(table.labels.ravel(), minlength=num_classes)
    known = [] if table.is_resampled else np.flatnonzero(counts >= 2).tolist()
    measured = dict(zip(known, recalls_of(table, known), strict=True))
    for k in range(num_classes):
        yield bounded_interval(measured[k], lowest=0.0, highest=1.0) if k in measured else (0.0, 1.0)


def _check_names(class_names: Sequence[str], num_classes: int, family: str) -> None:
    faults = []
    if len(class_names) != num_classes:
        faults.append(f"there are {len(class_names)} names for {num_classes} classes")
    if twice := sorted({name for name in class_names if list(class_names).count(name) > 1}):
        faults.append(f"{', '.join(map(repr, twice))} stands more than once")
    if faults:
        raise DataError(
            f"class names for the predictions of {family}: {'; '.join(faults)}. Pass those of the data set."
        )
