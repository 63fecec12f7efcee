import pytest

from flows.local.display import PlainDisplay, display
from hw3models.engine.fit import EpochReport
from tasks import progress

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
