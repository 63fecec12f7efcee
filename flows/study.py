"""One data set, several families: the steps that the flows of images, autoencoders and sequences share."""

from collections.abc import Mapping
from typing import Literal

from prefect.runtime import flow_run

from hw3models.data import check_kind
from hw3models.errors import TrainingError
from hw3models.families import Network, find_family
from hw3models.families.family import Task
from hw3models.specs import Answer, DataReport, DataSpec, EvaluationReport, Kind, StudySpec, TrainReport, TrainSpec
from hw3models.steps import check_families, default_families
from tasks import tracking
from tasks.artifacts import publish
from tasks.caching import run_cached
from tasks.data import download, preprocess
from tasks.evaluation import compare, evaluate
from tasks.progress import say
from tasks.recording import record
from tasks.training import train

StudyKind = Literal["images", "autoencoder", "sequences"]


def study(kind: StudyKind, spec: StudySpec, data_spec: DataSpec, parent: str, *, code_size: int = 2) -> Answer:
    """Download, preprocess, then train, evaluate and record each family, compare, publish."""
    task: Task = "reconstruction" if kind == "autoencoder" else "classification"
    expected: Kind = "sequences" if kind == "sequences" else "images"
    families = default_families(expected, task) if spec.families is None else spec.families
    check_families(expected, task, families)
    check_kind(expected, data_spec)
    source = download(data_spec)
    data, was_cached = run_cached(preprocess, data_spec, source)
    say(
        f"{data.name}: {data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples"
    )
    results = _Results(data, ["preprocess"] if was_cached else [])
    for family in families:
        results.add(_train_spec(spec, data_spec, data, family, code_size), parent)
    if not results.training:
        raise TrainingError("; ".join(f"{family}: {why}" for family, why in results.failures.items()))
    metric = "mse" if kind == "autoencoder" else "accuracy"
    comparison = (
        compare(data, results.training, results.evaluation, metric, spec.margin) if len(results.training) > 1 else None
    )
    answer = Answer(
        kind=kind,
        data=data,
        training=results.training,
        evaluation=results.evaluation,
        comparison=comparison,
        failures=results.failures,
        notes=_notes(results.training),
        cached=tuple(results.cached),
        run_ids=results.run_ids,
    )
    tracking.log_answer(parent, answer)
    publish(answer)
    return answer


class _Results:
    """What has come of the families so far."""

    def __init__(self, data: DataReport, cached: list[str]) -> None:
        self.data, self.cached = data, cached
        self.training: dict[str, TrainReport] = {}
        self.evaluation: dict[str, EvaluationReport] = {}
        self.failures: dict[str, str] = {}
        self.run_ids: dict[str, str] = {}

    def add(self, spec: TrainSpec, parent: str) -> None:
        """Train, evaluate, record. A family that cannot be trained does not stop the others."""
        family, data = spec.family, self.data
        run_id = tracking.open_child(parent, spec, data, prefect_tags())
        self.run_ids[family] = run_id
        try:
            training, trained_before = run_cached(train, spec, data, run_id)
        except TrainingError as error:
            say(f"{family} on {data.name} FAILED: {error}")
            self.failures[family] = str(error)
            tracking.end_run(run_id, "FAILED")
            return
        evaluation, evaluated_before = run_cached(evaluate, training, data)
        self.training[family], self.evaluation[family] = training, evaluation
        done_before = (("train", trained_before), ("evaluate", evaluated_before))
        self.cached += [f"{step} {family}" for step, cached in done_before if cached]
        record(run_id, training, evaluation, data, trained_before)
        say(f"{family} on {data.name}: {_summary(training, evaluation, cached=trained_before)}")


def _summary(training: TrainReport, evaluation: EvaluationReport, *, cached: bool) -> str:
    metric, factor, unit = ("accuracy", 100, "%") if "accuracy" in evaluation.metrics else ("mse", 1, "")
    score = evaluation.metrics[metric]
    took = "unchanged, taken from the cache" if cached else f"{training.train_seconds:.1f} s"
    seeds = f"{len(score.per_seed)} seed{'s' if len(score.per_seed) > 1 else ''}"
    interval = f"[{factor * score.low:.4g}, {factor * score.high:.4g}]"
    return f"{metric} {factor * score.mean:.4g}{unit} {interval}, {seeds}, {took}"


def _train_spec(spec: StudySpec, data_spec: DataSpec, data: DataReport, family: str, code_size: int) -> TrainSpec:
    """All that a worker needs to know: the recipe in full, and the digest that the data must have."""
    network = find_family(data.kind, family)
    recipe = None
    if isinstance(network, Network):
        recipe = spec.recipe or network.recipe
        if spec.epochs is not None:
            recipe = recipe.model_copy(update={"epochs": spec.epochs, "min_examples": 0})
    return TrainSpec(
        data=data_spec.model_copy(update={"source": data.source, "digest": data.digest}),
        family=family,
        seeds=tuple(range(spec.first_seed, spec.first_seed + spec.seeds)),
        recipe=recipe,
        code_size=code_size,
        strategy=spec.strategy,
        device=spec.device,
    )


def _notes(training: Mapping[str, TrainReport]) -> tuple[str, ...]:
    """Replicates that were lost."""
    return tuple(
        f"{family}: {failure.reason} The other replicates went on."
        for family, one in training.items()
        for failure in one.failures
    )


def prefect_tags() -> dict[str, str]:
    """The flow run, as tags of MLflow runs."""
    tags = {
        "prefect.flow_run_id": flow_run.id,
        "prefect.flow_run_name": flow_run.name,
        "prefect.flow": flow_run.flow_name,
    }
    return {name: value for name, value in tags.items() if value}
