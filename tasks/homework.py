"""The homework's questions: answered by the helper while networks are trained, or here when they are wanted."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.homework import parts as homework
from hw3models.specs import HomeworkPart
from tasks.helper import Helper, HelperGoneError, RefusedError, Solve, coming, current
from tasks.progress import say
from tasks.reporting import draw_ahead

PATIENCE = 10.0
"""Seconds for a helper to be started, if there is to be one."""


@task(task_run_name="homework", cache_policy=NO_CACHE, persist_result=False)
def solve_homework(solved: Mapping[str, HomeworkPart]) -> tuple[HomeworkPart, ...]:
    """Parts 1A to 1C and 3: what is not among those that are solved is computed now."""
    return tuple(solved[name] if name in solved else _solve_here(name) for name in homework.part_names())


def _solve_here(name: str) -> HomeworkPart:
    say(homework.announcement(name))
    part = homework.solve_part(name)
    draw_ahead(part)
    return part


class Ahead:
    """Has the helper solve one part after another until they are wanted."""

    def __init__(self) -> None:
        self._solved: dict[str, HomeworkPart] = {}
        self._is_wanted = threading.Event()
        self._thread = threading.Thread(target=self._work, name="homework", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask for no more."""
        self._is_wanted.set()

    def solved(self) -> dict[str, HomeworkPart]:
        """What has been solved, with the part that the helper is at; no more is asked for."""
        self.stop()
        if current() is not None:
            # Seconds, while nothing is trained. One that is still starting has not begun.
            self._thread.join()
        return dict(self._solved)

    def _work(self) -> None:
        helper = self._helper()
        if helper is None:
            return
        # What it cannot do is done here, which tells why.
        with suppress(HelperGoneError, RefusedError):
            for name in homework.part_names():
                if self._is_wanted.is_set():
                    return
                say(homework.announcement(name))
                part = helper.ask(Solve(part=name)).result().solved
                assert part is not None
                self._solved[name] = part
                draw_ahead(part)

    def _helper(self) -> Helper | None:
        for _ in range(round(PATIENCE / 0.1)):
            helper = current() or coming()
            if helper is not None or self._is_wanted.wait(0.1):
                return helper
        return None


@contextmanager
def solving_ahead() -> Iterator[Ahead]:
    """Have the homework solved while the block lasts."""
    ahead = Ahead()
    try:
        yield ahead
    finally:
        ahead.stop()
