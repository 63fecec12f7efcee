"""`hw3 run`'s flow: all studies and the homework in one report, each of which may be missing."""

from pathlib import Path

import pytest

from flows.hw3 import hw3
from hw3models.errors import SpecError
from hw3models.homework import parts as homework
from hw3models.specs import HomeworkPart, Hw3Spec

pytestmark = pytest.mark.usefixtures("prefect", "store")

SPEC = Hw3Spec(images="digits", regimes=("locked",), num_train=80, num_test=60, seeds=2, epochs=1)


@pytest.mark.slow
def test_homework_that_cannot_be_solved_is_missing_and_the_same_command_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> HomeworkPart:
        raise SpecError(f"{name} is broken.")

    monkeypatch.setattr(homework, "part_names", lambda: ("1A", "3d"))
    with monkeypatch.context() as patch:
        patch.setattr(homework, "solve_part", broken)
        without = hw3(SPEC)
    assert without.homework == ()
    assert "the homework could not be answered: 1A is broken." in without.warnings

    run = hw3(SPEC)
    assert [(answer.kind, answer.data.name) for answer in run.answers] == [
        ("images", "digits"), ("autoencoder", "digits"), ("sequences", "locked"),
    ]  # fmt: skip
    assert all("train mlp" in answer.cached for answer in run.answers if "mlp" in answer.training)
    assert [part.part for part in run.homework] == ["1A", "3d"]
    assert not any("homework" in warning for warning in run.warnings)
    assert run.report is not None
    assert "What does Dropout do" in Path(run.report).read_text()
