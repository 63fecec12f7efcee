"""Looking several times at a growing study without crying wolf more often: the level is spent in information.

The estimate of a difference at look k rests on the seeds of all looks before it, so its information I_k = 1 / variance
only grows, and the statistics of all looks are jointly normal with correlation sqrt(I_j / I_k) (Jennison and Turnbull
2000, ch. 11: any sequence of efficient estimates). That the looks share their test examples changes how much
information a look adds, not this. After a share t of the final information

    alpha(t) = 4 - 4 Phi(z / sqrt(t)), z the quantile that a quarter of the level lies above,

may have been spent (Lan and DeMets 1983, the function that imitates O'Brien and Fleming's boundary): hardly anything
early, nearly the whole level at the end. Boundaries come from the recursion of Armitage, McPherson and Rowe (1969).
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
_POINTS = 301
_LEAST_STEP = 1e-3
"""A look that adds less than this share of the information is none."""


def plan(seeds: int, max_seeds: int) -> tuple[int, ...]:
    """Seeds per family at each look, the last of them `max_seeds`: doubled from one to the next."""
    looks = [seeds]
    while looks[-1] < max_seeds:
        looks.append(min(2 * looks[-1], max_seeds))
    return tuple(looks)


def spent(share: float, level: float) -> float:
    """What may have been spent of the two-sided `level` when a `share` of the information is there."""
    return float(4 * ndtr(ndtri(level / 4) / math.sqrt(min(share, 1.0)))) if share > 0 else 0.0


def nominal_levels(shares: Sequence[float], level: float) -> tuple[float, ...]:
    """The two-sided level that each look tests at, given the shares of information (rising, at most 1)."""
    return _nominal(tuple(round(share, 3) for share in shares), level)


def overall_p(p_value: float, shares: Sequence[float], look: int) -> float:
    """The overall level at which look number `look` (from 0) would just stop, having seen `p_value`."""
    if p_value >= 1:
        return 1.0
    if p_value <= 0:
        return 0.0

    def excess(log_level: float) -> float:
        return math.log(max(nominal_levels(shares[: look + 1], math.exp(log_level))[look], 1e-300) / p_value)

    least, most = math.log(max(p_value, 1e-12)) - 3, math.log(0.999)
    if excess(most) < 0:
        return 1.0
    return math.exp(brentq(excess, least, most, xtol=1e-3)) if excess(least) < 0 else math.exp(least)


@lru_cache(maxsize=4096)
def _nominal(shares: tuple[float, ...], level: float) -> tuple[float, ...]:
    levels: list[float] = []
    before, used = 0.0, 0.0
    scores, density = np.zeros(1), np.ones(1)
    for share in shares:
        step = share - before
        if step < _LEAST_STEP:
            levels.append(0.0)
            continue
        allowed = spent(share, level) - used
        bound = _bound(scores, density, step, allowed)
        levels.append(float(2 * ndtr(-bound / math.sqrt(share))))
        scores, density = _continued(scores, density, step, bound)
        before, used = share, used + allowed
    return tuple(levels)


def _bound(scores: Array, density: Array, step: float, allowed: float) -> float:
    """The score that is exceeded, to either side, with probability `allowed` after one more `step` of information."""
    deviation = math.sqrt(step)

    def excess(bound: float) -> float:
        beyond = ndtr((scores - bound) / deviation) + ndtr((-scores - bound) / deviation)
        return float(beyond @ density) - allowed

    most = float(np.abs(scores).max()) + 12 * deviation
    return float(brentq(excess, 0.0, most)) if excess(most) < 0 else most


def _continued(scores: Array, density: Array, step: float, bound: float) -> tuple[Array, Array]:
    """Scores within the bound, and their probability (density times width)."""
    grid = np.linspace(-bound, bound, _POINTS)
    width = np.full(_POINTS, grid[1] - grid[0])
    width[[0, -1]] /= 2
    apart = (grid[:, None] - scores) / math.sqrt(step)
    there = np.exp(-(apart**2) / 2) / math.sqrt(2 * math.pi * step)
    return grid, (there @ density) * width
