"""One family on the test split: every metric with its interval, per class figures, confusion.

Intervals are 95% and count both the seeds and the test examples: see `hw3models.stats.intervals`. With one seed they
count the examples only. Those of resampled splits count the splits.

S = seeds, K = classes
"""

from collections.abc import Iterator, Sequence

import numpy as np

from hw3models.errors import DataError
from hw3models.evaluation.metrics import (
    METRICS,
    Metric,
    available,
    default_metric,
    f1_scores,
    grouped_confusion,
    measure,
    precisions,
    recall_of,
    recalls,
)
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.wording import value_with_interval
from hw3models.specs import Answer, EvaluationReport, Score
from hw3models.stats.intervals import Measured, bounded_interval

__all__ = ["METRICS", "Metric", "evaluate", "headline", "main_metric", "score"]


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
    if table.probabilities is not None:
        _check_names(class_names, table.probabilities.shape[2], table.family)
        per_class, confusion = _classes(table, class_names)
    return EvaluationReport(
        family=table.family,
        data_digest=table.data_digest,
        seeds=table.seeds,
        num_test=table.num_test,
        metrics={name: score(table, name) for name in available(table)},
        per_class=per_class,
        confusion=confusion,
        predict_seconds_per_1000=predict_seconds_per_1000,
        device=device,
        table_path=table_path,
        table_digest=table_digest,
    )


def score(table: PredictionTable, metric: str) -> Score:
    """Mean over seeds with a 95% interval within the metric's range.

    Raises:
        SpecError: no such metric, or the table has not the predictions that it needs.
    """
    return score_of(measure(table, metric), metric)


def score_of(measured: Measured, metric: str) -> Score:
    """Mean and 95% interval of what was measured."""
    lowest, highest = METRICS[metric].range
    low, high = bounded_interval(measured, lowest=lowest, highest=highest)
    per_seed = tuple(float(value) for value in measured.per_replicate)
    return Score(mean=float(measured.per_seed.mean()), low=low, high=high, per_seed=per_seed)


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
) -> tuple[dict[str, dict[str, float]], tuple[tuple[int, ...], ...]]:
    """Precision, recall and F1 per class, means over seeds; 0 where a class is never predicted, or has no example."""
    alone = [table.of_seed(seed) for seed in table.seeds] if table.is_resampled else [table]
    counts_SKK = np.concatenate([grouped_confusion(one).sum(axis=1) for one in alone])
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
    summed = counts_SKK.sum(axis=0).astype(np.int64)
    return per_class, tuple(tuple(int(count) for count in row) for row in summed)


def _recall_intervals(table: PredictionTable, num_classes: int) -> Iterator[tuple[float, float]]:
    """95% limits of the share of each class's test examples that is found; 0 to 1 where there are too few to say."""
    for k in range(num_classes):
        if table.is_resampled or (table.labels == k).sum() < 2:
            yield 0.0, 1.0
        else:
            yield bounded_interval(recall_of(table, k), lowest=0.0, highest=1.0)


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
