"""How sure a metric is that is averaged over S seeds and computed on n test examples, seeds crossed with examples.

Both vary: another seed gives another network, another test split other examples. In the crossed random-effects model
(Searle, Casella and McCulloch 1992, ch. 4) a value is mean + seed effect (variance a) + example effect (b) + rest (e),
and the mean over all has the variance a/S + b/n + e/(nS). Three things can be measured:

    V_seeds     variance over seeds of the metric, divided by S                     expects a/S + e/(nS)
    J_mean      jackknife variance over examples of the metric averaged over seeds  expects b/n + e/(nS)
    J_each      the same of a single seed's metric, averaged over seeds             expects b/n + e/n

V_rest = (J_each - J_mean) / (S - 1) expects e/(nS), which the first two count twice, so the variance is
V_seeds + max(J_mean - V_rest, 0).

Its degrees of freedom are (sum V_i)^2 / sum(V_i^2 / (d_i + 1)) - 1 over the parts V_i with d_i degrees: midway between
Satterthwaite (1946: d_i and no subtraction), who is conservative with few seeds, and the correction of Welch (1947:
d_i + 2, minus 2), who is liberal where one family varies much more than the other. For a single part all three agree.
`hw3models.simulation.simulated` measures what comes of it.

The jackknife (Efron and Stein 1981) leaves out one example where the metric is a mean over examples, and one of up to
40 groups of examples otherwise (Kott 2001), the groups stratified by class.

Replicates that were each trained and tested on a split of their own (stratified resamples of the same examples) are
another design: their training sets overlap, so they are not independent, and the variance over J of them, divided by
J, is far too small. The corrected resampled t-test (Nadeau and Bengio 2003) takes (1/J + n_test/n_train) times the
variance over splits, with J - 1 degrees of freedom; differences are taken split by split.

S = seeds, n = test examples, G = groups of examples, J = resampled splits
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_GROUPS = 40
"""Groups of the delete-a-group jackknife: 39 degrees of freedom cost 3% of width against infinitely many."""
_GROUP_SEED = 20_010_417
_ROUNDING = 1e-12
"""Differences below this share of the value are rounding."""
_FEW = 5
"""With fewer examples wrong (or right) than this, their number says little about its own variance."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric of S replicates, on all test examples and without each of G groups of them."""

    per_seed: NDArray[np.float64]
    """(S,)."""
    left_out: NDArray[np.float64]
    """(S, G)."""
    num_examples: int
    is_share: bool = False
    """The metric is the share of examples that have a property, such as being classified right."""
    test_to_train: float | None = None
    """n_test / n_train, where each replicate has a split of its own; nothing is left out then (G = 0)."""


@dataclass(frozen=True)
class VarianceComponent:
    """A part of the variance, with the degrees of freedom that it was measured with."""

    variance: float
    df: float


@dataclass(frozen=True)
class VarianceComponents:
    """What a variance is made of: V_seeds and V_rest of each family that has several seeds, and J_mean."""

    seeds: tuple[VarianceComponent, ...]
    examples: VarianceComponent
    rest: tuple[VarianceComponent, ...]
    scale: float
    """Of the values: smaller differences than `_ROUNDING` of it are rounding."""

    def with_seeds(self, num: int) -> "VarianceComponents":
        """The same, as expected with `num` seeds instead: what varies over seeds shrinks, what is left does not."""
        groups = self.examples.df
        rest = tuple(
            VarianceComponent(term.variance * _num_seeds(own) / num, (num - 1) * groups) if own.variance > 0 else term
            for term, own in zip(self.rest, self.seeds, strict=True)
        )
        seeds = tuple(
            VarianceComponent(term.variance * _num_seeds(term) / num, num - 1) if term.variance > 0 else term
            for term in self.seeds
        )
        less = sum(term.variance for term in self.rest) - sum(term.variance for term in rest)
        return VarianceComponents(
            seeds, VarianceComponent(max(self.examples.variance - less, 0.0), groups), rest, self.scale
        )

    def with_examples(self, factor: float) -> "VarianceComponents":
        """The same, as expected with `factor` times the test examples."""
        rest = tuple(VarianceComponent(term.variance / factor, term.df) for term in self.rest)
        seeds = tuple(
            VarianceComponent(max(own.variance - before.variance + after.variance, 0.0), own.df)
            for own, before, after in zip(self.seeds, self.rest, rest, strict=True)
        )
        return VarianceComponents(
            seeds, VarianceComponent(self.examples.variance / factor, self.examples.df), rest, self.scale
        )

    def estimate(self, value: float) -> "Estimate":
        """Variance of the whole with its degrees of freedom, as the head of this file says."""
        examples = max(self.examples.variance - sum(term.variance for term in self.rest), 0.0)
        if math.isinf(examples):
            return Estimate(value, math.inf, 1.0)
        terms = (*self.seeds, VarianceComponent(examples, self.examples.df))
        variance = sum(term.variance for term in terms)
        value = _round(value, self.scale)
        if _is_rounding(variance, self.scale):
            return Estimate(value, 0.0, math.inf, self)
        spread = sum(term.variance**2 / (term.df + 1) for term in terms)
        return Estimate(value, variance, max(1.0, variance**2 / spread - 1), self)


