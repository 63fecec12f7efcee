"""The connection: which server or store, which experiment. The embedded store is made here, once."""

import json
import logging
import os
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from hw3models.errors import SpecError
from hw3models.runtime.redaction import without_password
from tasks.patience import patiently
from tasks.settings import Settings, settings
from tasks.tracking.database import check_database, check_version

PENDING = "pending-"
"""Begin of the id of a run that could not be started yet (`tasks/tracking/opening.py`); the rest is its key."""
KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"
"""Tag of an experiment by which MLflow's pages show runs and their metrics, not the traces of an agent."""
VIEW = "mlflow.sharedViewState."
"""Begin of the tags of an experiment that keep what its page shows at an address (`journal/views.py`)."""
STUDIES = "hw3-studies"
"""The view that shows studies with their winners and scores."""
_COLUMNS = ("tags.`winner`", *(f"metrics.`{name}`" for name in ("accuracy", "balanced_accuracy", "macro_f1", "mse")))
_TAGS = {
    KIND: TRAINING,
    f"{VIEW}{STUDIES}": json.dumps(
        {
            "searchFilter": "tags.`hw3.role` = 'parent'",
            "selectedColumns": [*_COLUMNS, "attributes.`Dataset`", "attributes.`Models`", "attributes.`User`"],
        }
    ),
}
_MAKING = ".making-"
"""Begin of the name of a store that is being made."""
_addressing = threading.Lock()
"""Held while MLflow's address is set: of two threads the second would take the first one's for the user's setting."""
_migrating = threading.Lock()
"""Alembic, which makes the tables, keeps what it is at in a global of the process: two threads break each other's."""


@lru_cache(maxsize=4)
def _connect(uri: str, experiment: str, artifacts: str | None, lock: str | None) -> tuple[MlflowClient, str]:
    # It logs, with a traceback, what it raises, too, such as that the disk is full.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    if lock is None:
        return _experiment(uri, experiment, artifacts)
    database = Path(uri.removeprefix("sqlite:///"))
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        # A fresh SQLite store runs migrations on first use, which parallel first users would race.
        with FileLock(lock, timeout=300):
            if not database.exists():
                _make(database)
    return _experiment(uri, experiment, artifacts)


def _make(database: Path) -> None:
    """MLflow's tables, made under another name: one who is killed meanwhile leaves no store that cannot be used.

    The caller has the lock: what others have left half made is removed.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    _remove_unfinished(database.parent)
    making = database.with_name(f"{_MAKING}{os.getpid()}.db")
    artifacts = (database.parent / "artifacts").as_uri()
    try:
        with _migrating:
            store = SqlAlchemyStore(f"sqlite:///{making}", artifacts)  # type: ignore[no-untyped-call]
        store.engine.dispose()
        making.replace(database)
    except BaseException:
        # Such as that the disk is full: what is there would only fill it.
        _remove_unfinished(database.parent)
        raise


def _remove_unfinished(folder: Path) -> None:
    for left_behind in folder.glob(f"{_MAKING}*"):
        left_behind.unlink()


def _experiment(uri: str, name: str, artifacts: str | None) -> tuple[MlflowClient, str]:
    file = Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None
    if file is not None:
        check_database(file)
    _set_tracking_uri(uri)
    try:
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(name)
    except MlflowException:
        if file is not None:
            check_version(file)
        raise
    if found is not None:
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise SpecError(
                f"`HW3_EXPERIMENT`: the experiment {name!r} was deleted in MLflow. Set another name, or bring it back "
                f"with `mlflow experiments restore --experiment-id {found.experiment_id}`."
            )
        for tag, value in _TAGS.items():
            if tag not in found.tags:
                client.set_experiment_tag(found.experiment_id, tag, value)
        return client, str(found.experiment_id)
    try:
        made = client.create_experiment(name, artifact_location=artifacts, tags=_TAGS)
        return client, str(made)
    except MlflowException:
        # Another process was quicker.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return client, str(found.experiment_id)


def _set_tracking_uri(uri: str) -> None:
    """Set the address for the calls that take no client.

    MLflow writes it to the environment too, where it would pass for the user's own setting.
    """
    with _addressing:
        if mlflow.get_tracking_uri() == uri:
            return
        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(uri)
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)


class _PatientClient:
    """A client each of whose calls waits out an outage of the server."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: patiently(lambda: method(*args, **kwargs))


def connect_once(now: Settings | None = None) -> tuple[MlflowClient, str]:
    """Client and experiment id of the store that settings name; those of now if none are given.

    The embedded store is made when it is not there. An outage is raised at once.
    """
    now = now or settings()
    if now.mlflow_tracking_uri is not None:
        return _connect(now.tracking_uri, now.experiment, None, None)
    artifacts = (now.store / "artifacts").as_uri()
    return _connect(now.tracking_uri, now.experiment, artifacts, str(now.store / ".lock"))


def connect() -> tuple[MlflowClient, str]:
    """Client and experiment id; the client waits out outages of a server."""
    if settings().mlflow_tracking_uri is None:
        return connect_once()
    client, experiment = patiently(connect_once)
    return cast(MlflowClient, _PatientClient(client)), experiment


def now_ms() -> int:
    """Time stamp of metrics, in ms."""
    return time.time_ns() // 1_000_000


def experiment_page(run_id: str) -> str | None:
    """Address of the runs of the experiment that `run_id` is in, where MLflow is a server."""
    now = settings()
    if not now.tracking_uri.startswith("http") or run_id.startswith(PENDING):
        return None
    _, experiment_id = connect()
    return f"{without_password(now.tracking_uri).rstrip('/')}/#/experiments/{experiment_id}/runs"
