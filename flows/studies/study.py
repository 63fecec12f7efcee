"""One data set, several families: the steps that the flows of images, autoencoders and sequences share."""

from collections.abc import Mapping, Sequence

from flows.prefect_tags import prefect_tags
from flows.studies.looks import train_until_decided
from flows.studies.results import StudyResults
from flows.studies.tuning import NOTHING, Tuned, tune
from hw3models.data import check_kind
from hw3models.errors import PlacementError, TrainingError
from hw3models.evaluation.wording import listed
from hw3models.families import Network, display_name, find_family, recipe_of
from hw3models.pipeline.study import check_study
from hw3models.specs import (
    Answer,
    ComparisonReport,
    DataReport,
    DataSpec,
    EvaluationReport,
    StudyKind,
    StudySpec,
    TrainReport,
    TrainSpec,
)
from hw3models.tuning.choice import budget_sentence
from tasks import tracking
from tasks.artifacts import publish
from tasks.caching import run_cached
from tasks.data import download, preprocess
from tasks.evaluation import compare
from tasks.placement import Decision, Dispatcher, cancel_earlier, decide_now, for_family, server_address
from tasks.progress import say
from tasks.reporting import draw_ahead


def study(kind: StudyKind, spec: StudySpec, data_spec: DataSpec, parent: str, *, latent_dim: int = 2) -> Answer:
    """Download, preprocess, then train, evaluate and record each family, compare, publish."""
    expected, families, metric = check_study(kind, spec)
    check_kind(expected, data_spec)
    source = download(data_spec)
    data, was_cached = run_cached(preprocess, data_spec, source)
    say(
        f"{data.name}: {data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples"
    )
    results = StudyResults(data, ["preprocess"] if was_cached else [], fresh=spec.fresh)

    tuned = NOTHING

    def job(family: str, seeds: Sequence[int]) -> TrainSpec:
        return tuned.recipe_for(_train_spec(spec, data_spec, data, family, latent_dim, seeds))

    if spec.tune is not None:
        tuned = _tune(spec, {family: job(family, (0,)) for family in families}, results, parent, metric)
    trained = [family for family in families if family not in results.failures]
    if spec.until_decided:
        comparison = train_until_decided(
            spec,
            trained,
            results,
            job,
            lambda jobs, part: train_all(spec, jobs, part, parent),
            metric=metric,
            parent=parent,
        )
    else:
        seeds = range(spec.first_seed, spec.first_seed + spec.seeds)
        train_all(spec, {family: job(family, seeds) for family in trained}, results, parent)
        if results.training:
            draw_ahead(_answer(kind, results, families, None))
        several = len(results.training) > 1
        found = _in_order(results, families)
        comparison = compare(data, *found, metric, spec.margin) if several else None
    answer = _answer(kind, results, families, comparison and _with_design(comparison, spec, data, tuned))
    answer = answer.model_copy(update={"tuning": dict(tuned.reports)})
    tuned.log(answer.run_ids, parent)
    tracking.log_answer(parent, answer)
    publish(answer)
    return answer


def train_all(spec: StudySpec, jobs: Mapping[str, TrainSpec], results: StudyResults, parent: str) -> None:
    """Each family where it belongs. What goes to a pool is queued first, so that it runs beside what is done here."""
    decision = _decide(spec)
    if server_address() is not None:
        # Without a server there is nothing to decide, and nothing to tell five times a run.
        say(f"networks are trained {'here' if decision.where == 'here' else f'on {decision.where}'}: {decision.reason}")
    with Dispatcher(deadline=spec.queue_deadline) as children:
        here = []
        for family, job in jobs.items():
            run_id = tracking.open_child(parent, job, results.data, prefect_tags(), is_batch=spec.until_decided)
            cancel_earlier(run_id)
            one = for_family(decision, results.data.kind, family)
            instead = one if one.deployment is None else results.send(children, job, run_id, one)
            if instead is not None:
                here.append((job, run_id, instead))
        for job, run_id, one in here:
            results.train_here(job, run_id, one)
        for outcome in children.outcomes():
            results.take(outcome, jobs[outcome.child.family])


