"""Progress for people: a live display on a terminal, plain lines elsewhere; on stderr, always."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from flows.studies.estimates import Estimate, about
from flows.terminal import elapsed, remark
from hw3models.engine.fit import EpochReport
from hw3models.printable import one_a_line
from tasks.progress import Listener, Training


class PlainDisplay(Listener):
    """A line per step, and lines of a training: every few seconds at first, then ever fewer, so that hours of training
    are no more than some pages.
    """

    def __init__(self, interval: float = 5.0) -> None:
        self.interval = interval
        self._last = time.monotonic()
        self._estimate = Estimate()

    def say(self, text: str) -> None:
        """A line with the seconds since the command was given."""
        remark(one_a_line([f"[{elapsed():6.1f} s] {text}"]))

    def plan(self, guesses: Mapping[str, float]) -> None:
        """A line with the total, before anything is trained."""
        self._estimate.plan(guesses)
        self.say(_told_plan(guesses))

    def begin(self, label: str) -> None:
        """Its time is counted from here."""
        self._estimate.begin(label)

    def finish(self, label: str) -> None:
        """What is left is known better now."""
        self._estimate.finish(label)

    def epoch(self, training: Training, report: EpochReport) -> None:
        """A line, if the last one was a while ago."""
        self._estimate.count(training.label, training.num_seeds, report)
        if time.monotonic() - self._last >= max(self.interval, 0.1 * elapsed() if self.interval else 0.0):
            self._last = time.monotonic()
            who, left = _whose(training, report), self._estimate.left()
            ending = "" if left is None else f"; {about(left)} left"
            self.say(f"{training.label} ({who}): epoch {report.epoch}/{report.num_epochs}, {_losses(report)}{ending}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""


def _whose(training: Training, report: EpochReport) -> str:
    if len(report.seeds) == training.num_seeds:
        return f"{training.num_seeds} seeds"
    return f"of seed{'s' if len(report.seeds) > 1 else ''} {', '.join(map(str, report.seeds))}"


class LiveDisplay(Listener):
    """A bar per family that is being trained, and one for all, with what is left; steps are printed above them."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._is_wide = console.width >= 100
        self._bars: dict[str, TaskID] = {}
        self._estimate = Estimate()
        self._all: TaskID | None = None
        self._planned, self._finished = 0, 0
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(one_a_line([text]), markup=False, highlight=False)

    def plan(self, guesses: Mapping[str, float]) -> None:
        """The bar of all, with the total."""
        self._estimate.plan(guesses)
        self.say(_told_plan(guesses))
        with self._lock:
            self._planned += len(guesses)
            if self._all is None:
                self._all = self._progress.add_task("all families", total=self._planned, note="")
            self._progress.update(self._all, total=self._planned)
        self._show_left()

    def begin(self, label: str) -> None:
        """A bar that only shows that something is going on: how much is done comes with the first epoch."""
        self._estimate.begin(label)
        with self._lock:
            self._bar(label)

    def finish(self, label: str) -> None:
        """Take the bar away."""
        self._estimate.finish(label)
        with self._lock:
            self._finished += 1
            self._remove(label)
            if self._all is not None:
                self._progress.update(self._all, completed=self._finished)
        self._show_left()

    def epoch(self, training: Training, report: EpochReport) -> None:
        """Move the training's bar: it counts epochs of seeds."""
        done, total = self._estimate.count(training.label, training.num_seeds, report)
        with self._lock:
            bar = self._bar(training.label)
            note = _losses(report) if self._is_wide else ""
            self._progress.update(bar, total=total, completed=done, note=note)
        self._show_left()

    def end(self, training: Training) -> None:
        """Take the bar away."""
        with self._lock:
            self._remove(training.label)

    def _bar(self, label: str) -> TaskID:
        if label not in self._bars:
            self._bars[label] = self._progress.add_task(one_a_line([label]), total=None, note="")
        return self._bars[label]

    def _remove(self, label: str) -> None:
        if label in self._bars:
            self._progress.remove_task(self._bars.pop(label))

    def _show_left(self) -> None:
        left = self._estimate.left()
        with self._lock:
            if self._all is not None:
                self._progress.update(self._all, note="" if left is None else f"{about(left)} left")

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


def _told_plan(guesses: Mapping[str, float]) -> str:
    number = len(guesses)
    families = f"{number} famil{'y' if number == 1 else 'ies'}"
    return f"{families} to train: {about(sum(guesses.values()))}, as a first guess"
