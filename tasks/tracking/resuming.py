"""Runs whose process died without ending them: the same command goes on in them.

A process is known by host, id and start time, so an id that is in use again is not taken for it.
"""

import os
import socket

import psutil  # type: ignore[import-untyped]
from filelock import FileLock
from mlflow.entities import Run, RunTag

from tasks.settings import Settings
from tasks.tracking.store import connect

_CLOCK = 2.0
"""Seconds by which start times may differ: they are computed from the time of boot, which a clock correction moves."""


def process_tags() -> dict[str, str]:
    """Who writes the run."""
    started = psutil.Process().create_time()
    return {"hw3.host": socket.gethostname(), "hw3.pid": str(os.getpid()), "hw3.process_started": f"{started:.1f}"}


def is_writer_dead(tags: dict[str, str]) -> bool:
    """True only where it is certain: another host's processes cannot be seen from here."""
    if tags.get("hw3.host") != socket.gethostname() or "hw3.process_started" not in tags:
        return False
    try:
        started = psutil.Process(int(tags["hw3.pid"])).create_time()
    except (psutil.NoSuchProcess, ValueError):
        return True
    return bool(abs(started - float(tags["hw3.process_started"])) > _CLOCK)


def adopt(fingerprint: str, tags: dict[str, str]) -> str | None:
    """Go on in the newest run of the same spec whose process died: it gets `tags` and is RUNNING; None without one.

    Of two processes that want it at the same moment one gets it.
    """
    client, experiment_id = connect()
    condition = f"tags.`hw3.role` = 'parent' and tags.`hw3.spec` = '{fingerprint}' and attributes.status = 'RUNNING'"
    lock = Settings().work / "adopt.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=60):
        found: list[Run] = client.search_runs(
            [experiment_id], condition, max_results=50, order_by=["attributes.start_time DESC"]
        )
        for run in found:
            if is_writer_dead(run.data.tags):
                client.log_batch(run.info.run_id, tags=[RunTag(name, value) for name, value in tags.items()])
                return str(run.info.run_id)
    return None
