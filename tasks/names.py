"""Names that people can read, for runs and artifacts.

Without Prefect, of which those who only log need nothing; its tasks have it when they ask for theirs.
"""

import re
from pathlib import Path

from hw3models.data.addresses import short_name
from hw3models.specs import DataReport, TrainSpec, TrialPlan


def slug(text: str) -> str:
    """Lower-case letters, digits and single dashes, as Prefect's artifact keys must be."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "data"


def training_name(spec: TrainSpec, trial: TrialPlan | None = None) -> str:
    """Name of a flow run on a pool: `train-lstm-x8-regime-order` for a training, `try-lstm-007-...` for a trial."""
    what = f"train-{spec.family}-x{len(spec.seeds)}" if trial is None else f"try-{spec.family}-{trial.number:03d}"
    return f"{what}-{slug(Path(short_name(spec.data.source)).stem)}"


def trial_run_name() -> str:
    """Name of a trial's task run, such as `try-lstm-007-regime-order`."""
    from prefect.runtime import task_run

    training, plan = task_run.parameters["training"], task_run.parameters["plan"]
    assert isinstance(training, TrainSpec)
    assert isinstance(plan, TrialPlan)
    return training_name(training, plan)


def train_run_name() -> str:
    """Name of a training's task run, such as `train-lstm-x8-regime-order`."""
    from prefect.runtime import task_run

    spec, data = task_run.parameters["spec"], task_run.parameters["data"]
    assert isinstance(spec, TrainSpec)
    assert isinstance(data, DataReport)
    return f"train-{spec.family}-x{len(spec.seeds)}-{slug(data.name)}"
