"""What is going on right now: steps and epochs, told to whoever listens.

Tasks call `say` and `epoch`; the command line listens with a display, a worker with its log. Progress is
not an argument of tasks: it is no part of what they compute, so it must not be part of their cache keys.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # It imports torch, which the display of a command must not wait for.
    from hw3models.engine.fit import EpochReport


@dataclass(frozen=True)
class Training:
    """Which training an epoch belongs to."""

    label: str
    """What is trained, such as `lstm on regime:order`."""
    num_seeds: int


class Listener:
    """Hears of progress, from any thread; this one makes nothing of it."""

    def say(self, text: str) -> None:
        """A step has begun or ended."""

    def plan(self, guesses: Mapping[str, float]) -> None:
        """These trainings come, each with a guess of its seconds."""

    def begin(self, label: str) -> None:
        """This training begins."""

    def finish(self, label: str) -> None:
        """This training and its evaluation have ended, well or not."""

    def epoch(self, training: Training, report: "EpochReport") -> None:
        """An epoch of some replicates of a training has ended."""

    def end(self, training: Training) -> None:
        """A training has ended, well or not; the caller says what came of it."""


SILENCE = Listener()
"""Nobody listens."""
_listener = SILENCE
_lock = threading.Lock()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """`listener` hears of all progress in this process until the block ends."""
    global _listener
    with _lock:
        before, _listener = _listener, listener
    try:
        yield
    finally:
        with _lock:
            _listener = before


class RunLog(Listener):
    """Lines in the flow run's own log, where people look for a run on a worker: steps, and an epoch now and then."""

    def __init__(self, log: Callable[[str], None], interval: float = 10.0) -> None:
        self.log, self.interval = log, interval
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line."""
        self.log(text)

    def epoch(self, training: Training, report: "EpochReport") -> None:
        """A line, if the last one was a while ago."""
        if time.monotonic() - self._last >= self.interval:
            self._last = time.monotonic()
            self.log(f"{training.label}: {_seeds(training, report)}epoch {report.epoch}/{report.num_epochs}")


def _seeds(training: Training, report: "EpochReport") -> str:
    """Which of the seeds this is about, where they do not all go together."""
    running = [seed for seed, runs in zip(report.seeds, report.running, strict=False) if runs]
    if training.num_seeds == 1 or not running:
        return ""
    if len(running) == training.num_seeds:
        return f"all {training.num_seeds} seeds, "
    if len(running) == 1:
        return f"seed {running[0]} of {training.num_seeds}, "
    return f"{len(running)} of {training.num_seeds} seeds ({running[0]} to {running[-1]}), "


@contextmanager
def logged(log: Callable[[str], None]) -> Iterator[None]:
    """Where nobody listens yet, `log` hears of progress until the block ends."""
    if _listener is SILENCE:
        with listening(RunLog(log)):
            yield
    else:
        yield


def say(text: str) -> None:
    """Tell that a step has begun or ended."""
    _listener.say(text)


def plan(guesses: Mapping[str, float]) -> None:
    """Tell which trainings come, and how many seconds each may take."""
    _listener.plan(guesses)


def begin(label: str) -> None:
    """Tell that a training begins."""
    _listener.begin(label)


def finish(label: str) -> None:
    """Tell that a training and its evaluation have ended."""
    _listener.finish(label)


def observer(training: Training) -> Callable[["EpochReport"], None]:
    """An `on_epoch` for `fit` that passes each epoch on."""
    return lambda report: _listener.epoch(training, report)


def end(training: Training) -> None:
    """Tell that a training has ended."""
    _listener.end(training)
