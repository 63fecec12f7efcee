"""Start programs, watch them, start again what dies, and end everything. One thread, so nothing races.

Linux counts the death of the *thread* that started a process as its parent's: another reason for one thread.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from flows.local.servers import fault_of
from flows.up import processes
from flows.up.deaths import LIMIT, WINDOW, Deaths
from flows.up.logs import open_log, tail
from flows.up.options import StartError
from flows.up.processes import Identity
from flows.up.say import say, tell
from flows.up.services import Service
from flows.up.state import ServiceState

LAUNCH = Path(__file__).with_name("launch.py")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 15.0
"""Seconds between two looks at whether what runs does its work: servers answer, and nothing was stopped."""
GRACE = 20.0
"""Seconds that a service has for its end."""


class Stopped(Exception):  # noqa: N818  # no error: the user wants it
    """Ctrl-C or SIGTERM: end everything in order."""


class KilledAtOnce(BaseException):
    """A second one: end everything now. Not an `Exception`, so that nothing on the way can take it for one."""


class ServerLostError(StartError):
    """A server died too often."""


@dataclass
class Child:
    """A service and its process of the moment."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    identity: Identity | None = None
    deaths: Deaths = field(default_factory=Deaths)
    restarts: int = 0
    due: float | None = None
    """When it shall be started again."""
    unready_since: float | None = None
    """When it was started, until it has answered."""
    looked: float = 0.0
    """When it was last looked at."""
    silent: int = 0
    """Looks in a row at which it did not work; told from the second on."""

    @property
    def is_at_work(self) -> bool:
        """Does it run, and has it been ready? Workers are never asked whether they are."""
        return self.process is not None and (self.unready_since is None or not self.service.is_server)


