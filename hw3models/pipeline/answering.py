"""What a study answers, from the reports of its families."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hw3models.errors import TrainingError
from hw3models.evaluation.comparison import LookPlan, compare
from hw3models.evaluation.prediction_table import load_table
from hw3models.evaluation.scores import score
from hw3models.evaluation.wording import listed
from hw3models.families import display_name, facts_of
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import (
    Answer,
    ComparisonReport,
    DataReport,
    Estimand,
    EvaluationReport,
    PairReport,
    TrainReport,
)


def compare_reports(
    data: DataReport,
    training: Mapping[str, TrainReport],
    evaluation: Mapping[str, EvaluationReport],
    metric: str,
    margin: float | None,
    looks: LookPlan | None = None,
    settled: Collection[PairReport] = (),
    estimand: Estimand = "mean",
) -> ComparisonReport:
    """What the prediction tables of some families say, with all that is known of how they were trained.

    Raises:
        DataError, DigestError: a table is gone, or is another.
    """
    tables = {name: load_table(Path(one.table_path), digest=one.table_digest) for name, one in evaluation.items()}
    return compare(
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
        estimand=estimand,
    )


def answer_of(
    plan: StudyPlan,
    training: Mapping[str, TrainReport],
    evaluation: Mapping[str, EvaluationReport],
    comparison: ComparisonReport | None,
    *,
    failures: Mapping[str, str],
    notes: Sequence[str] = (),
    **about: Any,
) -> Answer:
    """Put together what is known, in the order of the plan's families; `about` are further fields of the answer.

    Raises:
        TrainingError: no family could be trained.
    """
    if not training:
        raise TrainingError("; ".join(f"{family}: {why}" for family, why in failures.items()))
    if plan.spec.estimand == "median":
        evaluation = {family: _by_median(one) for family, one in evaluation.items()}
    return Answer(
        kind=plan.kind,
        data=plan.data,
        training=dict(training),
        evaluation=dict(evaluation),
        comparison=comparison,
        metric=plan.metric,
        failures=dict(failures),
        notes=(*notes, *_notes(training)),
        **about,
    )


def _by_median(evaluation: EvaluationReport) -> EvaluationReport:
    """The same scores, as medians over the seeds."""
    table = load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    scores = {name: score(table, name, "median") for name in evaluation.metrics}
    return evaluation.model_copy(update={"metrics": scores})


def with_design(comparison: ComparisonReport, plan: StudyPlan, *sentences: str) -> ComparisonReport:
    """The verdict ends with how it was come by: `sentences`, and what was varied where that is not seeds."""
    endings = list(sentences)
    if plan.spec.resampling == "training":
        endings.append(
            "Every replicate was trained on a bootstrap of its own of the training part; all were tested on the same "
            "examples."
        )
    if plan.is_resampled:
        one = plan.spec.resampling == "split"
        seeds = "all from one seed of training" if one else "each from another seed"
        endings.append(
            f"Every replicate was trained and tested on a stratified resample of its own, {seeds}; intervals are those "
            "of the corrected resampled t-test (Nadeau and Bengio 2003)."
        )
    return comparison.model_copy(update={"verdict": " ".join((comparison.verdict, *endings))})


def _notes(training: Mapping[str, TrainReport]) -> tuple[str, ...]:
    """What must be known about the trainings: lost replicates, then what several families have in common, once."""
    lost = [
        f"{family}: {failure.reason} The other replicates went on."
        for family, one in training.items()
        for failure in one.failures
    ]
    families_of: dict[str, list[str]] = {}
    for family, one in training.items():
        for note in one.notes:
            families_of.setdefault(note, []).append(display_name(family))
    return (*lost, *(f"{listed(families)}: {note}" for note, families in families_of.items()))
