"""A helper, and a run with everything in it that a helper sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient

from hw3models.pipeline.steps import evaluate_step
from hw3models.specs import DataReport, SequencesSpec, TrainReport, TrainSpec
from tasks import tracking
from tasks.helper import Helper, current, helping
from tasks.settings import Settings
from tests.servers import wait_until


@contextmanager
def helped() -> Iterator[Helper]:
    """A helper that is ready."""
    with helping(lambda: True):
        yield wait_until(current, "the helper is ready", timeout=120)


def recorded(data: DataReport, training: TrainReport) -> str:
    """The run of a training, with everything that is logged in the end."""
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    run_id = tracking.open_child(parent, TrainSpec(family="gru", seeds=training.seeds), data, {})
    evaluation = evaluate_step(training, data)
    tracking.log_results(run_id, training, evaluation, data, cached=False)
    tracking.mark_recorded(run_id, evaluation)
    tracking.end_run(run_id, "FINISHED")
    tracking.end_run(parent, "FINISHED")
    return run_id


def artifacts(run_id: str, folder: str | None = None) -> dict[str, bytes]:
    """Path -> content."""
    client = MlflowClient(Settings().tracking_uri)
    found: dict[str, bytes] = {}
    for one in client.list_artifacts(run_id, folder):
        if one.is_dir:
            found |= artifacts(run_id, one.path)
        else:
            found[one.path] = Path(client.download_artifacts(run_id, one.path)).read_bytes()
    return found


def in_mlflow(run_id: str) -> dict[str, object]:
    """What the run says, without what differs from one run to the next."""
    run = MlflowClient(Settings().tracking_uri).get_run(run_id)
    files = artifacts(run_id)
    # It has the time that a prediction took.
    files.pop("replicates/reports.json")
    files.pop("replicates/predict_seconds", None)
    own = ("mlflow.parentRunId", "mlflow.runName", "hw3.key")
    metrics = {name: value for name, value in run.data.metrics.items() if name != "predict_seconds_per_1000"}
    tags = {name: value for name, value in run.data.tags.items() if name not in own}
    models = len(run.outputs.model_outputs) if run.outputs else 0
    return {
        "files": files,
        "metrics": metrics,
        "params": run.data.params,
        "tags": tags,
        "status": run.info.status,
        "models": models,
    }
