"""Evaluate on the test split, once, and compare families."""

from collections.abc import Collection, Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.evaluation.comparison import LookPlan
from hw3models.pipeline.answering import compare_reports
from hw3models.pipeline.steps import evaluate_step
from hw3models.specs import ComparisonReport, DataReport, Estimand, EvaluationReport, PairReport, TrainReport
from tasks.background import resting
from tasks.caching import cache_key


@task(
    task_run_name="evaluate-{training.family}",
    cache_key_fn=cache_key,
    persist_result=True,
    result_serializer="json",
)
def evaluate(training: TrainReport, data: DataReport) -> EvaluationReport:
    """Score the test split and keep the prediction table."""
    with resting():
        return evaluate_step(training, data)


@task(task_run_name="compare-{data.name}", cache_policy=NO_CACHE, persist_result=False)
def compare(
    data: DataReport,
    training: Mapping[str, TrainReport],
    evaluation: Mapping[str, EvaluationReport],
    metric: str,
    margin: float | None,
    looks: LookPlan | None = None,
    settled: Collection[PairReport] = (),
    estimand: Estimand = "mean",
) -> ComparisonReport:
    """What the prediction tables say. Cheap, so never cached."""
    return compare_reports(data, training, evaluation, metric, margin, looks, settled, estimand)
