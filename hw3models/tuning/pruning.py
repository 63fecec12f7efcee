"""What a trial must have reached to go on: the median of the finished ones (Golovin et al. 2017, "Google Vizier").

The same rule as Optuna's `MedianPruner`, written as numbers that travel with the trial: whoever trains it, here or on
a pool, needs nothing else to decide, and the same trial ends the same way everywhere.
"""

import math
from collections.abc import Sequence
from statistics import median

from hw3models.specs import Goal, TrialReport

RUNGS = 8
"""A trial is looked at so many times in each fold."""
START = 4
"""Finished trials before any is pruned."""


def rung_epochs(num_epochs: int) -> tuple[int, ...]:
    """The epochs of a fold after which a trial is looked at; the last is one of them."""
    return tuple(sorted({math.ceil(num_epochs * i / RUNGS) for i in range(1, RUNGS + 1)}))


def bars_for(finished: Sequence[TrialReport], folds: int) -> tuple[float | None, ...]:
    """Per rung the median of the finished trials; None where none is pruned.

    Not in the first half of the first fold, where a high learning rate looks worse than it is, nor at the end.
    """
    if len(finished) < START:
        return ()
    num = max(len(trial.rungs) for trial in finished)
    warm_up = num // folds // 2
    return tuple(
        None if rung < warm_up or rung == num - 1 else median(t.rungs[rung] for t in finished if len(t.rungs) > rung)
        for rung in range(num)
    )


def falls_short(rungs: Sequence[float], bars: Sequence[float | None], goal: Goal) -> bool:
    """Is the best that a trial has reached so far worse than the bar of its last rung?"""
    rung = len(rungs) - 1
    bar = bars[rung] if 0 <= rung < len(bars) else None
    if bar is None:
        return False
    return min(rungs) > bar if goal == "loss" else max(rungs) < bar
