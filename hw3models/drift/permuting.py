"""P-values by permutation, with as many permutations as it takes (Besag and Clifford 1991)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ENOUGH_CLOSER = 1e-9
"""Sums of shares that differ by less are the same."""
ENOUGH = 500
"""After so many permutations that are as far apart as the real sides, the p-value is known well enough."""


def p_value(reaches: Callable[[int], NDArray[np.bool_]], permutations: int, at_once: int) -> float:
    """How often permuted sides are as far apart as the real ones; `reaches(n)` says it (n,) of n new permutations.

    Late looks have small levels, which take many permutations. Where nothing is found they end early: when the
    `ENOUGH`th has come at permutation l, p is `ENOUGH` / l. As with all of them, p is at most x with a chance of at
    most x, for every x, where the sides are exchangeable.
    """
    found = 0
    for done in range(0, permutations, at_once):
        counts = found + np.cumsum(reaches(min(at_once, permutations - done)))
        found = int(counts[-1])
        if found >= ENOUGH:
            return ENOUGH / (done + 1 + int(np.searchsorted(counts, ENOUGH)))
    return (1 + found) / (1 + permutations)
