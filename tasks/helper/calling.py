"""The command's end: starts the helper when a command has run for a while, and asks it."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from pydantic import ValidationError

from tasks.helper.wire import TOLD, Asked, Done, HelperGoneError, Ready, RefusedError, Request, Rest, to_line
from tasks.processes import module_command, module_environment

AFTER = 5.0
"""Seconds that a command runs before it has a helper: one that ends soon would only wait for a core with it."""

REST = 10.0
"""Seconds for which what was logged may wait for the end of a training."""

LONG = 5.0
"""Seconds after which a training that leaves a core free is taken to do so for as long as a helper's imports take: with
five seeds on two cores it lasts half as long again."""

LATEST = 30.0
"""Seconds after which a helper imports beside whatever is trained."""

IMPORT = b"import\n"
"""Tells the helper to begin."""

_current: "Helper | None" = None
_changing = threading.Lock()
_leaves_room: float | None = None
"""When the training began that leaves a core free now."""


class Helper:
    """The process. `ask` from any thread."""

    def __init__(self) -> None:
        # Networks of a few numbers, tried with an example: they need neither a GPU nor all cores.
        alone = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen(  # noqa: S603  # this Python, and a module of ours
            module_command("tasks.helper"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What goes wrong is answered; what libraries say to nobody in particular would spoil the display.
            stderr=subprocess.DEVNULL,
            env=os.environ | module_environment() | alone,
            # Ctrl-C goes to every process of the terminal; this one is needed to tell MLflow of it.
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Done]] = {}
        self._number = 0
        self._has_ended = False
        self._knows_more = threading.Event()
        """Set when it is ready, or has ended."""
        self._listener = threading.Thread(target=self._listen, name="helper", daemon=True)
        self._listener.start()

    @property
    def is_ready(self) -> bool:
        """Has it imported everything, and lives?"""
        return self._knows_more.is_set() and not self._has_ended

    @property
    def is_starting(self) -> bool:
        """Will it be ready soon?"""
        return not self._knows_more.is_set()

    def let_import(self) -> None:
        """Nothing is done before; requests wait."""
        with self._lock:
            self._write(IMPORT)

    def wait(self, seconds: float) -> None:
        """Until it is ready, or has ended, or so long."""
        self._knows_more.wait(seconds)

    def ask(self, request: Request) -> Future[Done]:
        """Have it done, in its turn; the future raises `RefusedError` or `HelperGoneError`."""
        future: Future[Done] = Future()
        with self._lock:
            if self._has_ended:
                future.set_exception(HelperGoneError())
                return future
            self._number += 1
            self._waiting[self._number] = future
            self._write(to_line(Asked(number=self._number, request=request)))
        return future

    def _write(self, line: bytes) -> None:
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except (OSError, ValueError):
            # Gone, or closed. `_listen` sees the end, too, and tells all who wait.
            self.process.kill()

    def close(self) -> None:
        """End it; what it was doing may be done, or not."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        # The last line of one that was killed may be torn.
        with suppress(ValidationError), self.process.stdout as answers:
            for line in answers:
                told = TOLD.validate_json(line)
                if isinstance(told, Ready):
                    self._knows_more.set()
                else:
                    self._answered(told)
        with self._lock:
            self._has_ended = True
            self._knows_more.set()
            waiting, self._waiting = list(self._waiting.values()), {}
        for future in waiting:
            future.set_exception(HelperGoneError())

    def _answered(self, done: Done) -> None:
        with self._lock:
            future = self._waiting.pop(done.number)
        if done.refused is None:
            future.set_result(done)
        else:
            future.set_exception(RefusedError(done.refused))


@contextmanager
def resting() -> Iterator[Callable[[], None]]:
    """Have the helper begin nothing while the block lasts, or for `REST` seconds, or until what is yielded is called.

    What keeps all cores busy takes longer when the helper works beside it; what leaves one free does not.
    """
    global _leaves_room
    helper, begun = current() or coming(), time.monotonic()

    def end() -> None:
        if helper is not None:
            helper.ask(Rest(seconds=0))

    def leave_room() -> None:
        global _leaves_room
        _leaves_room = begun
        end()

    if helper is not None:
        helper.ask(Rest(seconds=REST))
    try:
        yield leave_room
    finally:
        _leaves_room = None
        end()


def current() -> Helper | None:
    """This process's helper, where it has one that is ready."""
    helper = _current
    return helper if helper is not None and helper.is_ready else None


def coming() -> Helper | None:
    """This process's helper, where it has one that will be ready soon."""
    helper = _current
    return helper if helper is not None and helper.is_starting else None


@contextmanager
def helping(may_start: Callable[[], bool], may_import: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Have a helper while the block lasts. It takes requests from when `may_start` says so, and works from when
    `may_import` does.
    """
    global _current
    ended = threading.Event()

    def is_time(may: Callable[[], bool], pause: float) -> bool:
        while not may():
            if ended.wait(pause):
                return False
        return True

    def start() -> None:
        global _current
        if not is_time(may_start, 0.05):
            return
        helper = Helper()
        with _changing:
            if is_late := ended.is_set():
                helper.close()
            else:
                _current = helper
        if not is_late and is_time(may_import, 0.25):
            helper.let_import()

    thread = threading.Thread(target=start, name="helper-start", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with _changing:
            ended.set()
            helper, _current = _current, None
        if helper is not None:
            helper.close()


def later(seconds: float = AFTER) -> Callable[[], bool]:
    """Whether so many have passed since this was called."""
    start = time.monotonic() + seconds
    return lambda: time.monotonic() >= start


def with_room() -> Callable[[], bool]:
    """Whether a training leaves a core free for a while, or `LATEST` seconds have passed since this was called."""
    latest = later(LATEST)
    return lambda: latest() or (_leaves_room is not None and time.monotonic() - _leaves_room >= LONG)
