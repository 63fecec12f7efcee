"""How many of this machine's cores a training may use just now.

What a container or an affinity allows is the most. Of that, a training takes what others leave, and never less than its
fair share among the trainings of this project that run here. One thread more than there are cores is no help: threads
meet many times in a step, and each time all wait for the one that has no core. Beside one other training on two cores a
network trained 3 to 20 times slower with two threads than with one (docs/decisions/0042).

The number of threads changes no bit of dense and recurrent networks (tests/hw3models/runtime/test_cores.py). It does
change how gradients of convolutions and of layer normalisation are rounded: a training of one program of those that had
fewer threads than there are says so.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

try:
    import psutil  # type: ignore[import-untyped]
except ImportError:  # on a machine for training alone: nobody looks at others there
    psutil = None

PERIOD = 1.0
"""Seconds for which an answer holds."""
_FIRST = 0.1
"""Seconds that are looked at before the first answer."""
_STALE = 10.0
"""Seconds after which another look is taken before a training, and waited for."""
_CLOCK = 2.0
"""Seconds by which starts of one process may differ: psutil adds a time of boot, which steps of the clock move."""


@lru_cache(maxsize=1)
def allowed() -> int:
    """Cores that this process may use at all: those of its affinity, and what a container's limit allows."""
    try:
        from joblib import cpu_count
    except ImportError:
        return os.cpu_count() or 1
    return max(1, int(cpu_count()))


_latest: dict[str, "Usage"] = {}
"""The newest reading of this process: trainings follow each other."""


class Usage(NamedTuple):
    """Seconds of processor time, counted from some beginning."""

    at: float
    """When it was read, in seconds of the monotonic clock."""
    busy: float
    """Used on all cores that this process may use."""
    mine: float
    """Used by this process and those it has started."""
    rivals: dict[int, float]
    """Used by other processes that train here, by their ids, with those that they have started."""


def fair_threads(most: int, before: Usage, now: Usage) -> int:
    """Threads that a training should take, of `most` at most, after what was used between two readings."""
    seconds = max(now.at - before.at, 1e-3)
    rivals = sum(max(0.0, used - before.rivals.get(pid, used)) for pid, used in now.rivals.items()) / seconds
    others = max(0.0, now.busy - before.busy - (now.mine - before.mine)) / seconds
    left = most - max(0.0, others - rivals)
    """What programs that are none of ours leave."""
    share = int(left / (1 + len(now.rivals)) + 0.5)
    return min(most, max(1, share, int(left - rivals + 0.5)))


def read_usage(folder: Path) -> Usage:
    """What has been used so far; trainings are known by their files in `folder`."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    pids = set(training_processes(folder)) - own
    return Usage(time.monotonic(), _busy(), _of(os.getpid()), {pid: _of(pid) for pid in pids})


def _busy() -> float:
    """Processes of low priority give way to those of ordinary priority, so they do not count for these."""
    times = psutil.cpu_times(percpu=True)
    with suppress(AttributeError, ValueError):
        times = [times[core] for core in os.sched_getaffinity(0) if core < len(times)] or times
    # Where we have low priority ourselves, all count.
    counts_low = hasattr(os, "nice") and os.nice(0) > 0
    return sum(float(one.user + one.system) + (getattr(one, "nice", 0.0) if counts_low else 0.0) for one in times)


def _of(pid: int) -> float:
    """Processor time of a process, its children, and those of them that have ended."""
    total = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def training_processes(folder: Path) -> Iterator[int]:
    """Processes that say that they train; what dead ones have left is removed."""
    for path in folder.glob("*-*"):
        pid, _, started = path.name.partition("-")
        try:
            alive = abs(psutil.Process(int(pid)).create_time() - float(started)) <= _CLOCK
        except (psutil.Error, ValueError):
            alive = False
        if alive:
            yield int(pid)
        else:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    """Where the trainings of this user on this machine say that they are there."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"hw3-cores-{user}"


@contextmanager
def present(folder: Path | None = None) -> Iterator[None]:
    """Others count this process as one that trains, until the block ends. Without a folder it goes uncounted."""
    if psutil is None:
        yield
        return
    folder = folder or _folder()
    path = folder / f"{os.getpid()}-{psutil.Process().create_time():.0f}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        path.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


class Cores:
    """The cores of one training, which change while it lasts.

    Args:
        most: threads that it may have on a machine of its own.
        read: the readings, which a test has of its own; None: others are not looked at.
        first: seconds between the first two.
    """

    def __init__(self, most: int, read: Callable[[], Usage] | None, first: float = _FIRST) -> None:
        self.most, self._read = most, read
        self._now, self._lock = most, threading.Lock()
        self._turns = threading.Condition()
        self._working = 0
        self._usage: Usage | None = None
        if most > 1 and read is not None:
            before = _latest.get("usage")
            if before is None or not first < time.monotonic() - before.at < _STALE:
                # A small training has ended before a second look: it takes all, as it did before there were looks.
                self._usage = _latest["usage"] = read()
            else:
                self._look(read, before)

    def now(self) -> int:
        """Threads that the training should take now."""
        with self._lock:
            usage, read = self._usage, self._read
            if read is not None and usage is not None and time.monotonic() - usage.at >= PERIOD:
                self._look(read, usage)
            return self._now

    def _look(self, read: Callable[[], Usage], before: Usage) -> None:
        usage = read()
        self._now, self._usage = fair_threads(self.most, before, usage), usage
        _latest["usage"] = usage

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread's work, such as an epoch of a replicate; waits while as many work as there are cores to take."""
        with self._turns:
            while self._working >= self.now():
                self._turns.wait(PERIOD / 4)
            self._working += 1
        try:
            yield
        finally:
            with self._turns:
                self._working -= 1
                self._turns.notify()


@contextmanager
def cores_of(most: int) -> Iterator[Cores]:
    """The cores of a training that lasts as long as the block, and of which others on this machine know."""
    if psutil is None:
        yield Cores(most, None)
        return
    folder = _folder()
    with present(folder):
        yield Cores(most, lambda: read_usage(folder))


def free_threads(most: int) -> int:
    """Threads for work that cannot change their number: looked at before it begins, and at most once a second."""
    if most == 1 or psutil is None:
        return most
    return _looked_at(most, int(time.monotonic() / PERIOD))


@lru_cache(maxsize=1)
def _looked_at(most: int, _second: int) -> int:
    folder = _folder()
    return Cores(most, lambda: read_usage(folder)).now()