def _decide(spec: StudySpec) -> Decision:
    decision = decide_now(spec.placement, spec.device)
    if not decision.possible:
        raise PlacementError(f"`placement` is {spec.placement}, but {decision.reason}.")
    return decision


def _tune(spec: StudySpec, jobs: Mapping[str, TrainSpec], results: StudyResults, parent: str, metric: str) -> Tuned:
    """A recipe for each network, from the training part alone, before anything is trained for the comparison."""
    kind = results.data.kind
    networks = {family: job for family, job in jobs.items() if isinstance(find_family(kind, family), Network)}
    by_loss = metric not in ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
    return tune(spec, networks, results, parent, "loss" if by_loss else "accuracy", _decide(spec))


def _in_order(
    results: StudyResults, families: Sequence[str]
) -> tuple[dict[str, TrainReport], dict[str, EvaluationReport]]:
    """Reports in the order in which the families were asked for."""
    training = {family: results.training[family] for family in families if family in results.training}
    return training, {family: results.evaluation[family] for family in training}


def _answer(
    kind: StudyKind,
    results: StudyResults,
    families: Sequence[str],
    comparison: ComparisonReport | None,
) -> Answer:
    training, evaluation = _in_order(results, families)
    if not training:
        raise TrainingError("; ".join(f"{family}: {why}" for family, why in results.failures.items()))
    return Answer(
        kind=kind,
        data=results.data,
        training=training,
        evaluation=evaluation,
        comparison=comparison,
        failures=results.failures,
        notes=(*results.notes, *_notes(training)),
        cached=tuple(results.cached),
        run_ids={family: tracking.outbox().known_as(one) or one for family, one in results.run_ids.items()},
        placement={family: results.placement[family] for family in families if family in results.placement},
    )


def _with_design(comparison: ComparisonReport, spec: StudySpec, data: DataReport, tuned: Tuned) -> ComparisonReport:
    """The verdict ends with how it was come by: the search for recipes, and what was varied where that is not seeds."""
    if tuned.reports:
        names = {name for pair in comparison.pairs for name in (pair.a, pair.b)}
        baselines = [name for name in names if not isinstance(find_family(data.kind, name), Network)]
        text = budget_sentence(tuned.reports, baselines)
        comparison = comparison.model_copy(update={"verdict": f"{comparison.verdict} {text}"})
    if spec.resampling == "seed":
        return comparison
    seeds = "all from one seed of training" if spec.resampling == "split" else "each from another seed"
    text = (
        f"Every replicate was trained and tested on a stratified resample of its own, {seeds}; intervals are those of "
        "the corrected resampled t-test (Nadeau and Bengio 2003)."
    )
    return comparison.model_copy(update={"verdict": f"{comparison.verdict} {text}"})


def _train_spec(
    spec: StudySpec, data_spec: DataSpec, data: DataReport, family: str, latent_dim: int, seeds: Sequence[int]
) -> TrainSpec:
    """All that a worker needs to know: the recipe in full, and the digest that the data must have."""
    network = find_family(data.kind, family)
    recipe = None
    if isinstance(network, Network):
        recipe = spec.own_recipe or recipe_of(network, spec.recipe)
        if spec.epochs is not None:
            recipe = recipe.model_copy(update={"epochs": spec.epochs, "min_examples": 0})
    return TrainSpec(
        data=data_spec.model_copy(update={"source": data.source, "digest": data.digest}),
        family=family,
        seeds=tuple(seeds),
        recipe=recipe,
        latent_dim=latent_dim,
        resampling=spec.resampling,
        strategy=spec.strategy,
        device=spec.device,
        precision=spec.precision,
        memory_mb=spec.memory_mb,
    )


def _notes(training: Mapping[str, TrainReport]) -> tuple[str, ...]:
    lost = [
        f"{family}: {failure.reason} The other replicates went on."
        for family, one in training.items()
        for failure in one.failures
    ]
    told: dict[str, list[str]] = {}
    for family, one in training.items():
        for note in one.notes:
            told.setdefault(note, []).append(family)
    return (*lost, *(f"{listed([display_name(one) for one in families])}: {note}" for note, families in told.items()))
