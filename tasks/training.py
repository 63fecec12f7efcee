"""Train the replicates of one family."""

import hashlib
from contextlib import ExitStack
from pathlib import Path

from prefect import task

from hw3models.engine.fit import EpochReport
from hw3models.pipeline.steps import train_step
from hw3models.runtime.code_version import code_version
from hw3models.specs import DataReport, TrainReport, TrainSpec
from tasks import progress, tracking
from tasks.background import resting
from tasks.caching import cache_key
from tasks.names import train_run_name
from tasks.settings import Settings


def model_directory(spec: TrainSpec, data: DataReport, run_id: str) -> Path:
    """Where the replicates of this training are kept. Each MLflow run has its own: the same spec trained on another
    device gives other digits, and must not take the place of files that reports describe.
    """
    parts = (spec.fingerprint(), data.digest, code_version("train"), run_id)
    key = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
    return Settings().work / "models" / f"{spec.family}-{key}"


# No retries: a training that fails fails again, and a retry would only hide it.
@task(task_run_name=train_run_name, cache_key_fn=cache_key, persist_result=True, result_serializer="json")
def train(spec: TrainSpec, data: DataReport, run_id: str, fresh: bool = False) -> TrainReport:
    """Train, log the epochs to the MLflow run `run_id`, and leave the replicates in a folder.

    With `fresh` it begins at the beginning, whatever checkpoints there are.
    """
    training = progress.Training(f"{spec.family} on {data.name}", len(spec.seeds))
    tell, log = progress.observer(training), tracking.EpochLog(run_id, len(spec.seeds))

    def on_epoch(report: EpochReport) -> None:
        tell(report)
        log(report)

    with ExitStack() as stack:
        stack.callback(progress.end, training)
        stack.callback(log.close)
        leave_room = stack.enter_context(resting())
        settings = Settings()
        return train_step(
            spec,
            data,
            model_directory(spec, data, run_id),
            on_epoch=on_epoch,
            checkpoints=settings.work / "checkpoints",
            every=settings.checkpoint_every,
            resume=not fresh,
            on_free_core=leave_room,
        )
