"""Evaluate on the test split, once, and compare families."""

from collections.abc import Collection, Mapping
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.evaluation.comparison import LookPlan
from hw3models.evaluation.comparison import compare as compare_tables
from hw3models.evaluation.prediction_table import load_table
from hw3models.families import facts_of
from hw3models.pipeline.steps import evaluate_step
from hw3models.specs import ComparisonReport, DataReport, EvaluationReport, PairReport, TrainReport
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
) -> ComparisonReport:
    """What the prediction tables say. Cheap, so never cached."""
    tables = {name: load_table(Path(one.table_path), digest=one.table_digest) for name, one in evaluation.items()}
    return compare_tables(
        tables,
        metric=metric,
        margin=margin,
        train_seconds={name: one.train_seconds for name, one in training.items()},
        facts=facts_of(
            tables, data.kind, training_resampled=any(table.training_resampled for table in tables.values())
        ),
        devices={name: one.device for name, one in training.items()},
        budgets={name: one.recipe.tried for name, one in training.items() if one.recipe is not None},
        looks=looks,
        settled=settled,
    )
