"""The course of a training: metrics of each epoch, as mean and spread over the seeds."""

import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev

from hw3models.engine.fit import EpochReport
from hw3models.specs import TrainReport
from tasks.tracking.journal import Points, outbox
from tasks.tracking.store import now_ms

EVERY = 5.0
"""Seconds between the entries of a training's course."""

DIAGNOSTICS = "diagnostics/"
"""Begin of the names of metrics that nobody compares families by: MLflow shows them apart."""

Point = tuple[str, float, int, int]
"""Name, value, time stamp, step."""


class EpochLog:
    """An `on_epoch` that logs mean and spread over the seeds of an epoch once all of them have reported it.

    Replicates that run one after another report an epoch at different times, from different threads. A training that
    goes on from a checkpoint reports its epochs again; those that the run has are not logged twice.
    """

    def __init__(self, run_id: str, num_seeds: int) -> None:
        self.run_id, self.num_seeds = run_id, num_seeds
        self._lock = threading.Lock()
        self._pending: dict[int, dict[str, list[float]]] = {}
        self._heard: dict[int, int] = defaultdict(int)
        self._ready: list[Point] = []
        self._written = time.monotonic()

    def __call__(self, report: EpochReport) -> None:
        """Take in an epoch of a group of replicates."""
        with self._lock:
            _collect(self._pending.setdefault(report.epoch, defaultdict(list)), report)
            self._heard[report.epoch] += len(report.seeds)
            if self._heard[report.epoch] == self.num_seeds:
                self._ready += _summaries(self._pending.pop(report.epoch), report.epoch)
            # A few calls per training, not one a step: each costs tens of milliseconds.
            if time.monotonic() - self._written > EVERY:
                self._write()

    def close(self) -> None:
        """Log what is left, such as the epochs after some replicates had stopped."""
        with self._lock:
            for epoch in sorted(self._pending):
                self._ready += _summaries(self._pending.pop(epoch), epoch)
            self._write()

    def _write(self) -> None:
        log_points(self.run_id, self._ready)
        self._ready = []
        self._written = time.monotonic()


def log_points(run_id: str, points: list[Point]) -> None:
    """Metrics of the run; steps that it had before this process came to it are left out."""
    if points:
        outbox().put(run_id, Points(points=tuple(points), new_run=outbox().is_new(run_id)))


def log_history(run_id: str, training: TrainReport) -> None:
    """The epochs of a training that was taken from the cache, as if they had been logged while it ran."""
    path = Path(training.directory) / "history.json"
    if not path.exists():
        return
    history = json.loads(path.read_text())
    now = now_ms()
    points = [
        (f"{DIAGNOSTICS}learning_rate", float(value), now, e) for e, value in enumerate(history["learning_rate"], 1)
    ]
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        rows = history[name] or []
        for epoch in range(1, 1 + max(map(len, rows), default=0)):
            values = [row[epoch - 1] for row in rows if len(row) >= epoch and row[epoch - 1] is not None]
            points += _summaries({name: values}, epoch)
    log_points(run_id, points)


def _collect(table: dict[str, list[float]], report: EpochReport) -> None:
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        values = zip(getattr(report, name) or (), report.running, strict=False)
        table[name].extend(value for value, runs in values if runs and math.isfinite(value))
    table["learning_rate"].append(report.learning_rate)


def _summaries(table: Mapping[str, list[float]], epoch: int) -> list[Point]:
    now = now_ms()
    points = []
    for name, values in table.items():
        if not values:
            continue
        is_rate = name == "learning_rate"
        points.append((f"{DIAGNOSTICS}{name}" if is_rate else name, fmean(values), now, epoch))
        if not is_rate and len(values) > 1:
            points.append((f"{DIAGNOSTICS}{name}_sd", stdev(values), now, epoch))
    return points
