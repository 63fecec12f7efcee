"""The homework's questions: answered by the background process while networks are trained, or here when wanted."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.homework import parts as homework
from hw3models.specs import HomeworkPart
from tasks import background
from tasks.progress import say


@task(task_run_name="homework", cache_policy=NO_CACHE, persist_result=False)
def solve_homework(solved: Mapping[str, HomeworkPart]) -> tuple[HomeworkPart, ...]:
    """Parts 1A to 1C and 3: what is not among those that are solved is computed now."""
    return tuple(solved[name] if name in solved else _solve_here(name) for name in homework.part_names())


def _solve_here(name: str) -> HomeworkPart:
    say(homework.announcement(name))
    return homework.solve_part(name)


def ask_for_homework() -> dict[str, Future[HomeworkPart]]:
    """Have it solved in the background, where there is such a process, one part after another."""
    process = background.current()
    if process is None:
        return {}
    names = homework.part_names()
    return {name: process.do(background.solve, name, said=homework.announcement(name)) for name in names}


def take_solved(asked: Mapping[str, Future[HomeworkPart]]) -> dict[str, HomeworkPart]:
    """What has been solved, with the part that is being solved; no more is begun."""
    for future in asked.values():
        future.cancel()
    solved = {}
    for name, future in asked.items():
        # What could not be solved there is solved here, which tells why.
        with suppress(Exception):
            solved[name] = future.result(background.PATIENCE)
    return solved