@dataclass(frozen=True)
class ResampledParts:
    """What the variance over resampled splits is made of (Nadeau and Bengio 2003)."""

    one: float
    """Variance of one split's value."""
    num: int
    test_to_train: float
    scale: float

    def with_seeds(self, num: int) -> "ResampledParts":
        """The same, as expected with `num` splits instead: what comes of their overlap stays."""
        return ResampledParts(self.one, num, self.test_to_train, self.scale)

    def estimate(self, value: float) -> "Estimate":
        """Of the mean over the splits. A single one says nothing about others."""
        value = _round(value, self.scale)
        if self.num == 1:
            return Estimate(value, math.inf, 1.0)
        variance = (1 / self.num + self.test_to_train) * self.one
        if _is_rounding(variance, self.scale):
            return Estimate(value, 0.0, math.inf, self)
        return Estimate(value, variance, self.num - 1, self)


def _round(value: float, scale: float) -> float:
    return 0.0 if abs(value) <= _ROUNDING * scale else value


def _is_rounding(variance: float, scale: float) -> bool:
    return variance <= (_ROUNDING * scale) ** 2


def _num_seeds(term: VarianceComponent) -> float:
    return term.df + 1


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference, with the variance of its error."""

    value: float
    variance: float
    df: float
    """Of freedom, for Student's t; infinite where the variance is zero."""
    parts: VarianceComponents | ResampledParts | None = None
    """None where nothing is known about the variance."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Student's t interval. No variance: no width."""
        half = self._quantile(level) * math.sqrt(self.variance)
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the true value is zero."""
        if self.variance == 0:
            return float(self.value == 0)
        return float(2 * _student().sf(abs(self.value) / math.sqrt(self.variance), self.df))

    def _quantile(self, level: float) -> float:
        return float(_student().ppf(0.5 + level / 2, self.df))


def jackknife_groups(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The group of each example, (n,) in 0..G-1 with G = min(n, 40): random, always the same, each class spread evenly.

    Group sizes differ by one at most.
    """
    shuffled = np.random.default_rng(_GROUP_SEED).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    groups = np.empty(len(labels), np.int64)
    groups[by_class] = np.arange(len(labels)) % min(len(labels), MAX_GROUPS)
    return groups


def measure_mean(values_SN: NDArray[np.float64], *, is_share: bool = False) -> Measured:
    """A mean over examples: values (S, n), each example left out in turn, exactly."""
    num = values_SN.shape[1]
    sums = values_SN.sum(axis=1, keepdims=True)
    return Measured(sums[:, 0] / num, (sums - values_SN) / (num - 1), num, is_share)


def estimate(measured: Measured) -> Estimate:
    """The mean over seeds and the variance of its error. One seed: the variance says nothing about other seeds."""
    mean = float(measured.per_seed.mean())
    if measured.test_to_train is not None:
        return _over_splits(measured.per_seed, measured.test_to_train, [measured]).estimate(mean)
    parts = VarianceComponents(
        (_seeds(measured),),
        _examples(measured.left_out.mean(axis=0)),
        (_rest(measured),),
        _scale([measured]),
    )
    return parts.estimate(mean)


