"""Processes of ours: how they are started, and how they are known.

A process is known by host, id and start time, so that an id that is in use again is not taken for the same process.
"""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

_CLOCK = 2.0
"""Seconds by which start times may differ: they are computed from the time of boot, which a clock correction moves."""


def module_command(module: str, *arguments: str) -> list[str]:
    """A command line that runs a module of ours with this Python."""
    return [sys.executable, "-P", "-m", module, *arguments]


def module_environment() -> dict[str, str]:
    """What such a command needs to find the module, wherever it is called from."""
    root = str(Path(__file__).resolve().parents[1])
    return {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


@contextmanager
def importing() -> Iterator[None]:
    """While much is imported, which stays: Python would look through a growing million of objects for garbage, which
    takes a tenth of the time. Nor does it look through them later.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def holding_interrupts() -> Iterator[None]:
    """A Ctrl-C in the block is raised at its end; a second one at once.

    Imports are no place for one: pydantic takes it for an error of the class that it is at, tries again later, and the
    command goes on as if nothing had been pressed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, came = signal.getsignal(signal.SIGINT), False

    def hold(*_: object) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def started_at(pid: int) -> float:
    """When the process that has this id now was started, in seconds since 1970.

    Raises:
        psutil.Error: there is none, or it cannot be seen.
    """
    return float(psutil.Process(pid).create_time())


def is_running(pid: int, started: float) -> bool:
    """Does the process of this host with this id and start time live? One that cannot be seen does, for all we know."""
    try:
        process = psutil.Process(pid)
        # One that was killed stays in the table until its parent has asked for it.
        is_same = abs(process.create_time() - started) <= _CLOCK
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


class ProcessId(NamedTuple):
    """A process on some host."""

    host: str
    pid: int
    started: float
    """Seconds since 1970."""

    @classmethod
    def own(cls) -> "ProcessId":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), started_at(os.getpid()))

    def is_dead(self) -> bool:
        """True only where it is certain: another host's processes cannot be seen from here."""
        return self.is_local() and not is_running(self.pid, self.started)

    def is_local(self) -> bool:
        """Was it on this host?"""
        return self.host == socket.gethostname()
