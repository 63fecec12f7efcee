"""Trials of a search in MLflow: a run for each, under the family's run once there is one."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.specs import DataReport, TrainSpec, TrialPlan, TrialReport, TuningReport
from tasks.tracking.epochs import Point, log_points
from tasks.tracking.journal import Facts, Open, Text, outbox
from tasks.tracking.opening import open_run
from tasks.tracking.parents import Status, end_run
from tasks.tracking.resuming import process_tags, source_tags
from tasks.tracking.store import connect, now_ms

_REPORT = "trial.json"
_STATUS: dict[str, Status] = {"finished": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def open_trial(
    parent_id: str, training: TrainSpec, plan: TrialPlan, data: DataReport, prefect_tags: dict[str, str], search: str
) -> str:
    """The run of this trial of the search `search`, by the study `parent_id`: found by its key, or started."""
    number = f"{plan.number:03d}"
    which = f"search {plan.search + 1} " if plan.search else ""
    event = Open(
        key=hashlib.sha256(f"{parent_id}|{search}|{number}".encode()).hexdigest()[:32],
        name=f"{training.family} {which}trial {number} on {data.name}",
        tags={
            MLFLOW_PARENT_RUN_ID: outbox().known_as(parent_id) or parent_id,
            "hw3.role": "trial",
            "family": training.family,
            "data": data.name,
            "trial": number,
            "hw3.search": search,
            **process_tags(),
            **source_tags(prefect_tags),
            **prefect_tags,
        },
        params={"family": training.family, "trial": number, "data_digest": data.digest, "folds": str(plan.folds)},
        at=now_ms(),
    )
    return open_run(event, parent_id)


def log_trial(run_id: str, training: TrainSpec, plan: TrialPlan, report: TrialReport) -> None:
    """All of it at once: the course, what it ended with, the recipe; then the run is over, KILLED if it was pruned."""
    box, now = outbox(), now_ms()
    name = f"validation_{plan.goal}"
    points: list[Point] = [(name, value, now, epoch) for epoch, value in enumerate(report.course, 1)]
    points += [
        (end, value, now, 0)
        for end, value in ((f"best_{name}", report.value), ("final_validation_loss", report.loss))
        if value is not None
    ]
    log_points(run_id, points)
    assert training.recipe is not None
    recipe = {f"recipe.{field}": str(value) for field, value in training.recipe.model_dump(mode="json").items()}
    box.put(run_id, Facts(params=recipe, tags={"device": report.device, "hw3.trial": report.state}))
    box.put(run_id, Text(path=_REPORT, text=report.model_dump_json(indent=1)))
    end_trial(run_id, report)


def end_trial(run_id: str, report: TrialReport) -> None:
    """FINISHED, KILLED if it was pruned, or FAILED with the reason."""
    end_run(run_id, _STATUS[report.state], report.reason or None)


def fetch_trial(run_id: str) -> TrialReport:
    """What a worker has left in the run of a trial."""
    client, _ = connect()
    with tempfile.TemporaryDirectory() as folder:
        return TrialReport.model_validate_json(Path(client.download_artifacts(run_id, _REPORT, folder)).read_bytes())


def log_search(run_id: str, parent_id: str, tuning: TuningReport, reports: Sequence[TrialReport]) -> None:
    """Log on the family's run what its recipe was chosen from. The trials of this study become its children."""
    box = outbox()
    ours = {parent_id, box.known_as(parent_id)}
    for report in reports:
        # Those of an earlier study stay where they are.
        if report.run_id is not None and report.parent_id in ours:
            box.put(report.run_id, Facts(tags={MLFLOW_PARENT_RUN_ID: run_id}))
    several = f"{1 + len(tuning.again)} searches, the first of " if tuning.again else ""
    tags = {
        "hw3.tuning": f"{several}{tuning.trials} trials: {tuning.finished} finished, {tuning.pruned} pruned, "
        f"{tuning.failed} failed, {tuning.reused} of an earlier search",
        "hw3.tuning.best": ", ".join(f"{name} {new}" for name, (_, new) in tuning.changed.items()) or "the default",
    }
    box.put(run_id, Facts(tags=tags))
    box.put(run_id, Text(path="tuning.json", text=tuning.model_dump_json(indent=1)))
