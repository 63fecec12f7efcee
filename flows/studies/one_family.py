"""One family, from training to its MLflow run: what this process does itself and what a pool's worker does."""

from collections.abc import Callable

from hw3models.data.preparation import check_digest
from hw3models.specs import DataReport, EvaluationReport, TrainReport, TrainSpec
from tasks.caching import run_cached
from tasks.data import download, preprocess
from tasks.evaluation import evaluate
from tasks.recording import record
from tasks.training import train

Results = tuple[TrainReport, EvaluationReport, tuple[str, ...]]
"""Training, evaluation, and the steps that were taken from the cache."""


def train_family(
    spec: TrainSpec,
    data: DataReport,
    run_id: str,
    *,
    metric: str | None = None,
    fresh: bool = False,
    before_recording: Callable[[], None] = lambda: None,
) -> Results:
    """Train, evaluate, and leave the results in the MLflow run `run_id`, which is then FINISHED.

    `metric` is what the study compares by: it changes nothing but what the run's description begins with.
    """
    training, trained_before = run_cached(train, spec, data, run_id, fresh, fresh=fresh)
    evaluation, evaluated_before = run_cached(evaluate, training, data, fresh=fresh)
    before_recording()
    record(run_id, training, evaluation, data, trained_before, metric)
    done_before = ((f"train {spec.family}", trained_before), (f"evaluate {spec.family}", evaluated_before))
    return training, evaluation, tuple(step for step, cached in done_before if cached)


def prepare(spec: TrainSpec) -> DataReport:
    """The data of a training, on this machine: the same digest as elsewhere, or none.

    Raises:
        DataError: they are not here, or cannot be read.
        DigestError: they are other data than the spec's `data.digest` says.
    """
    data, _ = run_cached(preprocess, spec.data, download(spec.data))
    check_digest(spec, data)
    return data