class Supervisor:
    """All children of one `hw3 up`.

    Args:
        logs: folder of the log files.
        token: marks every process of this session.
        changed: called when what runs has changed.
    """

    def __init__(self, logs: Path, token: str, changed: Callable[["Supervisor"], None]) -> None:
        self.logs = logs
        self.token = token
        self.children: dict[str, Child] = {}
        self._changed = changed
        self._signals = 0

    def listen(self) -> None:
        """Take over the signals that end programs."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def listen_no_more(self) -> None:
        """Ignore signals: nothing may interrupt the very last steps."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def start(self, service: Service) -> Child:
        """Start it; it is kept running from now on."""
        child = self.children.setdefault(service.name, Child(service))
        self._spawn(child)
        return child

    def run_once(self, service: Service, *, timeout: float) -> None:
        """Start it and wait for its end.

        Raises:
            StartError: it failed, or took too long.
        """
        process = self._spawn(Child(service))
        try:
            self.until(lambda: process.poll() is not None, service.title, timeout)
        finally:
            if process.poll() is None:
                processes.kill(processes.marked(self.token, name=service.name))
                process.wait()
        if process.returncode:
            raise StartError(f"The {service.title} could not be made:\n{tail(self.log(service))}")

    def until(self, condition: Callable[[], bool], title: str, timeout: float) -> None:
        """Watch everything until the condition holds.

        Raises:
            StartError: it does not in time, or a server died before it was ready.
            Stopped: a signal came first.
            ServerLostError: a server died too often.
        """
        began = time.monotonic()
        told = began
        while not condition():
            now = time.monotonic()
            if now - began > timeout:
                raise StartError(f"{title}: not ready within {timeout:.0f} s. Its log may say why: {self.logs}")
            if now - told >= 10:
                told = now
                tell(title, f"still waiting, {now - began:.0f} s")
            self.tick()

    def is_ready(self, service: Service) -> bool:
        """Does the server answer?"""
        child = self.children[service.name]
        if service.health is None or fault_of(service.health) is not None:
            return False
        child.unready_since = None
        return True

    def tick(self) -> None:
        """Look at everything once, and rest for a moment."""
        if self._signals:
            raise Stopped
        now = time.monotonic()
        for child in self.children.values():
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, now)
            elif child.due is not None and now >= child.due:
                self._restart(child)
            elif child.unready_since is not None and child.restarts:
                self._greet(child, now)
            elif child.is_at_work and now - child.looked >= LOOK:
                self._look(child)
        time.sleep(0.2)

    def stop(self, services: Iterable[Service]) -> None:
        """End them together: ask, wait, kill."""
        mine = [child for service in services if (child := self.children.get(service.name))]
        for child in mine:
            child.due = None
        living = [child for child in mine if child.process is not None and child.process.poll() is None]
        began = time.monotonic()
        identities = [child.identity for child in living if child.identity is not None]
        for child in living:
            assert child.process is not None
            child.process.send_signal(child.service.end)
            child.process.send_signal(signal.SIGCONT)  # it may have been stopped
        while any(child.process and child.process.poll() is None for child in living):
            if time.monotonic() - began > GRACE:
                break
            time.sleep(0.1)
        stubborn = {identity for identity in identities if identity.is_alive}
        for child in living:
            how = f"did not end within {GRACE:.0f} s, killed" if child.identity in stubborn else "ended"
            tell(child.service.title, f"{how} ({time.monotonic() - began:.1f} s)")
        # What they started themselves may be in groups and sessions of its own.
        left = [one for child in mine for one in processes.marked(self.token, name=child.service.name)]
        processes.kill([*stubborn, *left])
        self._collect(mine)

    def kill_everything(self) -> None:
        """Kill everything at once."""
        processes.kill(processes.marked(self.token))
        self._collect(self.children.values())

    def states(self) -> tuple[ServiceState, ...]:
        """States of the services, for the state file."""
        return tuple(
            ServiceState(
                child.service.name,
                child.service.title,
                child.identity if child.process is not None else None,
                child.service.health,
                child.restarts,
                str(self.log(child.service)),
            )
            for child in self.children.values()
        )

    def log(self, service: Service) -> Path:
        """Its log file."""
        return self.logs / f"{service.name}.log"

    def _spawn(self, child: Child) -> subprocess.Popen[bytes]:
        service = child.service
        marks = {processes.TOKEN: self.token, processes.NAME: service.name}
        launcher = (sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(service.on_our_death)))
        with open_log(self.log(service), service.title) as log:
            child.process = subprocess.Popen(  # noqa: S603  # our own commands
                [*launcher, *service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**service.environment, **marks},
                # The terminal's Ctrl-C is for this process, which ends the others in order.
                start_new_session=True,
            )
        child.identity = processes.identify(child.process.pid)
        child.due, child.unready_since = None, time.monotonic()
        self._changed(self)
        return child.process

    def _bury(self, child: Child, now: float) -> None:
        assert child.process is not None
        code, child.process = child.process.returncode, None
        child.deaths = child.deaths.another(now)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        title = child.service.title
        if child.service.is_server and child.unready_since is not None and child.restarts == 0:
            # It has never been ready: the fault is in the settings, and starting it again would not mend it.
            raise StartError(f"The {title} could not be started, it {how}:\n{tail(self.log(child.service))}")
        tell(title, f"DIED: it {how}. The last lines of {self.log(child.service).name}:")
        say(tail(self.log(child.service)) or "    | (nothing)")
        if child.deaths.hopeless:
            self._give_up(child)
        else:
            child.due = now + child.deaths.delay
            tell(title, f"starts again in {child.deaths.delay:.0f} s")
        self._changed(self)

    def _give_up(self, child: Child) -> None:
        title = child.service.title
        reason = f"died {LIMIT} times within {WINDOW:.0f} s"
        if child.service.is_server:
            raise ServerLostError(f"The {title} {reason}, so everything is stopped. Its log: {self.log(child.service)}")
        tell(title, f"GIVEN UP: it {reason}. Everything else goes on without it; its log: {self.log(child.service)}")

    def _restart(self, child: Child) -> None:
        if child.service.is_server:
            # MLflow's server proper is a child of what we started, and may still hold the port.
            processes.kill(processes.marked(self.token, name=child.service.name))
        child.restarts += 1
        process = self._spawn(child)
        if not child.service.is_server:
            child.unready_since = None
        tell(child.service.title, f"started again (pid {process.pid}, restart {child.restarts})")

    def _greet(self, child: Child, now: float) -> None:
        assert child.unready_since is not None
        if child.service.health is not None and fault_of(child.service.health) is None:
            tell(child.service.title, f"answers again after {now - child.unready_since:.0f} s")
            child.unready_since = None

    def _look(self, child: Child) -> None:
        """Tell of one that runs but was stopped, or does not answer; a server may be slow once."""
        assert child.process is not None
        health, pid = child.service.health, child.process.pid
        fault = fault_of(health) if health is not None else None
        stopped = processes.stopped(pid) if fault is not None or health is None else []
        child.looked = time.monotonic()
        was_told, child.silent = child.silent > 1, child.silent + 1 if fault or stopped else 0
        if stopped:
            child.silent = max(child.silent, 2)
        if was_told and not child.silent:
            tell(child.service.title, "goes on" if health is None else "answers again")
        elif not was_told and child.silent > 1:
            what = f"DOES NOT ANSWER ({fault}), though it runs" if fault else "STANDS STILL"
            tell(child.service.title, f"{what}: {_advice(pid, stopped)}")

    def _collect(self, children: Iterable[Child]) -> None:
        for child in children:
            if child.process is not None:
                child.process.wait()
                child.process = None
            child.due = None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals == 2:
            raise KilledAtOnce


def _advice(pid: int, stopped: list[int]) -> str:
    if stopped:
        return f"it was stopped; `kill -CONT {' '.join(map(str, stopped))}` lets it go on"
    return f"is the machine busy? `kill -9 {pid}` has it started again"
