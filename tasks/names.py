"""Names that people can read, for runs and artifacts."""

import re
from pathlib import Path

from prefect.runtime import task_run

from hw3models.specs import DataReport, TrainSpec


def slug(text: str) -> str:
    """Lower-case letters, digits and single dashes, as Prefect's artifact keys must be."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "data"


def training_name(spec: TrainSpec) -> str:
    """Of a training's flow run on a pool, such as `train-lstm-x8-regime-order`."""
    return f"train-{spec.family}-x{len(spec.seeds)}-{slug(Path(spec.data.source).stem)}"


def train_run_name() -> str:
    """Such as `train-lstm-x8-regime-order`."""
    spec, data = task_run.parameters["spec"], task_run.parameters["data"]
    assert isinstance(spec, TrainSpec)
    assert isinstance(data, DataReport)
    return f"train-{spec.family}-x{len(spec.seeds)}-{slug(data.name)}"
