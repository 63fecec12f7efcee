"""This process's journals, and the thread that sends them."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

from filelock import FileLock, Timeout
from mlflow import MlflowClient

from hw3models.errors import DataError
from hw3models.runtime.devices import compute_alone
from tasks.patience import is_outage
from tasks.progress import say
from tasks.settings import settings
from tasks.tracking.journal.events import End, Event, Figures, Logged, Open
from tasks.tracking.journal.files import (
    JournalFile,
    files_of,
    folder_of_run,
    folder_of_store,
    note_start,
    runs_in,
    started_as,
)
from tasks.tracking.journal.shipping import Shipping, batches, start_run
from tasks.tracking.store import connect_once

PAUSES = (1.0, 10.0)
"""Seconds between tries of a server that is away: the first, and the longest."""
DOUBT = 300.0
"""Seconds for which an error inside of the server may be an outage; after that it is a refusal."""

Connect = Callable[[], tuple[MlflowClient, str]]


class _BusyError(Exception):
    """Another process is sending what a dead one has left."""


class Outbox:
    """Journals of one store. `put` from any thread; a thread of the outbox's own sends."""

    def __init__(self, store: Path, connect: Connect) -> None:
        self.store, self._connect = store, connect
        self._changed = threading.Condition()
        self._files: dict[str, JournalFile] = {}
        self._unsent: dict[str, int] = {}
        self._open: dict[str, str | None] = {}
        self._new: set[str] = set()
        self._nudge = threading.Event()
        self._thread: threading.Thread | None = None
        self._shipping: Shipping | None = None
        self._away_since: float | None = None
        self._first_failure: tuple[object, float] = (None, 0.0)

    # -------------------------------------------------------------------------------- what is logged

    def put(self, run_id: str, event: Event) -> None:
        """Write the event down; it is sent soon, in order. Takes no longer than a file does.

        Raises:
            OSError: it could not be written down, such as on a full disk.
        """
        with self._changed:
            file = self._files.get(run_id) or JournalFile.new(folder_of_run(self.store, run_id))
            file.append(event)
            self._files[run_id] = file
            self._unsent[run_id] = self._unsent.get(run_id, 0) + 1
            if isinstance(event, End):
                self._open.pop(run_id, None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def opened(self, run_id: str, parent_id: str | None, *, is_new: bool) -> None:
        """This process writes the run from now on."""
        with self._changed:
            self._open[run_id] = parent_id
            if is_new:
                self._new.add(run_id)

    def is_new(self, run_id: str) -> bool:
        """Did this process start the run, so that nobody logged to it before?"""
        return run_id in self._new

    def still_open(self, run_id: str) -> list[str]:
        """The run and those below it that this process opened and has not ended."""
        with self._changed:
            return [one for one, parent in self._open.items() if run_id in (one, parent)]

    def known_as(self, run_id: str) -> str | None:
        """The id that MLflow knows the run by; None while the run is pending."""
        return started_as(self.store, run_id)

    @property
    def is_away(self) -> bool:
        """Did the server not answer the last time?"""
        return self._away_since is not None

    def flush(self, patience: float) -> int:
        """Wait until everything is sent, or nothing was for `patience` seconds; how many events are left."""
        self._nudge.set()
        with self._changed:
            left, progress = sum(self._unsent.values()), time.monotonic()
            while left and (rest := progress + patience - time.monotonic()) > 0:
                self._changed.wait(rest)
                now_left = sum(self._unsent.values())
                if now_left < left:
                    progress = time.monotonic()
                left = now_left
            return left

    # ------------------------------------------------------------------------------ the thread's part

    def _work(self) -> None:
        pause = PAUSES[0]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(self._unsent.values()))
                runs = [run_id for run_id, number in self._unsent.items() if number]
            try:
                for run_id in runs:
                    self._send_run(run_id)
            except Exception as error:
                if not isinstance(error, _BusyError):
                    self._went_away(error)
                self._nudge.clear()
                self._nudge.wait(pause)
                pause = min(2 * pause, PAUSES[1])
            else:
                pause = PAUSES[0]
                self._came_back()

    def _send_run(self, run_id: str) -> None:
        """What dead processes have left for the run, then what this one has written."""
        folder = folder_of_run(self.store, run_id)
        dead = [file for file in files_of(folder) if file.writer.is_dead()]
        if dead:
            self._send_dead(run_id, dead)
        file = self._files[run_id]
        self._send_file(run_id, file, self._acknowledge)
        with self._changed:
            # A run that is over may be written to once more; that makes another file.
            if not self._unsent[run_id] and run_id not in self._open:
                del self._files[run_id]
                file.remove()

    def _acknowledge(self, run_id: str, number: int) -> None:
        with self._changed:
            self._unsent[run_id] -= number
            self._changed.notify_all()
        self._came_back()

    def _send_dead(self, run_id: str, files: list[JournalFile]) -> int:
        """Whoever comes first sends what a dead process has left; how many events."""
        sent: list[int] = []
        try:
            with FileLock(self.store / ".dead.lock", timeout=0):
                for file in files:
                    self._send_file(run_id, file, lambda _, number: sent.append(number))
                    file.remove()
        except Timeout:
            raise _BusyError from None
        return sum(sent)

    def _send_file(self, run_id: str, file: JournalFile, acknowledge: Callable[[str, int], None]) -> None:
        def refused(line: bytes, reason: str) -> None:
            say(f"not sent to MLflow, kept in {file.refuse(line, reason)}: {reason}")
            acknowledge(run_id, 1)

        for offset, events in batches(file, refused):
            try:
                if events:
                    self._send(run_id, events)
            except Exception as error:
                if self._may_pass(error, (file.path, offset)):
                    raise
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
                path = [file.refuse(line, reason) for end, line in file.unsent() if end <= offset][-1]
                say(f"not sent to MLflow, kept in {path}: {reason}")
            file.acknowledge(offset)
            acknowledge(run_id, len(events))

    def _send(self, run_id: str, events: list[Event]) -> None:
        if self._shipping is None:
            self._shipping = Shipping(self.store, *self._connect())
        shipping = self._shipping
        if isinstance(events[0], Open):
            event = events[0].model_copy(update={"tags": shipping.resolved(events[0].tags)})
            real_id, _ = start_run(shipping.client, shipping.experiment_id, event)
            note_start(self.store, run_id, real_id)
            return
        known = self.known_as(run_id)
        if known is None:
            raise DataError(f"the run {run_id} was never started")
        if isinstance(events[0], (Figures, Logged)):
            # Some are computed by a model, and a model is tried with an example.
            compute_alone()
        shipping.send(known, events)

    def _may_pass(self, error: Exception, what: object) -> bool:
        """Is it worth another try? An error inside of the server may be an outage of what is behind it."""
        if is_outage(error):
            return True
        # Of MLflow's own errors.
        if getattr(error, "error_code", None) != "INTERNAL_ERROR":
            return False
        if self._first_failure[0] != what:
            self._first_failure = (what, time.monotonic())
        return time.monotonic() - self._first_failure[1] < DOUBT

    def _went_away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            reason = " ".join(str(error).split())[:200]
            say(f"MLflow does not answer; what is logged waits in {self.store} ({type(error).__name__}: {reason})")

    def _came_back(self) -> None:
        if self._away_since is not None:
            say(f"MLflow answers again after {time.monotonic() - self._away_since:.0f} s")
            self._away_since = None

    # ------------------------------------------------------------------------------------- the sweep

    def send_left_behind(self) -> tuple[int, list[str]]:
        """Send what dead processes have left: how many events, and what could not be sent and why.

        Journals of processes that live, or of another host, are left to them.
        """
        sent, problems = 0, []
        for run_id in runs_in(self.store):
            files = files_of(folder_of_run(self.store, run_id))
            if elsewhere := {file.writer.host for file in files if not file.writer.is_local()}:
                problems.append(f"{run_id} has a journal that was written on {', '.join(sorted(elsewhere))}")
            dead = [file for file in files if file.writer.is_dead()]
            try:
                sent += self._send_dead(run_id, dead) if dead else 0
            except _BusyError:
                problems.append(f"{run_id}: another process is sending its journal")
            except Exception as error:
                left = sum(file.num_unsent() for file in dead)
                problems.append(f"{run_id}: {left} entries could not be sent ({type(error).__name__}: {error})")
        return sent, problems


@lru_cache(maxsize=8)
def _outbox(root: Path, tracking_uri: str, experiment: str) -> Outbox:
    store = folder_of_store(root, tracking_uri, experiment)
    with suppress(OSError):
        store.mkdir(parents=True, exist_ok=True)
    # The store that was meant when something was written down, whatever settings say when it is sent.
    return Outbox(store, partial(connect_once, settings()))


def outbox() -> Outbox:
    """That of the store which the settings name."""
    now = settings()
    return _outbox(now.work / "journal", now.tracking_uri, now.experiment)
