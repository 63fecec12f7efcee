"""Progress for people: a live display on a terminal, plain lines elsewhere; on stderr, always."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.terminal import remark
from hw3models.engine.fit import EpochReport
from hw3models.printable import one_a_line
from tasks.progress import Listener, Training


class PlainDisplay(Listener):
    """A line per step, and a line every few seconds of a training."""

    def __init__(self, interval: float = 5.0) -> None:
        self.interval = interval
        self._start = self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line with the seconds since the start."""
        remark(one_a_line([f"[{time.monotonic() - self._start:6.1f} s] {text}"]))

    def epoch(self, training: Training, report: EpochReport) -> None:
        """A line, if the last one was a while ago."""
        if time.monotonic() - self._last >= self.interval:
            self._last = time.monotonic()
            who = _whose(training, report)
            self.say(f"{training.label} ({who}): epoch {report.epoch}/{report.num_epochs}, {_losses(report)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""


def _whose(training: Training, report: EpochReport) -> str:
    if len(report.seeds) == training.num_seeds:
        return f"{training.num_seeds} seeds"
    return f"of seed{'s' if len(report.seeds) > 1 else ''} {', '.join(map(str, report.seeds))}"


class LiveDisplay(Listener):
    """A bar per training that moves with the epochs; steps are printed above it."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._bars: dict[Training, TaskID] = {}
        self._done: dict[Training, int] = {}
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(one_a_line([text]), markup=False, highlight=False)

    def epoch(self, training: Training, report: EpochReport) -> None:
        """Move the training's bar: it counts epochs of seeds."""
        with self._lock:
            if training not in self._bars:
                total = report.num_epochs * training.num_seeds
                self._bars[training] = self._progress.add_task(one_a_line([training.label]), total=total, note="")
            self._progress.update(self._bars[training], advance=len(report.seeds), note=_losses(report))

    def end(self, training: Training) -> None:
        """Take the bar away."""
        with self._lock:
            if training in self._bars:
                self._progress.remove_task(self._bars.pop(training))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def display() -> PlainDisplay | LiveDisplay:
    """The one that suits stderr."""
    console = Console(stderr=True)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay()


def _losses(report: EpochReport) -> str:
    text = f"loss {sum(report.train_loss) / len(report.train_loss):.4g}"
    if report.validation_accuracy:
        text += f", validation accuracy {100 * sum(report.validation_accuracy) / len(report.validation_accuracy):.1f}%"
    elif report.validation_loss:
        text += f", validation loss {sum(report.validation_loss) / len(report.validation_loss):.4g}"
    return text
