"""What is kept of each replicate, when it stops, and when it has failed: followed by hand, epoch by epoch."""

import math
from collections.abc import Sequence

import pytest
import torch

from hw3models.engine.early_stopping import Selection
from hw3models.specs import Recipe


def follow(
    selection: Selection, losses: Sequence[Sequence[float]], train: Sequence[Sequence[float]] | None = None
) -> None:
    """Epoch after epoch from 1; the parameter of each replicate is the number of the epoch."""
    for epoch, row in enumerate(losses, 1):
        states = [{"w": torch.full((2,), float(epoch))} for _ in row]
        watched = row if train is None else train[epoch - 1]
        selection.update(epoch, watched, None if train is None else row, states, last=epoch == len(losses))


def kept(selection: Selection) -> dict[int, tuple[float, float]]:
    """Seed -> the epoch that was kept, and its loss."""
    return {seed: (float(state["w"][0]), loss) for seed, (state, loss) in selection.results().items()}


def test_the_best_epoch_of_each_replicate_is_kept() -> None:
    selection = Selection((4, 9), Recipe(select="best", patience=None))
    follow(selection, [(3.0, 1.0), (1.0, 2.0), (2.0, 3.0)])
    assert kept(selection) == {4: (2, 1.0), 9: (1, 1.0)}
    assert selection.running == [True, True]


def test_of_equal_epochs_the_first_is_kept() -> None:
    selection = Selection((0,), Recipe(select="best", patience=None))
    follow(selection, [(1.0,), (1.0,)])
    assert kept(selection) == {0: (1, 1.0)}


def test_with_select_last_the_last_epoch_is_kept_whatever_its_loss() -> None:
    selection = Selection((0, 1), Recipe(select="last", patience=None))
    follow(selection, [(1.0, 5.0), (2.0, 4.0), (3.0, 6.0)])
    assert kept(selection) == {0: (3, 3.0), 1: (3, 6.0)}


def test_a_replicate_stops_when_its_patience_is_over_and_nothing_after_that_counts() -> None:
    selection = Selection((0, 1), Recipe(select="best", patience=2))
    follow(selection, [(2.0, 5.0), (3.0, 4.0), (3.0, 3.0), (0.1, 2.0)])
    assert selection.running == [False, True]
    assert kept(selection) == {0: (1, 2.0), 1: (4, 2.0)}


def test_a_better_epoch_starts_the_patience_anew() -> None:
    selection = Selection((0,), Recipe(select="best", patience=2))
    follow(selection, [(3.0,), (4.0,), (2.0,), (4.0,)])
    assert selection.running == [True]
    assert kept(selection) == {0: (3, 2.0)}


def test_validation_is_watched_where_there_is_one() -> None:
    selection = Selection((0,), Recipe(select="best", patience=None))
    follow(selection, [(1.0,), (2.0,)], train=[(9.0,), (0.1,)])
    assert kept(selection) == {0: (1, 1.0)}


@pytest.mark.parametrize("select", ["best", "last"])
def test_a_replicate_whose_loss_is_not_finite_has_failed_and_the_others_go_on(select: str) -> None:
    selection = Selection((5, 6), Recipe.model_validate({"select": select, "patience": None}))
    follow(selection, [(1.0, 2.0), (math.nan, 1.0), (0.5, 0.5)])
    assert kept(selection) == {6: (3, 0.5)}
    [failure] = selection.failures
    assert (failure.seed, failure.epoch) == (5, 2)
    assert failure.reason.startswith("the loss of seed 5 became nan in epoch 2. Try a lower `learning_rate`")


def test_a_training_loss_that_is_not_finite_fails_as_well_although_validation_is() -> None:
    selection = Selection((0,), Recipe(select="best", patience=None))
    follow(selection, [(1.0,), (1.0,)], train=[(1.0,), (math.inf,)])
    assert selection.results() == {}
    assert "became inf in epoch 2" in selection.failures[0].reason


def test_what_is_kept_is_a_copy() -> None:
    selection = Selection((0,), Recipe(select="best", patience=None))
    live = torch.ones(2)
    selection.update(1, (1.0,), None, [{"w": live}], last=False)
    live += 7
    assert kept(selection) == {0: (1, 1.0)}


def test_a_restored_selection_goes_on_as_the_one_that_was_saved() -> None:
    recipe = Recipe(select="best", patience=3)
    losses = [(3.0, 9.0, 1.0), (4.0, math.nan, 2.0), (2.0, 9.0, 3.0), (5.0, 9.0, 4.0)]
    whole, first, second = (Selection((0, 1, 2), recipe) for _ in range(3))
    follow(whole, losses)
    follow(first, losses[:2])
    second.restore(*first.saved())
    for epoch, row in enumerate(losses[2:], 3):
        second.update(epoch, row, None, [{"w": torch.full((2,), float(epoch))}] * 3, last=epoch == 4)
    assert kept(second) == kept(whole) == {0: (3, 2.0), 2: (1, 1.0)}
    assert second.running == whole.running == [True, False, False]
    assert second.failures == whole.failures