def difference(a: Measured, b: Measured) -> Estimate:
    """a minus b: the same examples (paired, same groups), but seeds that have nothing to do with each other.

    Shares that fewer than five examples tell apart have a variance over examples of at least 1/(n+2)^2, as when no
    example does in the interval of Agresti and Min (2005, half an example added to each cell): n examples without a
    disagreement do not show that there is none.

    Of resampled splits, both must be of the same ones, in the same order.
    """
    value = float(a.per_seed.mean() - b.per_seed.mean())
    if a.test_to_train is not None:
        # Few splits of few examples may give the same difference by luck, as above.
        least = 1 / (a.num_examples + 2) ** 2 if a.is_share else 0.0
        return _over_splits(a.per_seed - b.per_seed, a.test_to_train, [a, b], least=least).estimate(value)
    examples = _examples(a.left_out.mean(axis=0) - b.left_out.mean(axis=0))
    if a.is_share and _disagreements(a, b) < _FEW:
        examples = VarianceComponent(max(examples.variance, 1 / (a.num_examples + 2) ** 2), examples.df)
    parts = VarianceComponents(
        (_seeds(a), _seeds(b)),
        examples,
        (_rest(a), _rest(b)),
        _scale([a, b]),
    )
    return parts.estimate(value)


def _scale(measured: Sequence[Measured]) -> float:
    return max(float(np.abs(one.per_seed).max()) for one in measured)


def _over_splits(
    values: NDArray[np.float64], test_to_train: float, of: Sequence[Measured], *, least: float = 0.0
) -> ResampledParts:
    variance = max(least, float(values.var(ddof=1))) if len(values) > 1 else 0.0
    return ResampledParts(variance, len(values), test_to_train, _scale(of))


def _disagreements(a: Measured, b: Measured) -> int:
    """Examples on which two shares differ, averaged over seeds: a share leaves out one example at a time."""
    means = [float(one.per_seed.mean()) for one in (a, b)]
    left_out = [one.left_out.mean(axis=0) for one in (a, b)]
    num = a.num_examples
    of_each = [num * mean - (num - 1) * without for mean, without in zip(means, left_out, strict=True)]
    return int((np.abs(of_each[0] - of_each[1]) > _ROUNDING * num**2).sum())


def bounded_interval(
    measured: Measured, *, lowest: float = -math.inf, highest: float = math.inf, level: float = 0.95
) -> tuple[float, float]:
    """Interval for the mean over seeds, within the range of the metric.

    A share gets Wilson's interval (1927) with Student's quantile, on the number of independent examples that would
    give the same variance (Korn and Graubard 1998): 40 of 40 right becomes [0.91, 1], not [1, 1]. Where fewer than
    five examples are wrong, or right, that number is at most n.
    """
    found = estimate(measured)
    low, high = found.interval(level)
    if measured.is_share and math.isfinite(found.variance):
        low, high = _wilson(found, measured.num_examples, level)
    return max(low, lowest), min(high, highest)


def _wilson(found: Estimate, num: int, level: float) -> tuple[float, float]:
    share, spread = found.value, found.value * (1 - found.value)
    effective = spread / found.variance if found.variance > 0 else float(num)
    if num * min(share, 1 - share) < _FEW:
        effective = min(effective, float(num))
    quantile = float(_student().ppf(0.5 + level / 2, found.df))
    widening = quantile**2 / effective
    centre = (share + widening / 2) / (1 + widening)
    half = math.sqrt(widening * (spread + widening / 4)) / (1 + widening)
    return min(centre - half, share), max(centre + half, share)


def _seeds(measured: Measured) -> VarianceComponent:
    num = len(measured.per_seed)
    if num == 1:
        return VarianceComponent(0.0, 1.0)
    return VarianceComponent(float(measured.per_seed.var(ddof=1)) / num, num - 1)


def _jackknife(left_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., G) to the jackknife variance (...)."""
    num = left_out.shape[-1]
    variance: NDArray[np.float64] = left_out.var(axis=-1) * (num - 1)
    return variance


def _examples(left_out: NDArray[np.float64]) -> VarianceComponent:
    if left_out.shape[-1] < 2:
        # So few examples that the metric does not exist without some of them: nothing is known about its error.
        return VarianceComponent(math.inf, 1.0)
    return VarianceComponent(float(_jackknife(left_out)), left_out.shape[-1] - 1)


def _rest(measured: Measured) -> VarianceComponent:
    num_seeds, num_groups = measured.left_out.shape
    if num_seeds < 2 or num_groups < 2:
        return VarianceComponent(0.0, 1.0)
    each = float(_jackknife(measured.left_out).mean())
    mean = float(_jackknife(measured.left_out.mean(axis=0)))
    return VarianceComponent(max(0.0, each - mean) / (num_seeds - 1), (num_seeds - 1) * (num_groups - 1))


def _student() -> Any:  # scipy's stubs have no name for a distribution that is not frozen
    """Student's t. Imported here: that takes most of a second, and who only shows intervals need not wait for it."""
    from scipy.stats import t

    return t
