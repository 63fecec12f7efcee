"""Results that travel: what a worker leaves in a family's run, and how the study takes it from there."""

import json
import tempfile
from pathlib import Path

from mlflow.entities import RunTag

from hw3models.errors import DigestError
from hw3models.model_store import load_model, weights_digest
from hw3models.prediction_table import load_table
from hw3models.specs import EvaluationReport, Placement, TrainReport
from tasks.tracking.store import connect

FOLDER = "replicates"
"""Artifact folder: the model folder of all replicates, with histories and the prediction table."""


def log_reports(run_id: str, training: TrainReport, evaluation: EvaluationReport) -> None:
    """The whole model folder and both reports: everything that was made of this family."""
    client, _ = connect()
    client.log_artifacts(run_id, training.directory, FOLDER)
    # Last, so that where it is everything is.
    client.log_dict(
        run_id,
        {"training": training.model_dump(mode="json"), "evaluation": evaluation.model_dump(mode="json")},
        f"{FOLDER}/reports.json",
    )


def fetch_results(run_id: str, directory: Path) -> tuple[TrainReport, EvaluationReport]:
    """Bring what a worker left in the run into `directory`; reports that name the files there.

    Raises:
        DigestError: what arrived is not what the reports describe.
    """
    client, _ = connect()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as folder:
        arrived = Path(client.download_artifacts(run_id, FOLDER, folder))
        reports = json.loads((arrived / "reports.json").read_text())
        directory.mkdir(exist_ok=True)
        for path in arrived.iterdir():
            path.replace(directory / path.name)
    training = TrainReport.model_validate(reports["training"] | {"directory": str(directory)})
    table = directory / Path(reports["evaluation"]["table_path"]).name
    evaluation = EvaluationReport.model_validate(reports["evaluation"] | {"table_path": str(table)})
    _check(training, evaluation, directory)
    return training, evaluation


def _check(training: TrainReport, evaluation: EvaluationReport, directory: Path) -> None:
    load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    if training.recipe is None:
        return
    load_model(directory)
    if (found := weights_digest(directory)) != training.digest:
        raise DigestError(f"The parameters that arrived have digest {found}, the training reports {training.digest}.")


def log_placement(run_id: str, placement: Placement) -> None:
    """Where the family was trained and why there, as tags."""
    client, _ = connect()
    values = {
        "hw3.placement.wish": placement.wish,
        "hw3.placement": placement.where,
        "hw3.placement.reason": placement.reason,
        "hw3.placement.queued_seconds": f"{placement.queued_seconds:.1f}",
        "hw3.placement.flow_run_id": placement.flow_run_id or "",
    }
    client.log_batch(run_id, tags=[RunTag(name, value[:5000]) for name, value in values.items()])
