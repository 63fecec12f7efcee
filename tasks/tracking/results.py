"""Results that travel: what a worker leaves in a family's run, and how the study takes it from there."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hw3models.engine.fitted_store import FITTED, fitted_digest, fitted_file
from hw3models.engine.model_store import load_model, weights_digest
from hw3models.errors import DigestError
from hw3models.evaluation.prediction_table import load_table
from hw3models.specs import DataReport, EvaluationReport, Placement, TrainReport, TrainSpec
from tasks.tracking.journal import Facts, outbox
from tasks.tracking.store import connect

FOLDER = "replicates"
"""Artifact folder: the model folder of all replicates, with histories and the prediction table."""
REPORTS = f"{FOLDER}/reports.json"
MODEL_FILES = ("model.json", *FITTED.values(), "history.json", "predictions.npz", "predict_seconds")


def fetch_results(
    run_id: str, spec: TrainSpec, data: DataReport, directory: Path
) -> tuple[TrainReport, EvaluationReport, bool]:
    """Bring what a worker left in the run into `directory`; reports that name the files there, and whether the
    worker took them from its cache.

    Raises:
        DigestError: what arrived is not what was asked for, or not what the reports describe.
    """
    reports = bring(run_id, directory)
    training, evaluation = reports_here(reports, directory)
    _check(spec, data, training, evaluation)
    return training, evaluation, bool(reports["cached"])


def bring(run_id: str, directory: Path) -> Any:
    """The model folder of a family's run into `directory`; what its `reports.json` holds."""
    client, _ = connect()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as folder:
        arrived = Path(client.download_artifacts(run_id, FOLDER, folder))
        reports = json.loads((arrived / Path(REPORTS).name).read_text())
        directory.mkdir(exist_ok=True)
        for name in MODEL_FILES:
            path = arrived / name
            if path.is_file() and not path.is_symlink():
                path.replace(directory / name)
    return reports


def reports_here(reports: Any, directory: Path) -> tuple[TrainReport, EvaluationReport]:
    """The two reports, naming the files in `directory`."""
    table = directory / Path(reports["evaluation"]["table_path"]).name
    return (
        TrainReport.model_validate(reports["training"] | {"directory": str(directory)}),
        EvaluationReport.model_validate(reports["evaluation"] | {"table_path": str(table)}),
    )


def _check(spec: TrainSpec, data: DataReport, training: TrainReport, evaluation: EvaluationReport) -> None:
    found = (training.family, training.spec_digest, training.data_digest, evaluation.family, evaluation.data_digest)
    wanted = (spec.family, spec.fingerprint(), data.digest, spec.family, data.digest)
    if found != wanted:
        raise DigestError(f"What arrived is of {found}, what was asked for is {wanted}.")
    table = load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    if (table.family, table.data_digest, table.seeds) != (spec.family, data.digest, training.seeds):
        raise DigestError(f"The prediction table that arrived is of {table.family}, seeds {list(table.seeds)}.")
    directory = Path(training.directory)
    if training.recipe is None:
        if training.is_kept and (digest := fitted_digest(fitted_file(directory).read_bytes())) != training.kept_digest:
            raise DigestError(f"The model that arrived has digest {digest}, the training says {training.kept_digest}.")
        return
    load_model(directory)
    if (digest := weights_digest(directory)) != training.digest:
        raise DigestError(f"The parameters that arrived have digest {digest}, the training reports {training.digest}.")


def log_placement(run_id: str, placement: Placement) -> None:
    """Where the family was trained and why there, as tags."""
    values = {
        "hw3.placement.wish": placement.wish,
        "hw3.placement": placement.where,
        "hw3.placement.reason": placement.reason,
    }
    if placement.flow_run_id is not None:
        values |= {
            "hw3.placement.queued_seconds": f"{placement.queued_seconds:.1f}",
            "hw3.placement.flow_run_id": placement.flow_run_id,
        }
    outbox().put(run_id, Facts(tags=values))
