"""How small a difference this design could show, and what more seeds or more test examples would change.

A difference is found by a two-sided t test whose variance has three parts (`hw3models.stats.intervals`). Seeds shrink
only what varies over seeds; below the part that belongs to the test examples no number of seeds gets. Power is that of
the noncentral t distribution (Cohen 1988, ch. 2). The variance was measured with few degrees of freedom, as a rule too
small; it is corrected so that half of all advice errs to either side (`unbiased`).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit

from hw3models.stats.intervals import Estimate, VarianceComponents

POWER = 0.8
"""Chance to find a difference of the size that is called detectable."""
_POINTS = 256
_STEP = 1.25
"""Numbers of examples are advised in these steps."""
_MOST_STEPS = 42
"""More than 10,000 times the examples are no advice."""
MANY = 1000
"""More seeds than this are no advice."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a comparison of two families could have shown."""

    detectable: float
    """The smallest true difference that is found with 80% power, in the metric's own unit."""
    detectable_with_many_seeds: float
    """The same with 1,000 seeds: what this test split allows."""
    seeds_for_margin: int | None
    """Seeds with which a difference of the margin is found with 80% power; None: no number of them."""
    examples_factor: float | None
    """Where no number of seeds helps: how many times the test examples it takes."""


def advise(found: Estimate, *, margin: float, level: float, has_seeds: bool) -> Power | None:
    """Advice on a difference.

    Args:
        found: the difference, with the parts of its variance.
        margin: the difference that matters, in the metric's own unit.
        level: of the two-sided test: 0.05, less where many pairs are tested together.
        has_seeds: False where both families are the same with every seed.

    Returns:
        None where nothing is known about the variance.
    """
    if found.parts is None or found.variance == 0:
        return None
    caution = unbiased(found).variance / found.variance
    here = caution**0.5 * smallest_detectable(found, level=level)
    many = caution**0.5 * smallest_detectable(_with_seeds(found, MANY), level=level)
    margin /= caution**0.5
    if not has_seeds:
        many = here
    reachable = many <= margin * caution**0.5
    seeds = (_fewest_seeds(found, margin, level) if has_seeds else 1) if reachable else None
    return Power(
        detectable=here,
        detectable_with_many_seeds=min(here, many),
        seeds_for_margin=seeds,
        examples_factor=None if seeds else _examples_factor(_with_seeds(found, MANY), margin, level),
    )


def unbiased(found: Estimate) -> Estimate:
    """Make the variance too large as often as too small: the measured one follows a scaled chi-square
    distribution, whose median lies below its mean.
    """
    if math.isinf(found.df):
        return found
    factor = found.df / float(_chi2_quantile(0.5, found.df))
    return Estimate(found.value, factor * found.variance, found.df, found.parts)


def power_of(difference: float, found: Estimate, *, level: float = 0.05) -> float:
    """Chance that a two-sided t test at `level` finds a true `difference`."""
    critical = _t_quantile(1 - level / 2, found.df)
    shift = abs(difference) / math.sqrt(found.variance)
    spread = _spread(found.df)
    return float((ndtr(shift - critical * spread) + ndtr(-critical * spread - shift)).mean())


@lru_cache(maxsize=256)
def _spread(df: float) -> NDArray[np.float64]:
    """Midpoint quantiles of the estimated standard deviation, as a share of the true one: the noncentral t
    distribution is a mixture over them. (scipy's `nct` gives NaN far from its centre.)
    """
    if math.isinf(df):
        return np.ones(1)
    quantiles = (np.arange(_POINTS) + 0.5) / _POINTS
    return np.sqrt(_chi2_quantile(quantiles, df) / df)


# As `scipy.stats` computes them, without its handling of arguments, which takes ten times as long.


def _chi2_quantile(p: float | NDArray[np.float64], df: float) -> NDArray[np.float64]:
    return np.asarray(2 * gammaincinv(df / 2, p))


def _t_quantile(p: float, df: float) -> float:
    return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))


def smallest_detectable(found: Estimate, *, level: float = 0.05, power: float = POWER) -> float:
    """The true difference that is found with `power`."""
    if found.variance == 0:
        return 0.0
    unit = math.sqrt(found.variance)
    # The sum of both quantiles is where the root is for many degrees of freedom, and below it for few.
    guess = _t_quantile(1 - level / 2, found.df) + _t_quantile(power, found.df)
    return unit * float(brentq(lambda shift: power_of(shift * unit, found, level=level) - power, 1e-6, 3 * guess))


def _with_seeds(found: Estimate, num: int) -> Estimate:
    assert found.parts is not None
    return found.parts.with_seeds(num).estimate(found.value)


def _fewest_seeds(found: Estimate, margin: float, level: float) -> int:
    """Bisect for the fewest seeds that are enough: more of them never make it worse."""
    low, high = 1, MANY
    while high - low > 1:
        middle = (low + high) // 2
        if smallest_detectable(_with_seeds(found, middle), level=level) <= margin:
            high = middle
        else:
            low = middle
    return high


def _examples_factor(found: Estimate, margin: float, level: float) -> float | None:
    parts = found.parts
    if not isinstance(parts, VarianceComponents):
        # More examples would change the training of resampled splits as well: nothing here says by how much.
        return None
    low, high = -1, _MOST_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        if smallest_detectable(parts.with_examples(_STEP**middle).estimate(found.value), level=level) <= margin:
            high = middle
        else:
            low = middle
    return _STEP**high if high < _MOST_STEPS else None
