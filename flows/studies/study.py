"""One data set, several families: the steps that the flows of images, autoencoders and sequences share, in order."""

from collections.abc import Mapping

from flows.studies.looks import train_until_decided
from flows.studies.plan import StudyPlan
from flows.studies.results import StudyResults
from flows.studies.training import train_all
from flows.studies.tuning import Tuned, tune
from hw3models.data import check_kind
from hw3models.errors import TrainingError
from hw3models.evaluation.wording import listed
from hw3models.families import display_name
from hw3models.pipeline.study import check_study, suited
from hw3models.specs import Answer, ComparisonReport, DataSpec, StudyKind, StudySpec, TrainReport
from hw3models.tuning.choice import budget_sentence
from tasks import tracking
from tasks.artifacts import publish
from tasks.caching import run_cached
from tasks.data import download, preprocess
from tasks.evaluation import compare
from tasks.progress import say
from tasks.reporting import draw_ahead


def study(kind: StudyKind, spec: StudySpec, data_spec: DataSpec, parent: str, *, latent_dim: int = 2) -> Answer:
    """Download, preprocess, search for recipes, train and evaluate each family, compare, publish."""
    choice = check_study(kind, spec)
    check_kind(choice.kind, data_spec)
    source = download(data_spec)
    data, was_cached = run_cached(preprocess, data_spec, source)
    say(
        f"{data.name}: {data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples"
    )
    plan = StudyPlan(
        kind=kind,
        spec=spec,
        source=data_spec,
        data=data,
        families=suited(choice.families, spec, data),
        metric=choice.metric,
        parent=parent,
        latent_dim=latent_dim,
    )
    results = StudyResults(data, metric=choice.metric, fresh=spec.fresh, cached=["preprocess"] if was_cached else [])
    tuned = tune(plan, results)
    plan = plan.with_recipes(tuned.recipes)
    comparison = train_until_decided(plan, results) if spec.until_decided else _train_and_compare(plan, results)
    answer = _answer(plan, results, comparison and _with_design(comparison, plan, tuned))
    answer = answer.model_copy(update={"tuning": dict(tuned.reports)})
    tuned.log(answer.run_ids, parent)
    tracking.log_answer(parent, answer)
    publish(answer)
    return answer


def _train_and_compare(plan: StudyPlan, results: StudyResults) -> ComparisonReport | None:
    """All seeds at once; None where fewer than two families could be trained."""
    seeds = range(plan.spec.first_seed, plan.spec.first_seed + plan.spec.seeds)
    train_all(plan, plan.trainings(results.without_failures(plan.families), seeds), results)
    if results.training:
        # The page is drawn while families are compared.
        draw_ahead(_answer(plan, results, None))
    if len(results.training) < 2:
        return None
    return compare(plan.data, *results.in_order(plan.families), plan.metric, plan.spec.margin)


def _answer(plan: StudyPlan, results: StudyResults, comparison: ComparisonReport | None) -> Answer:
    training, evaluation = results.in_order(plan.families)
    if not training:
        raise TrainingError("; ".join(f"{family}: {why}" for family, why in results.failures.items()))
    return Answer(
        kind=plan.kind,
        data=plan.data,
        training=training,
        evaluation=evaluation,
        comparison=comparison,
        metric=plan.metric,
        failures=results.failures,
        notes=(*results.notes, *_notes(training)),
        cached=tuple(results.cached),
        run_ids={family: tracking.outbox().known_as(one) or one for family, one in results.run_ids.items()},
        placement={family: results.placement[family] for family in plan.families if family in results.placement},
    )


def _with_design(comparison: ComparisonReport, plan: StudyPlan, tuned: Tuned) -> ComparisonReport:
    """The verdict ends with how it was come by: the search for recipes, and what was varied where that is not seeds."""
    endings = []
    if tuned.reports:
        compared = {name for pair in comparison.pairs for name in (pair.a, pair.b)}
        endings.append(budget_sentence(tuned.reports, sorted(compared.difference(plan.networks))))
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
