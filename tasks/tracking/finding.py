"""What earlier runs have left in MLflow: the answers of a study, and a family's model folder."""

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from pydantic import ValidationError

from hw3models.errors import DataError, SpecError
from hw3models.specs import Answer, Environment, EvaluationReport, RunReport, TrainReport, TrainSpec
from tasks.tracking.absence import raise_unless_absent, raise_unless_lacking
from tasks.tracking.journal import STUDY
from tasks.tracking.results import bring, reports_here
from tasks.tracking.store import connect

_RUN_ID = re.compile(r"[0-9a-f]{32}")


class FamilyRun(NamedTuple):
    """Everything that a family's run has kept, on this machine."""

    run_id: str
    spec: TrainSpec
    training: TrainReport
    evaluation: EvaluationReport
    environment: Environment | None
    """What it was trained on."""
    members: int = 1
    """What of it is meant: its best seed, or the ensemble of its first so many."""


def find_answers(run: str | None) -> tuple[str, list[Answer]]:
    """The study's MLflow run and its answers. `run` is its id, a family's, or a report's `.json`; None: the newest.

    Raises:
        SpecError: there is no such run, or it has no answers.
    """
    client, experiment_id = connect()
    if run is None:
        run_id = _newest(client, experiment_id)
    elif _RUN_ID.fullmatch(run):
        run_id = _parent_of(client, run)
    else:
        run_id = _of_report(Path(run))
    with tempfile.TemporaryDirectory() as folder:
        try:
            arrived = Path(client.download_artifacts(run_id, "answers", folder))
        except (MlflowException, OSError) as error:
            raise_unless_lacking(error, client, run_id, "answers")
            raise SpecError(
                f"MLflow run {run_id} has no answers: it is not a study, has not ended, or its artifacts were removed."
            ) from error
        texts = [path.read_text() for path in sorted(arrived.glob("*.json")) if not path.stem.endswith("-table")]
    if not texts:
        raise SpecError(
            f"MLflow run {run_id} has no answers: it is not a study, has not ended, or its artifacts were removed."
        )
    return run_id, [Answer.model_validate_json(text) for text in texts]


def _newest(client: MlflowClient, experiment_id: str) -> str:
    condition = "tags.`hw3.role` = 'parent' and attributes.status = 'FINISHED'"
    for run in client.search_runs([experiment_id], condition, max_results=50, order_by=["attributes.start_time DESC"]):
        if any(key.startswith("hw3.verdict.") for key in run.data.tags):
            return str(run.info.run_id)
    raise SpecError("there is no finished study in MLflow yet: run `hw3 sequences`, `hw3 images` or `hw3 run` first.")


def _parent_of(client: MlflowClient, run_id: str) -> str:
    try:
        tags = client.get_run(run_id).data.tags
    except MlflowException as error:
        raise_unless_absent(error)
        raise SpecError(f"there is no MLflow run {run_id}.") from error
    if tags.get("hw3.role") == "parent":
        return run_id
    return str(tags.get(STUDY) or tags.get(MLFLOW_PARENT_RUN_ID, run_id))


def is_study(run_id: str) -> bool:
    """Is it the parent of families' runs?

    Raises:
        SpecError: there is no such run.
    """
    client, _ = connect()
    return _parent_of(client, run_id) == run_id


def _of_report(path: Path) -> str:
    try:
        report = RunReport.model_validate_json(path.read_text())
    except (OSError, ValueError, ValidationError) as error:
        raise SpecError(
            f"{path}: neither an MLflow run id (32 hex digits) nor the `.json` of a report ({type(error).__name__})."
        ) from error
    if report.tracking is None:
        raise SpecError(f"{path}: the report does not name an MLflow run.")
    return report.tracking.run_id


def fetch_family(run_id: str, directory: Path, members: int = 1) -> FamilyRun:
    """Bring the run's model folder, prediction table and reports into `directory`.

    Raises:
        DataError: the run does not have them (yet).
    """
    client, _ = connect()
    try:
        reports = bring(run_id, directory)
        spec = Path(client.download_artifacts(run_id, "spec.json", str(directory))).read_text()
    except (MlflowException, OSError) as error:
        raise_unless_lacking(error, client, run_id, "spec.json")
        raise DataError(
            f"MLflow run {run_id} does not hold a trained family, or not all of it: `hw3 reconcile` sends what is "
            "waiting, but brings no artifacts back that were removed."
        ) from error
    seen = reports.get("environment")
    environment = None if seen is None else Environment.model_validate(seen)
    return FamilyRun(
        run_id, TrainSpec.model_validate_json(spec), *reports_here(reports, directory), environment, members
    )
