"""Predictions that MLflow runs hold: those of this project's families, and tables that others have logged."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from hw3models.errors import DataError, SpecError
from hw3models.evaluation.ensembles import family_of
from hw3models.evaluation.prediction_columns import COLUMNS, PREFIXES
from hw3models.evaluation.prediction_files import below_each_other, read_table
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.printable import few
from hw3models.specs import TrainReport
from tasks.tracking.absence import raise_unless_absent, raise_unless_lacking
from tasks.tracking.finding import find_answers
from tasks.tracking.results import FOLDER, REPORTS, reports_here
from tasks.tracking.store import connect

FILES = ("predictions.csv", "predictions.parquet")
EVALUATION_TABLE = "eval_results_table.json"
"""What `mlflow.evaluate` writes: the columns of its data, with targets and predictions among them."""
_PARTS = {"batch": "batch of seeds", "seed": "seed of a family", "trial": "trial of a search"}
"""Roles of runs that are not compared by themselves."""
_ALIASES = {
    "label": ("target", "targets", "y_true"),
    "prediction": ("predictions", "output", "outputs", "y_pred"),
}
"""Column -> what others call it."""


@dataclass
class RunPredictions:
    """What was found in some runs; own families have tables, all others rows in long form."""

    tables: dict[str, PredictionTable] = field(default_factory=dict)
    training: dict[str, TrainReport] = field(default_factory=dict)
    frames: list[pd.DataFrame] = field(default_factory=list)

    @property
    def frame(self) -> pd.DataFrame:
        """All rows of runs that others have logged."""
        return below_each_other(self.frames)


def fetch_predictions(run_ids: Sequence[str]) -> RunPredictions:
    """The predictions of these runs; a study stands for all its families.

    Raises:
        SpecError: there is no such run, or it is neither a family's nor one with a table of predictions.
        DataError: what it holds is not what it must be.
    """
    client, _ = connect()
    found, seen = RunPredictions(), set[str]()
    for run in [child for run_id in run_ids for child in _with_families(client, _run(client, run_id))]:
        if run.info.run_id in seen:
            continue
        seen.add(run.info.run_id)
        with tempfile.TemporaryDirectory() as folder:
            if run.data.tags.get("hw3.role") == "family":
                _take_own(client, run, Path(folder), found)
            else:
                found.frames.append(_foreign(client, run, Path(folder)))
    _refuse_runs_without_seeds(found.frames)
    if found.tables and found.frames:
        raise SpecError(
            f"{few(found.tables)} were trained here, {few(one['family'].iloc[0] for one in found.frames)} "
            "elsewhere: whether their test examples are the same is not known. Export all of them to files in long "
            "form, with the same `example` for the same example."
        )
    return found


def _run(client: MlflowClient, run_id: str) -> Run:
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        raise_unless_absent(error)
        raise SpecError(f"there is no MLflow run {run_id}.") from error


def _with_families(client: MlflowClient, run: Run) -> list[Run]:
    role = run.data.tags.get("hw3.role")
    if role in _PARTS:
        raise SpecError(
            f"MLflow run {run.info.run_id} is a {_PARTS[role]}. Name the run of its family or of its study."
        )
    if role != "parent":
        return [run]
    # The order of the study, in which its pairs stand.
    [answer, *others] = find_answers(run.info.run_id)[1]
    if others:
        names = few(one.data.name for one in (answer, *others))
        raise SpecError(
            f"MLflow run {run.info.run_id} has families on {len(others) + 1} data sets ({names}). Name the runs of the "
            "families of one."
        )
    # An ensemble has no run of its own: its family's has the seeds.
    families = dict.fromkeys(map(family_of, answer.evaluation))
    return [_run(client, answer.run_ids[name]) for name in families if name in answer.run_ids]


def _take_own(client: MlflowClient, run: Run, folder: Path, found: RunPredictions) -> None:
    run_id = run.info.run_id
    try:
        reports = json.loads(Path(client.download_artifacts(run_id, REPORTS, str(folder))).read_text())
        # The folder of the machine that trained is no place here.
        name = Path(reports["evaluation"]["table_path"]).name
        path = Path(client.download_artifacts(run_id, f"{FOLDER}/{name}", str(folder)))
        training, evaluation = reports_here(reports, path.parent)
    except (MlflowException, OSError, ValueError, KeyError) as error:
        raise_unless_lacking(error, client, run_id, REPORTS)
        raise DataError(
            f"MLflow run {run_id} does not hold a trained family, or not all of it yet: `hw3 reconcile` sends what "
            "is waiting."
        ) from error
    name = training.family
    if name in found.tables:
        # The same family of two studies.
        name = f"{name} ({run_id[:8]})"
    found.tables[name] = load_table(path, digest=evaluation.table_digest)
    found.training[name] = training


def _foreign(client: MlflowClient, run: Run, folder: Path) -> pd.DataFrame:
    run_id = run.info.run_id
    try:
        there = {one.path for one in client.list_artifacts(run_id)}
        name = next((name for name in (*FILES, EVALUATION_TABLE) if name in there), None)
        if name is None:
            raise SpecError(
                f"MLflow run {run_id} ({run.info.run_name}) has no predictions. Log them as an artifact "
                f"{' or '.join(FILES)}: one row for each test example, with columns example, label and prediction."
            )
        path = Path(client.download_artifacts(run_id, name, str(folder)))
    except (MlflowException, OSError) as error:
        raise_unless_absent(error)
        raise DataError(f"MLflow run {run_id}: its artifacts cannot be read ({error}).") from error
    frame = _evaluation_table(path, run_id) if name == EVALUATION_TABLE else read_table(path)
    return _long(frame, run)


def _evaluation_table(path: Path, run_id: str) -> pd.DataFrame:
    """Targets, predictions and probabilities; the features beside them are left alone."""
    try:
        table = json.loads(path.read_text())
        frame = pd.DataFrame(table["data"], columns=table["columns"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"MLflow run {run_id}: {EVALUATION_TABLE} is no table ({type(error).__name__}).") from error
    known = {*COLUMNS, *(alias for aliases in _ALIASES.values() for alias in aliases)}
    return frame[[name for name in frame.columns if name in known or str(name).startswith(PREFIXES)]]


def _long(frame: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Family and seed are the run's where the table does not say them, examples the rows."""
    frame = frame.rename(columns={alias: name for name in _ALIASES if (alias := _alias(frame, name))})
    if frame.empty:
        raise DataError(f"MLflow run {run.info.run_id} ({run.info.run_name}): its predictions have no rows.")
    missing = [] if "label" in frame or "value" in frame else ["label"]
    if missing or not ({"prediction", "value"} & set(frame.columns) or len(frame.columns) > 1):
        raise DataError(
            f"MLflow run {run.info.run_id} ({run.info.run_name}): its predictions have no column "
            f"{', '.join(missing or ['prediction'])} (there are: {few(frame.columns) or 'none'})."
        )
    values: dict[str, Any] = {}
    if "example" not in frame:
        values["example"] = [str(row) for row in range(len(frame))]
    if "family" not in frame:
        values["family"] = run.data.tags.get("family") or run.info.run_name or run.info.run_id
    seed = run.data.params.get("seed", run.data.tags.get("seed"))
    if "seed" not in frame and seed is not None:
        values["seed"] = str(seed)
    return frame.assign(**values)


def _alias(frame: pd.DataFrame, name: str) -> str | None:
    """What the table calls this column, where it does not call it that."""
    return None if name in frame else next((alias for alias in _ALIASES[name] if alias in frame), None)


def _refuse_runs_without_seeds(frames: Sequence[pd.DataFrame]) -> None:
    """Several runs of a family are told apart by their seeds."""
    single = [str(frame["family"].iloc[0]) for frame in frames if "seed" not in frame and "resample" not in frame]
    if twice := sorted({name for name in single if single.count(name) > 1}):
        raise SpecError(
            f"several runs of {few(twice)} do not say their seed. Log it as a parameter or tag `seed`, or give the "
            "runs other names."
        )
