"""Labels that are numbers to predict, and how classes are told that look like such numbers.

Readers hand over labels as texts and codes; here the numbers are made of them. In place of classes stand then ranges of
numbers with about as many examples each, so that everything that is stratified by class is stratified by them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hw3models.data.raw import Raw
from hw3models.errors import DataError

MOST_RANGES = 10
PER_RANGE = 20
"""Examples for which there is one range more."""
PER_GROUP = 3
"""The same for groups of examples, which stand on one side of a split as a whole."""
FEWEST = 4
"""Examples in a range at least: for train, validation and test."""
MANY = 20
"""Different numbers, above which labels may be measurements."""
MOST_CODES = 100
"""Numbers in a row from 0 or 1, up to which they are codes of classes."""


def with_targets(raw: Raw, where: str) -> Raw:
    """The same examples with the numbers that their labels say, and ranges of these as classes.

    Raises:
        DataError: labels are no numbers, or not finite.
    """
    targets = targets_of(raw, where)
    labels, names = ranges(targets, raw.test, raw.validation, raw.groups)
    num, low, high = len(np.unique(targets)), targets.min(), targets.max()
    told = f"Labels are numbers from {low:.6g} to {high:.6g} ({num:,} different), which are predicted."
    return replace(raw, labels=labels, class_names=names, targets=targets, understood=(*raw.understood, told))


def targets_of(raw: Raw, where: str) -> NDArray[np.float64]:
    """(N,) the numbers that the labels say.

    Raises:
        DataError: labels are no numbers, or not finite.
    """
    distinct = numbers_of(raw.class_names)
    if distinct is None or not np.isfinite(distinct).all():
        bad = [name for name in raw.class_names if (one := numbers_of([name])) is None or not np.isfinite(one[0])]
        told = ", ".join(map(repr, bad[:3])) + (f" and {len(bad) - 3:,} more" if len(bad) > 3 else "")
        raise DataError(
            f"{where}: `task` is regression, and these labels are no numbers: {told}. Leave those series out, name "
            "another label column, or use `--task classification`."
        )
    found: NDArray[np.float64] = distinct[raw.labels]
    return found


def numbers_of(names: Sequence[str]) -> NDArray[np.float64] | None:
    """The numbers that the texts say; None where one says none. A decimal comma is one where no point stands beside."""
    try:
        return np.array([float(name if "." in name else name.replace(",", ".")) for name in names], dtype=np.float64)
    except ValueError:
        return None


def ranges(
    targets: NDArray[np.float64],
    test: NDArray[np.bool_] | None,
    validation: NDArray[np.bool_] | None,
    groups: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """(N,) ranges that the numbers lie in, and how these are called.

    They have about as many examples each, of those that are no given test or validation examples.
    """
    known = np.ones(len(targets), bool)
    for part in (test, validation):
        known &= True if part is None else ~part
    own = targets[known] if known.any() else targets
    num = min(MOST_RANGES, len(own) // PER_RANGE)
    if groups is not None:
        num = min(num, len(np.unique(groups)) // PER_GROUP)
    inner: list[float] = []
    wanted = np.quantile(own, np.arange(1, max(2, num)) / max(2, num), method="inverted_cdf")
    for edge in np.unique(wanted):
        below = own < edge
        between = below.sum() - (own < inner[-1]).sum() if inner else below.sum()
        if min(between, (~below).sum()) >= FEWEST:
            inner.append(float(edge))
    labels = np.searchsorted(inner, targets, side="right").astype(np.int64)
    ends = [float(targets.min()), *inner, float(targets.max())]
    return labels, _names(ends)


def _names(ends: Sequence[float]) -> tuple[str, ...]:
    """`0.5 to 1.2`, with as many digits as it takes that all differ."""
    for digits in (4, 8, 17):
        names = tuple(f"{low:.{digits}g} to {high:.{digits}g}" for low, high in pairwise(ends))
        if len(set(names)) == len(names):
            break
    return names


def look_like_measurements(names: Sequence[str]) -> str:
    """What numbers the classes are, where they may be meant as such: `283 different numbers from 0.5 to 3`; or empty.

    Numbers in a row from 0 or 1 are how classes are coded.
    """
    numbers = numbers_of(names)
    if numbers is None or len(numbers) <= MANY or not np.isfinite(numbers).all():
        return ""
    low, num = numbers.min(), len(numbers)
    if num <= MOST_CODES and low in (0, 1) and np.array_equal(np.sort(numbers), low + np.arange(num)):
        return ""
    return f"{num:,} different numbers from {low:.6g} to {numbers.max():.6g}"
