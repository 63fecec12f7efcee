"""A second process of `hw3 run`, of low priority: it draws figures and solves the homework while networks are trained.

Whatever it is asked for the command can do itself, and does when the process was killed (docs/decisions/0015).
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.processes import holding_interrupts
from tasks.progress import say

if TYPE_CHECKING:
    from hw3models.report import KeptDrawing
    from hw3models.specs import Answer, HomeworkPart, RunReport

NICENESS = 10
"""Niceness: of a core that both want the command gets nine tenths."""
REST = 10.0
"""Seconds for which nothing is begun beside a training that keeps all cores busy."""
PATIENCE = 30.0
"""Seconds after which the command does itself what it waits for."""

_R = TypeVar("_R")
_current: "Background | None" = None


class Background:
    """The process. It does one thing after another, and begins each when a core is free."""

    def __init__(self) -> None:
        self.core_is_free = threading.Event()
        self.core_is_free.set()
        self._lane = ThreadPoolExecutor(1, "background")
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)
        others = set(multiprocessing.active_children())
        # Ctrl-C goes to every process of the terminal; what is blocked here when a process starts is blocked there.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._pool.submit(os.getpid)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        (self.process,) = set(multiprocessing.active_children()) - others

    def do(self, function: Callable[..., _R], *arguments: Any, said: str = "") -> Future[_R]:
        """Have it done, in its turn, with `said` told when it begins. The future raises what the function does, or
        `BrokenProcessPool`.
        """

        def wait_and_do() -> _R:
            self.core_is_free.wait(REST)
            future = self._pool.submit(function, *arguments)
            if said:
                say(said)
            return future.result()

        return self._lane.submit(wait_and_do)

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.core_is_free.set()
        self._lane.shutdown(cancel_futures=True)
        self._pool.shutdown()


@contextmanager
def background() -> Iterator[Background]:
    """Have the process while the block lasts."""
    global _current
    with holding_interrupts():
        _current = started = Background()
    try:
        yield started
    finally:
        _current = None
        started.close()


def current() -> Background | None:
    """This command's, where it has one."""
    return _current


@contextmanager
def resting() -> Iterator[Callable[[], None]]:
    """Have nothing begun while the block lasts, or for `REST` seconds, or until what is yielded is called.

    What keeps all cores busy takes longer when another process works beside it; what leaves one free does not.
    """
    is_free = _current.core_is_free if _current is not None else threading.Event()
    is_free.clear()
    try:
        yield is_free.set
    finally:
        is_free.set()


# ------------------------------------------------------------------------------------- in the process


def _begin() -> None:
    # Linux shares cores between sessions first: within the command's this one would have next to nothing beside others.
    os.setsid()
    os.nice(NICENESS)
    # Its sums have the bits that the command's have: one thread in both.
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    # What goes wrong is raised; what libraries say to nobody in particular would spoil the display.
    for output in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@lru_cache(maxsize=1)
def _kept() -> "KeptDrawing":
    from hw3models.report import KeptDrawing

    return KeptDrawing()


def draw(what: "Answer | HomeworkPart") -> None:
    """Draw what the page shows of it, and keep that for `write`."""
    _kept().of(what)


def solve(name: str) -> "HomeworkPart":
    """Solve a part of the homework, and draw it."""
    from hw3models.homework.parts import solve_part

    part = solve_part(name)
    draw(part)
    return part


def write(run: "RunReport", page: Path) -> None:
    """Write the page, with what is drawn already."""
    from hw3models.report import write_report

    write_report(run, page, _kept())
