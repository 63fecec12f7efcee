"""How sure a score is, when seeds are crossed with test examples.

A score is a mean over S seeds of a metric over n examples. Both would be others next time: seeds differ by
luck of initialisation and order, examples by luck of the draw. Two-way random effects (Searle, Casella and
McCulloch 1992, section 4.3): the variance of the mean is

    V_seeds + V_examples - V_error,

V_seeds  = variance of the per-seed scores / S           (holds seed effect + error),
V_examples = variance of the per-example means / n       (holds example effect + error),
V_error  = interaction mean square / (S n)               (counted twice above),

with Satterthwaite's (1946) degrees of freedom. Metrics that are no means over examples enter through their
influence values (infinitesimal jackknife, Efron 1982, section 6.6): one number per seed and example whose
mean over the examples is the metric and whose variance / n is its sampling variance.

    S = seeds, n = test examples
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
"""Influence values (S, n)."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference of means, with its standard error and degrees of freedom."""

    mean: float
    standard_error: float
    degrees: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided t interval."""
        half = self.standard_error * float(stats.t.ppf(0.5 + level / 2, self.degrees)) if self.standard_error else 0.0
        return self.mean - half, self.mean + half

    def p_value(self) -> float:
        """Two-sided, against zero."""
        if self.standard_error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.mean) / self.standard_error, self.degrees))


@dataclass(frozen=True)
class _Parts:
    """Variance parts of one family's mean, each with its degrees of freedom."""

    seeds: float
    error: float
    num_seeds: int
    num_examples: int


def estimate_mean(values: Values) -> Estimate:
    """The mean over seeds and examples. With one seed the interval knows the examples' luck only."""
    parts, columns = _parts(values), values.mean(0)
    return _estimate(float(columns.mean()), [parts], _variance_of_mean(columns))


def estimate_difference(a: Values, b: Values) -> Estimate:
    """Mean of `a` minus mean of `b`: the examples are the same (paired), the seeds are not.

    `a` and `b` may have different numbers of seeds; a family with one seed is taken as deterministic.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"examples must be paired: got {a.shape[1]} and {b.shape[1]}")
    columns = a.mean(0) - b.mean(0)
    return _estimate(float(columns.mean()), [_parts(a), _parts(b)], _variance_of_mean(columns))


def exact_extreme(successes_all: bool, num: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's (1934) interval when all (or none) of `num` trials succeed.

    There the estimated variance is zero, which would claim certainty: 40 right of 40 is [0.91, 1].
    """
    bound = ((1 - level) / 2) ** (1 / num)
    return (bound, 1.0) if successes_all else (0.0, 1 - bound)


def _parts(values: Values) -> _Parts:
    num_seeds, num = values.shape
    if num_seeds == 1:
        return _Parts(0.0, 0.0, 1, num)
    seeds = float(values.mean(1).var(ddof=1)) / num_seeds
    residuals = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    error = float(np.square(residuals).sum()) / ((num_seeds - 1) * max(1, num - 1)) / (num_seeds * num)
    return _Parts(seeds, error, num_seeds, num)


def _variance_of_mean(columns: NDArray[np.float64]) -> float:
    return float(columns.var(ddof=1)) / len(columns) if len(columns) > 1 else 0.0


def _estimate(mean: float, parts: list[_Parts], examples: float) -> Estimate:
    seeds, error = sum(p.seeds for p in parts), sum(p.error for p in parts)
    # Estimates of parts can cross; the whole is never less than either source alone.
    variance = max(seeds + examples - error, seeds, examples)
    terms = [(examples, max(1, parts[0].num_examples - 1))]
    for p in parts:
        if p.num_seeds > 1:
            terms += [(p.seeds, p.num_seeds - 1), (p.error, (p.num_seeds - 1) * max(1, p.num_examples - 1))]
    spread = sum(part**2 / degrees for part, degrees in terms)
    degrees = max(1.0, variance**2 / spread) if spread > 0 else 1.0
    return Estimate(mean, variance**0.5, degrees)
