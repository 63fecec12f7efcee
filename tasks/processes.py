"""Processes of ours: how they are started, and how they are known.

A process is known by host, id and start, so that an id that is in use again is not taken for the same process. The
start is counted from boot: the wall clock may be set to another time while a study lives.
"""

import gc
import os
import re
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
"""Seconds by which start times on the wall clock may differ: psutil adds them to a time of boot that a step moves."""
_PARTS = 3
"""Number of parts of a start that is counted from boot: ticks, boot, namespace of process ids."""
_UNKNOWN = "0"
"""A part that the system does not tell."""


def module_command(module: str, *arguments: str) -> list[str]:
    """A command line that runs a module of ours with this Python."""
    return [sys.executable, "-P", "-m", module, *arguments]


def module_environment() -> dict[str, str]:
    """What such a command needs to find the module, wherever it is called from."""
    root = str(Path(__file__).resolve().parents[1])
    return {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


@contextmanager
def importing() -> Iterator[None]:
    """Switch the garbage collector off while much is imported, which stays.

    Python would look through a growing million of objects for garbage, which takes a tenth of the time. Nor does it
    look through them later.
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


def started_at(pid: int) -> str:
    """What tells the process that has this id now from all others that have had it or will.

    On Linux ticks since boot, which boot, and whose process ids (a container has its own): no step of the clock moves
    these, and ticks of a boot stay the same when the machine is suspended. Elsewhere seconds since 1970.

    Raises:
        psutil.Error: there is none, or it cannot be seen.
    """
    process = psutil.Process(pid)
    ticks = _ticks(pid)
    return f"{process.create_time():.1f}" if ticks is None else f"{ticks}.{_boot()}.{_namespace()}"


def known_start(text: str) -> str:
    """The start that a record holds, of this version or an earlier one.

    Raises:
        ValueError: it is neither.
    """
    if not re.fullmatch(r"\d+\.[0-9a-f]+\.\d+", text):
        float(text)
    return text


def is_running(pid: int, started: str) -> bool:
    """Does the process of this host with this id and start live? One that cannot be seen does, for all we know."""
    try:
        process = psutil.Process(pid)
        # One that was killed stays in the table until its parent has asked for it.
        return _is_same(process, started) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return not _is_visible(started)
    except psutil.AccessDenied:
        return True


def _is_same(process: psutil.Process, started: str) -> bool:
    known = started.split(".")
    if len(known) != _PARTS:
        # Of a system without /proc, or of a version that wrote seconds since 1970.
        return bool(abs(process.create_time() - float(started)) <= _CLOCK)
    ticks, boot, _ = known
    if _differs(boot, _boot()):
        return False
    now = _ticks(process.pid)
    return not _is_visible(started) or now is None or now == ticks


def _is_visible(started: str) -> bool:
    """Is the process one of those whose ids mean here what they meant to it? After another boot none of them lives."""
    known = started.split(".")
    return len(known) != _PARTS or _differs(known[1], _boot()) or not _differs(known[2], _namespace())


def _differs(then: str, now: str) -> bool:
    return _UNKNOWN not in (then, now) and then != now


def _ticks(pid: int) -> str | None:
    """Clock ticks between boot and the start of the process; None where the system does not tell."""
    try:
        # The second field is a name, which may hold anything, also brackets.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "") or _UNKNOWN
    except OSError:
        return _UNKNOWN


def _namespace() -> str:
    try:
        return re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink())) or _UNKNOWN
    except OSError:
        return _UNKNOWN


class ProcessId(NamedTuple):
    """A process on some host."""

    host: str
    pid: int
    started: str
    """The start that `started_at` tells."""

    @classmethod
    def own(cls) -> "ProcessId":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), started_at(os.getpid()))

    def is_dead(self) -> bool:
        """True only where it is certain: another host's processes cannot be seen from here."""
        return self.is_local() and not is_running(self.pid, self.started)

    def is_local(self) -> bool:
        """Was it on this host, and not in another container, from where its id says nothing here?"""
        return self.host == socket.gethostname() and _is_visible(self.started)
