"""Runs whose process died without ending them: the same command goes on in them."""

import getpass
import os

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

from hw3models.runtime.code_version import code_version
from tasks.processes import ProcessId, known_start
from tasks.settings import Settings
from tasks.tracking.store import connect

ENDED = "hw3.ended"
"""Tag of a run that did not end well: why."""
SWEPT = "hw3.swept"
"""Tag of a run that `hw3 reconcile` ended, because its process had died."""


def process_tags() -> dict[str, str]:
    """Who writes the run."""
    me = ProcessId.own()
    return {"hw3.host": me.host, "hw3.pid": str(me.pid), "hw3.process_started": me.started}


def source_tags(prefect_tags: dict[str, str]) -> dict[str, str]:
    """Who ran what, in the columns of MLflow's table."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        user = f"uid {os.getuid()}"
    flow = prefect_tags.get("prefect.flow", "")
    return {MLFLOW_USER: user, MLFLOW_SOURCE_TYPE: "LOCAL", MLFLOW_SOURCE_NAME: f"hw3 {flow}".rstrip()}


def writer_of(tags: dict[str, str]) -> ProcessId | None:
    """Who wrote the run with these tags; None where they do not say."""
    try:
        return ProcessId(tags["hw3.host"], int(tags["hw3.pid"]), known_start(tags["hw3.process_started"]))
    except (KeyError, ValueError):
        return None


def forget_end(client: MlflowClient, run: Run) -> None:
    """Remove what was said of the end of a run that goes on, or did not end like that."""
    for tag in (ENDED, SWEPT):
        if tag in run.data.tags:
            client.delete_tag(run.info.run_id, tag)


def is_started(key: str) -> bool:
    """Is there a run with this key?"""
    client, experiment_id = connect()
    return bool(client.search_runs([experiment_id], f"tags.`hw3.key` = '{key}'", max_results=1))


def adopt(fingerprint: str, tags: dict[str, str]) -> str | None:
    """Go on in the newest run of the same spec whose process died: it gets `tags` and is RUNNING; None without one.

    Of two processes that want it at the same moment one gets it.
    """
    client, experiment_id = connect()
    # Other code may count and score otherwise: its points would stand among those of this one.
    code = code_version("run")
    condition = f"tags.`hw3.role` = 'parent' and tags.`hw3.spec` = '{fingerprint}' and tags.`hw3.code` = '{code}'"
    lock = Settings().work / "adopt.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=60):
        found: list[Run] = client.search_runs(
            [experiment_id], condition, max_results=50, order_by=["attributes.start_time DESC"]
        )
        for run in found:
            writer = writer_of(run.data.tags)
            unended = run.info.status == "RUNNING" or SWEPT in run.data.tags
            if unended and writer is not None and writer.is_dead():
                client.log_batch(run.info.run_id, tags=[RunTag(name, value) for name, value in tags.items()])
                client.update_run(run.info.run_id, status="RUNNING")
                forget_end(client, run)
                return str(run.info.run_id)
    return None
