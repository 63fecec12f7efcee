"""The homework is the same whoever solves it, and solved however the helper ends."""

from collections.abc import Iterator

import pytest
import torch

from hw3models.homework import parts as homework
from hw3models.specs import DataReport, HomeworkPart, TrainReport
from tasks import progress
from tasks.helper import Helper, RefusedError, Solve, helping
from tasks.homework import Ahead, solve_homework, solving_ahead
from tasks.progress import Silence
from tasks.tracking.journal import outbox
from tests.servers import wait_until
from tests.tasks.helper.helped import helped, recorded

solve = solve_homework.fn


class Heard(Silence):
    """What is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


QUICK = ("1A", "1B", "3b", "3c", "3d", "3f")
"""Parts of which some draw random numbers, and some have other last bits with another number of threads."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second in all, instead of six."""
    monkeypatch.setattr(homework, "part_names", lambda: QUICK)


@pytest.fixture(scope="module")
def helper(module_home: None) -> Iterator[Helper]:
    """For tests that leave it alive."""
    with helped() as one:
        yield one


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper that lives between tests is not seen."""
    monkeypatch.setattr("tasks.helper.calling._current", None)


@pytest.fixture(scope="module")
def here() -> dict[str, HomeworkPart]:
    """Solved by this process, whose torch has two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    parts = {name: homework.solve_part(name) for name in QUICK}
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    return parts


def solved_by_helper(ahead: Ahead) -> dict[str, HomeworkPart]:
    wait_until(lambda: len(ahead._solved) == len(homework.part_names()), "all parts are solved", timeout=120)
    return ahead.solved()


def test_the_helper_solves_it_to_the_last_bit_as_the_command_does(
    here: dict[str, HomeworkPart], helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    with progress.listening(heard), solving_ahead() as ahead:
        found = solved_by_helper(ahead)
    monkeypatch.setattr(homework, "solve_part", None)  # nothing is left to be solved here
    assert solve(found) == tuple(here.values())
    assert heard.said == [homework.announcement(name) for name in homework.part_names()]


def test_models_that_are_logged_meanwhile_do_not_change_it(
    here: dict[str, HomeworkPart], helper: Helper, data: DataReport, training: TrainReport
) -> None:
    # Both draw from torch's global random numbers.
    with solving_ahead() as ahead:
        while len(ahead._solved) < len(homework.part_names()):
            recorded(data, training)
            assert outbox().flush(60) == 0
        assert ahead.solved() == here


def test_what_is_not_solved_when_it_is_wanted_is_solved_here(here: dict[str, HomeworkPart], helper: Helper) -> None:
    with solving_ahead() as ahead:
        wait_until(lambda: "1A" in ahead._solved, "the first part is solved", timeout=60)
        found = ahead.solved()
    assert 1 <= len(found) < len(here)
    assert solve(found) == tuple(here.values())


def test_without_a_helper_it_is_solved_here(
    here: dict[str, HomeworkPart], nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.homework.PATIENCE", 0.3)
    with solving_ahead() as ahead:
        wait_until(lambda: not ahead._thread.is_alive(), "nobody waits for a helper for ever", timeout=20)
        found = ahead.solved()
    assert found == {}
    assert solve(found) == tuple(here.values())


def test_it_is_solved_though_the_helper_is_killed(here: dict[str, HomeworkPart], nobody: None) -> None:
    with helped() as helper, solving_ahead() as ahead:
        wait_until(lambda: "1B" in ahead._solved, "it is at a part that takes a while", timeout=60)
        helper.process.kill()
        found = ahead.solved()
    assert list(found) == ["1A", "1B"]
    assert solve(found) == tuple(here.values())


def test_a_helper_that_is_still_starting_is_not_waited_for(nobody: None) -> None:
    with helping(lambda: True), solving_ahead() as ahead:
        assert ahead.solved() == {}


def test_a_block_that_ends_asks_for_no_more(helper: Helper) -> None:
    with solving_ahead() as ahead:
        pass
    before = len(ahead._solved)
    wait_until(lambda: not ahead._thread.is_alive(), "it is done with the part that it was at", timeout=60)
    assert len(ahead._solved) <= before + 1


def test_a_part_that_does_not_exist_is_refused(helper: Helper) -> None:
    with pytest.raises(RefusedError, match=r"no part `9z` to solve, only 1A, 1B"):
        helper.ask(Solve(part="9z")).result(60)
