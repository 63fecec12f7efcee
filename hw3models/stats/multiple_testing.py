"""Many comparisons: all pairs of families judged together, and Holm's correction for tests without a common source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]
LEVEL = 0.05
"""Chance of one or more false alarms among all pairs, at most."""
_DRAWS = 20_000
_SEED = 20_261_127


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which hypotheses are rejected, by the step-down procedure of Holm (1979).

    The smallest p of m is compared with level / m, the next with level / (m - 1), ...; the first that fails ends it.
    """
    return [p <= own for p, own in zip(p_values, holm_levels(p_values, level), strict=True)]


def holm_levels(p_values: Sequence[float], level: float = LEVEL) -> list[float]:
    """The level that each hypothesis is tested at by that procedure; negative behind the first that fails."""
    levels, failed = [-1.0] * len(p_values), False
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if not failed:
            levels[index] = level / (len(p_values) - step)
            failed = p_values[index] > levels[index]
    return levels


@dataclass(frozen=True)
class Step:
    """How one of many hypotheses was judged."""

    rejected: bool
    level: float
    """The level that it alone was tested at, two-sided: a 1 - level interval excludes zero where it was rejected, and
    holds it where it was not."""


def step_down(
    p_values: Sequence[float], pairs: Sequence[tuple[int, int]], covariance: Array, level: float = LEVEL
) -> list[Step]:
    """Judge all pairs of k families together, by the step-down maxT procedure (Romano and Wolf 2005, Algorithm 2.1).

    Pairs share families, and all families share test examples: so their errors are correlated, and less of the level
    is lost than by Holm's correction. The p of each pair is compared with the `level` quantile of the smallest p of all
    pairs that are left, were none of them different; p are made from jointly normal errors there, with the
    `covariance` (k, k) of the families' errors. Rejected pairs leave, and the rest is judged anew.

    Returns:
        For each pair whether it was rejected, and the level of the step that decided it.
    """
    found = [Step(False, level)] * len(pairs)
    if len(pairs) < 2:
        return [Step(bool(p <= level), level) for p in p_values]
    smallest = _smallest(pairs, covariance)
    left = list(range(len(pairs)))
    while left:
        # Where nothing varies all p are 1, and so would be their quantile.
        critical = min(level, float(np.quantile(smallest[:, left].min(axis=1), level)))
        rejected = [index for index in left if p_values[index] <= critical]
        for index in rejected or left:
            found[index] = Step(bool(rejected), critical)
        left = [index for index in left if index not in rejected] if rejected else []
    return found


def _smallest(pairs: Sequence[tuple[int, int]], covariance: Array) -> Array:
    """Two-sided p of each pair where no family differs, (draws, pairs)."""
    values, vectors = np.linalg.eigh(covariance)
    errors = _normal(len(covariance)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    first, second = np.array(pairs).T
    differences = errors[:, first] - errors[:, second]
    spread = differences.std(axis=0)
    return np.asarray(2 * ndtr(-np.abs(differences) / np.where(spread > 0, spread, np.inf)))


@lru_cache(maxsize=8)
def _normal(num: int) -> Array:
    """Standard normal values, always the same."""
    return np.random.default_rng(_SEED).standard_normal((_DRAWS, num))
