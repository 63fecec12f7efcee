"""The class that more data would help most: the one whose recall has grown most when the data last grew, if one has.

Before and after are asked about the same test examples, so gains are differences of each example, or of each group of
them; the luck of seeds is added. Something is said only where the largest gain is above zero and above that of the
other classes, at a level for as many comparisons as there are.

S seeds, n test examples
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError, DigestError
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.specs import Answer, ClassGainReport

LEVEL = 0.05
MIN_UNITS = 5
"""Test examples, or groups, of a class, under which nothing is said of it."""


def gain_of(answers: Sequence[Answer], family: str) -> ClassGainReport | None:
    """What the last size but one and the whole say; None where they say nothing, or the predictions are not here."""
    tables = list[PredictionTable]()
    for answer in answers:
        one = answer.evaluation[family]
        try:
            tables.append(load_table(Path(one.table_path), one.table_digest))
        except (DataError, DigestError):
            return None
    before, after = tables
    # The same examples in the same order; their rows are others, as those that were left out count no row.
    same = not (before.is_resampled or after.is_resampled) and np.array_equal(before.labels, after.labels)
    if not same or before.probabilities is None or after.probabilities is None:
        return None
    hits = [one.probabilities.argmax(-1) == one.labels for one in (before, after) if one.probabilities is not None]
    return class_gain(hits[0], hits[1], after.labels, answers[-1].data.class_names, after.groups)


def class_gain(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    labels: NDArray[np.int64],
    names: Sequence[str],
    groups: NDArray[Any] | None = None,
) -> ClassGainReport | None:
    """The class that has gained most, where that is more than luck.

    Args:
        before: (S, n) which test examples each seed got right at the smaller size.
        after: (S', n) at the larger one.
        labels: (n,) classes of the test examples.
        names: of the classes.
        groups: (n,) of the test examples, or None where they are independent.
    """
    from scipy.stats import norm

    present = np.unique(labels)
    if len(present) < 2:
        return None
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    gained = np.array([after[:, labels == one].mean() - before[:, labels == one].mean() for one in present])
    best = int(gained.argmax())
    own, rest = (labels == present[best]).astype(float), np.zeros(len(labels))
    for one in np.delete(present, best):
        rest[labels == one] = 1 / (labels == one).sum() / (len(present) - 1)
    own /= own.sum()
    if len(np.unique(units[own > 0])) < MIN_UNITS:
        return None
    reach = float(norm.ppf(1 - LEVEL / 2 / len(present)))
    gain, error = _weighted(before, after, own, units)
    gap, error_of_gap = _weighted(before, after, own - rest, units)
    if gain <= reach * error or gap <= reach * error_of_gap:
        return None
    low, high = gain - reach * error, min(1.0, gain + reach * error)
    return ClassGainReport(name=names[present[best]], gain=gain, low=low, high=high, others=gain - gap)


def _weighted(
    before: NDArray[np.bool_], after: NDArray[np.bool_], weights: NDArray[np.float64], units: NDArray[np.int64]
) -> tuple[float, float]:
    """Weighted sum of gains over examples, with its standard error: luck of examples (of whole units) and of seeds."""
    gains = weights * (after.mean(axis=0) - before.mean(axis=0))
    total = float(gains.sum())
    # A unit's share of the sum, less what it would have if all gained alike within their sign of the weight.
    expected = np.zeros(len(weights))
    for side in (weights > 0, weights < 0):
        if side.any():
            expected[side] = weights[side] * gains[side].sum() / weights[side].sum()
    num = units.max() + 1
    sums = np.bincount(units, gains - expected, minlength=num)
    used = len(np.unique(units[weights != 0]))
    of_examples = float(np.square(sums).sum()) * used / max(1, used - 1)
    of_seeds = sum(float((side @ weights).var(ddof=1)) / len(side) for side in (before, after) if len(side) > 1)
    return total, float(np.sqrt(of_examples + of_seeds))
