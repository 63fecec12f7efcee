"""Which processes are ours: the only file of `hw3 up` that knows psutil.

Everything that `hw3 up` starts carries the session's token in its environment, and hands it on to what it starts
itself (a flow run's process is in a group of its own, so groups would not do). With the token, or with a process id
together with its start time, a process is known beyond doubt: nothing is ever ended by its id alone.
"""

import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import psutil  # type: ignore[import-untyped]
from pydantic import BeforeValidator

from tasks.processes import is_running, started_at

TOKEN = "HW3_UP_SESSION"  # noqa: S105  # a name, nothing secret
NAME = "HW3_UP_SERVICE"


@dataclass(frozen=True)
class Identity:
    """A process of this host, even after its id has been used again."""

    pid: int
    started: Annotated[str, BeforeValidator(str)]
    """The start that `tasks.processes.started_at` tells; earlier versions wrote numbers."""

    @property
    def is_alive(self) -> bool:
        """Is it still this process, and not merely a dead one that nobody has collected?"""
        return is_running(self.pid, self.started)

    @property
    def since(self) -> float:
        """When it was started by the clock as it goes now, in seconds since 1970; 0 when it is gone."""
        try:
            return float(psutil.Process(self.pid).create_time())
        except psutil.Error:
            return 0.0


def identify(pid: int) -> Identity:
    """The process that has this id now."""
    try:
        return Identity(pid, started_at(pid))
    except psutil.Error:
        return Identity(pid, "0")


def marked(token: str, *, name: str | None = None) -> list[Identity]:
    """All living processes of a session, or of one of its services."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if environment.get(TOKEN) != token or (name is not None and environment.get(NAME) != name):
                continue
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(Identity(process.pid, started_at(process.pid)))
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
    return found


def stopped(pid: int) -> list[int]:
    """Ids of the process and of those that it has started, where SIGSTOP or Ctrl-Z holds them."""
    found = []
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                if one.status() == psutil.STATUS_STOPPED:
                    found.append(one.pid)
    return found


def end(targets: Iterable[Identity], number: signal.Signals, *, patience: float) -> list[Identity]:
    """Ask, and wait; those that are still there."""
    left = [target for target in targets if target.is_alive]
    for target in left:
        with suppress(psutil.Error):
            psutil.Process(target.pid).send_signal(number)
            psutil.Process(target.pid).send_signal(signal.SIGCONT)  # it may have been stopped
    deadline = time.monotonic() + patience
    while (left := [target for target in left if target.is_alive]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def kill(targets: Iterable[Identity]) -> list[Identity]:
    """Kill at once; those that even this did not end within 5 s."""
    return end(targets, signal.SIGKILL, patience=5)


def listener(port: int) -> str | None:
    """The process that listens there, where the system tells it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                words = " ".join(psutil.Process(connection.pid).cmdline())
                return f"pid {connection.pid} ({words[:60]}{'...' if len(words) > 60 else ''})"
    except (psutil.Error, OSError, RuntimeError):
        return None
    return None
