import io
from pathlib import Path

import pytest
from rich.console import Console

from flows.local.display import LiveDisplay, PlainDisplay, display
from flows.studies import estimates
from flows.studies.estimates import Estimate, about
from hw3models.data.dataset import describe, save
from hw3models.engine.fit import EpochReport
from hw3models.families import find_family
from hw3models.specs import DataReport, TrainSpec
from tasks import progress
from tests.tiny import tiny_dataset

TRAINING = progress.Training("gru on order", 3)


def epoch(number: int, seeds: tuple[int, ...]) -> EpochReport:
    loss = (0.5,) * len(seeds)
    return EpochReport(number, 10, seeds, (True,) * len(seeds), loss, loss, (0.75,) * len(seeds), 0.1)


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    shown = display()
    assert isinstance(shown, PlainDisplay)
    with shown, progress.listening(shown):
        progress.say("digits: 1,213 training examples")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("s] digits: 1,213 training examples\n")


def test_epochs_are_told_with_loss_and_accuracy_but_not_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.listening(PlainDisplay(interval=0.0)):
        progress.observer(TRAINING)(epoch(4, (0, 1, 2)))
    assert "gru on order (3 seeds): epoch 4/10, loss 0.5, validation accuracy 75.0%" in capsys.readouterr().err
    with progress.listening(PlainDisplay(interval=1000.0)):
        for number in range(1, 11):
            progress.observer(TRAINING)(epoch(number, (0,)))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seeds", "told"), [((1,), "of seed 1"), ((0, 2), "of seeds 0, 2")])
def test_an_epoch_of_some_of_the_seeds_names_them(
    seeds: tuple[int, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.listening(PlainDisplay(interval=0.0)):
        progress.observer(TRAINING)(epoch(4, seeds))
    assert f"gru on order ({told}): epoch 4/10" in capsys.readouterr().err


def test_nobody_listens_after_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.listening(PlainDisplay()):
        pass
    progress.say("unheard")
    progress.end(TRAINING)
    assert capsys.readouterr().err == ""


PLAN = {"mlp on order": 10.0, "gru on order": 30.0}


def test_a_total_is_told_before_anything_is_trained_and_what_is_left_with_each_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress.listening(PlainDisplay(interval=0.0)):
        progress.plan(PLAN)
        progress.begin("gru on order")
        progress.observer(TRAINING)(epoch(5, (0, 1, 2)))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("2 families to train: about 40 s, as a first guess")
    assert lines[1].endswith("validation accuracy 75.0%; about 10 s left"), "the other family is as it was guessed"


def test_what_is_left_follows_what_the_first_family_really_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(estimates.time, "monotonic", lambda: clock[0])
    estimate = Estimate()
    assert estimate.left() is None
    estimate.plan(PLAN)
    assert estimate.left() == 40.0
    estimate.begin("mlp on order")
    clock[0] += 20.0
    estimate.finish("mlp on order")
    assert estimate.left() == 60.0, "everything takes twice as long here"
    estimate.begin("gru on order")
    clock[0] += 30.0
    estimate.move("gru on order", 0.25)
    assert estimate.left() == 90.0, "a quarter took 30 s"
    estimate.finish("gru on order")
    assert estimate.left() is None


def test_the_first_epoch_alone_does_not_say_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(estimates.time, "monotonic", lambda: clock[0])
    estimate = Estimate()
    estimate.plan({"gru on order": 30.0})
    estimate.begin("gru on order")
    clock[0] += 5.0  # to build and prove the stack
    estimate.move("gru on order", 0.001)
    left = estimate.left()
    assert left is not None
    assert 70 < left < 90, "not 5,000 s, and more than the guess"


def test_one_of_three_seeds_that_are_trained_one_by_one_is_a_third(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr(estimates.time, "monotonic", lambda: clock[0])
    with progress.listening(PlainDisplay(interval=0.0)):
        progress.plan({"gru on order": 30.0})
        progress.begin("gru on order")
        for seed in (0, 1):
            clock[0] += 100.0
            progress.observer(TRAINING)(epoch(10, (seed,)))
        clock[0] += 10.0
        progress.observer(TRAINING)(epoch(1, (2,)))
    told = [line.rpartition("; ")[2] for line in capsys.readouterr().err.splitlines()[1:]]
    assert told == ["about 3 min left", "about 2 min left", "about 2 min left"], "the last one is not at its beginning"


def test_a_guess_is_near_what_trainings_of_the_table_of_results_took() -> None:
    data = DataReport.model_construct(kind="sequences", num_train=1350, shape=(50, 8))
    for name, took in (("mlp", 2.5), ("cnn", 23), ("lstm", 9), ("gru", 8.5)):
        spec = TrainSpec(family=name, seeds=(0, 1, 2, 3, 4), recipe=find_family("sequences", name).recipe)  # type: ignore[union-attr]
        assert took / 3 < estimates._guessed(spec, data) < took * 3, name


def test_what_takes_long_is_timed_rather_than_guessed(tmp_path: Path) -> None:
    dataset = tiny_dataset("sequences")
    save(dataset, tmp_path / "data.npz")
    report = describe(dataset, tmp_path / "data.npz")
    recipe = find_family("sequences", "mlp").recipe  # type: ignore[union-attr]
    spec = TrainSpec(family="mlp", seeds=(0, 1), recipe=recipe.model_copy(update={"epochs": 100_000}))
    quick = spec.model_copy(update={"recipe": recipe.model_copy(update={"epochs": 10, "min_examples": 0})})
    assert estimates.guess(quick, report) < estimates.MEASURED_FROM
    timed = [estimates.guess(spec, report) for _ in range(3)]
    assert len(set(timed)) == 3, "three measurements, not one formula"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "about a second"), (7.4, "about 7 s"), (42, "about 40 s"), (200, "about 3 min"), (9000, "about 2.5 h")],
)
def test_an_estimate_has_no_more_digits_than_are_known(seconds: float, told: str) -> None:
    assert about(seconds) == told


def test_long_trainings_are_told_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    for module in ("flows.local.display.time", "flows.studies.estimates.time"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: clock[0])
    monkeypatch.setattr("flows.local.display.elapsed", lambda: clock[0])
    with progress.listening(PlainDisplay()):
        for number in range(1, 7201):
            clock[0] += 1.0
            progress.observer(TRAINING)(epoch(number, (0, 1, 2)))
    assert len(capsys.readouterr().err.splitlines()) <= 70, "two hours in a page or two"


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_has_a_bar_a_family_and_one_line_each_when_it_has_ended(width: int) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=width, color_system=None)
    shown = LiveDisplay(console)
    with shown, progress.listening(shown):
        progress.plan(PLAN)
        for label in PLAN:
            progress.begin(label)
            for number in range(1, 11):
                progress.observer(progress.Training(label, 3))(epoch(number, (0, 1, 2)))
            progress.say(f"{label}: accuracy 75.0%")
            progress.finish(label)
    lines = [line.rstrip() for line in written.getvalue().replace("\x1b[2K", "").splitlines()]
    kept = [line for line in lines if ": accuracy" in line or "to train" in line]
    assert len(kept) == 3
    assert all(len(line) <= width for line in kept)
