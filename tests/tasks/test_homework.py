"""The homework is the same to the last bit whoever solves it, and solved however the background process ends."""

import pytest
import torch

from hw3models.errors import SpecError
from hw3models.homework import parts as homework
from hw3models.specs import HomeworkPart
from tasks import background, progress
from tasks.background import Background, resting, solve
from tasks.homework import ask_for_homework, solve_homework, take_solved
from tasks.progress import Listener
from tests.servers import wait_until

QUICK = ("1A", "1B", "3b", "3c", "3d", "3f")
"""Parts of which some draw random numbers, and some have other last bits with another number of threads."""


class Heard(Listener):
    """What is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second in all, instead of six."""
    monkeypatch.setattr(homework, "part_names", lambda: QUICK)


@pytest.fixture(scope="module")
def here() -> dict[str, HomeworkPart]:
    """Solved by this process, whose torch has two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    parts = {name: homework.solve_part(name) for name in QUICK}
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    return parts


@pytest.fixture
def solved_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of parts that this process solves."""
    names: list[str] = []
    real = homework.solve_part

    def solve_part(name: str) -> HomeworkPart:
        names.append(name)
        return real(name)

    monkeypatch.setattr(homework, "solve_part", solve_part)
    return names


@pytest.mark.slow
@pytest.mark.usefixtures("process")
def test_the_process_solves_it_to_the_last_bit_as_the_command_does(
    here: dict[str, HomeworkPart], solved_here: list[str]
) -> None:
    heard = Heard()
    with progress.listening(heard):
        asked = ask_for_homework()
        for part in asked.values():
            part.result(120)
        assert solve_homework.fn(take_solved(asked)) == tuple(here.values())
    assert solved_here == []
    assert heard.said == [homework.announcement(name) for name in QUICK]


@pytest.mark.slow
@pytest.mark.usefixtures("process")
def test_what_is_not_begun_when_it_is_wanted_is_solved_here(
    here: dict[str, HomeworkPart], solved_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "REST", 600)
    with resting() as leave_room:
        # No core is free: the first part is at its turn, and the others stay behind it.
        asked = ask_for_homework()
        wait_until(asked["1A"].running, "the first part has its turn", timeout=20)
        for part in asked.values():
            part.cancel()
        leave_room()
        found = take_solved(asked)
    assert list(found) == ["1A"]
    assert solve_homework.fn(found) == tuple(here.values())
    assert solved_here == list(QUICK[1:])


def test_without_a_process_it_is_solved_here(here: dict[str, HomeworkPart], solved_here: list[str]) -> None:
    asked = ask_for_homework()
    assert asked == {}
    assert solve_homework.fn(take_solved(asked)) == tuple(here.values())
    assert solved_here == list(QUICK)


@pytest.mark.slow
def test_it_is_solved_though_the_process_is_killed(
    here: dict[str, HomeworkPart], solved_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "REST", 600)
    with background.background() as process:
        asked = ask_for_homework()
        asked["1B"].result(120)
        with resting():
            process.process.kill()
            process.process.join()
        found = take_solved(asked)
    assert {"1A", "1B"} <= found.keys()
    assert solve_homework.fn(found) == tuple(here.values())
    assert solved_here == [name for name in QUICK if name not in found]


def test_a_process_that_is_killed_at_once_has_solved_nothing(
    here: dict[str, HomeworkPart], solved_here: list[str]
) -> None:
    with background.background() as process:
        process.process.kill()
        process.process.join()
        found = take_solved(ask_for_homework())
    assert found == {}
    assert solve_homework.fn(found) == tuple(here.values())
    assert solved_here == list(QUICK)


def test_a_part_that_does_not_exist_is_refused(process: Background) -> None:
    with pytest.raises(SpecError, match=r"no part `9z` to solve, only 1A, 1B"):
        process.do(solve, "9z").result(60)
