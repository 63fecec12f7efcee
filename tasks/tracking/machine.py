"""What the machine did meanwhile, as MLflow's page shows it under "System metrics".

MLflow's own collectors are read, and what they say goes through the journal: its own thread asks the server at every
sample, and is lost where that does not answer.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

from tasks.tracking.epochs import log_points
from tasks.tracking.store import now_ms

EVERY = 10.0
"""Seconds between two samples; the last one is taken at the end."""


@contextmanager
def watched(run_id: str) -> Iterator[None]:
    """Log processor, memory, disk, network and, where there are some, GPUs until the block ends."""
    # Untyped in MLflow.
    kinds: tuple[Any, ...] = (CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor)
    monitors = []
    for kind in kinds:
        # Without a GPU, or without the library that asks it.
        with suppress(Exception):
            monitors.append(kind())
    # What the processors did since the last time they were asked: the first answer is none.
    _sample(monitors)
    ended = threading.Event()

    def work() -> None:
        over, step = False, 0
        while not over:
            over = ended.wait(EVERY)
            # A full disk, a device that is gone: nothing that a study should fail by.
            with suppress(Exception):
                log_points(run_id, [(f"system/{name}", value, now_ms(), step) for name, value in _sample(monitors)])
            step += 1

    thread = threading.Thread(target=work, name="machine", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


def _sample(monitors: list[Any]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for monitor in monitors:
        monitor.collect_metrics()
        found += [(name, float(value)) for name, value in monitor.aggregate_metrics().items()]
        monitor.clear_metrics()
    return found
