"""How sure a metric is that is averaged over S seeds and computed on n test examples, seeds crossed with examples.

Both vary: another seed gives another network, another test split other examples. In the crossed random-effects model
(Searle, Casella and McCulloch 1992, ch. 4) a value is mean + seed effect (variance a) + example effect (b) + rest (e),
and the mean over all has the variance a/S + b/n + e/(nS). Three things can be measured:

    V_seeds     variance over seeds of the metric, divided by S                     expects a/S + e/(nS)
    J_mean      jackknife variance over examples of the metric averaged over seeds  expects b/n + e/(nS)
    J_each      the same of a single seed's metric, averaged over seeds             expects b/n + e/n

V_rest = (J_each - J_mean) / (S - 1) expects e/(nS), which the first two count twice, so the variance is
V_seeds + max(J_mean - V_rest, 0).

Its degrees of freedom are (sum W_i)^2 / sum(W_i^2 / d_i) over the parts V_i with d_i degrees (Satterthwaite 1946),
where W_i = V_i (1 + sqrt(2 / d_i)) is a part raised by one standard error: with few seeds V_seeds is often measured
far too small, and Satterthwaite's own weights then believe the examples' many degrees. For a single part nothing
changes.
Limits follow the range of the metric, and the lopsided luck of seeds near its end: `hw3models.stats.limits`.
`hw3models.simulation` measures what comes of it (docs/decisions/0007).

The jackknife (Efron and Stein 1981) leaves out one example where the metric is a mean over examples, and one of up to
40 random sets of examples otherwise (Kott 2001), the sets stratified by class. Where examples come in groups (windows
of a subject), it leaves out a group at a time: examples of one group are not independent.

Examples that all agree do not show that there is no variance. Where fewer than five of them tell anything, it is at
least `floor`, what half a mistake in each class would make (Agresti and Min 2005 add half an example to each cell of a
paired table).

Replicates that were each trained and tested on a split of their own (stratified resamples of the same examples) are
another design: their training sets overlap, so they are not independent, and the variance over J of them, divided by
J, is far too small. The corrected resampled t-test (Nadeau and Bengio 2003) takes (1/J + n_test/n_train) times the
variance over splits, with J - 1 degrees of freedom; differences are taken split by split.

Replicates that were each trained on a bootstrap of one training part, and tested on the same examples, share that part:
their mean keeps its luck, however many there are. A bootstrap moves a score as a fresh training part would, so what it
moves it by, the variance over replicates less V_rest, S times the main effect of V_seeds, counts once beside its 1/S.
Differences are taken seed by seed, since seed s of both families has the same bootstrap (docs/decisions/0023).

An ensemble of M networks is one value, which shows no luck of its seeds. What its members show is the jackknife over
them: the metric of the ensemble without member i, for each i. As pseudo-values (Tukey 1958), one for each member,
these go the way of seeds, above: their mean is the ensemble's value and their variance over M is the jackknife's,
which on average is not too small (Efron and Stein 1981; docs/decisions/0031).

Where recipes were searched for R times, and each search's recipe was trained with seeds of its own, seeds are nested
in searches: those of one search share its luck. The mean over the seeds of a search is then what counts as one
replicate, of which there are R (`of_searches`): their variance over R expects (search)/R + a/S + e/(nS), with R - 1
degrees of freedom, and nothing else changes (docs/decisions/0036).

The median over seeds is another estimand, for families some of whose seeds collapse (`of_median`). Its limits with
regard to seeds are those of order statistics, which hold for any distribution (`hw3models.stats.limits`); what belongs
to the examples, b/n, is taken from the middle half of the seeds, since collapsed ones say nothing about it.

S = seeds, n = test examples, G = groups of examples, J = resampled splits, M = members of an ensemble, R = searches
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.stats import limits
from hw3models.stats.limits import Reach

MAX_GROUPS = 40
"""Groups of the delete-a-group jackknife: 39 degrees of freedom cost 3% of width against infinitely many."""
_GROUP_SEED = 20_010_417
_FEW = 5
_ROUNDING = 1e-12
"""Differences below this share of the value are rounding."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """A metric of S replicates, on all test examples and without each of G groups of them."""

    per_seed: NDArray[np.float64]
    """(S,)."""
    left_out: NDArray[np.float64]
    """(S, G)."""
    num_examples: int
    num_groups: int | None = None
    """Groups that the examples come in; None where each stands for itself."""
    is_share: bool = False
    """The metric is the share of examples that have a property, such as being classified right."""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Least and greatest value of the metric."""
    floor: float = 0.0
    """Least variance over examples that is believed: of half a mistake in each class."""
    unseen: float = 0.0
    """Variance that classes with hardly a mistake (or hardly a right answer) hide from the jackknife, in a single
    score: of half a mistake in each of them."""
    bias: float = 0.0
    """Excess of the value that noise makes, as estimated (the calibration error is a sum of absolute values)."""
    greatest_bias: float = 0.0
    """The same, at most."""
    num_members: int = 1
    """M, where the replicates are ensembles: `per_seed` and `left_out` then hold M pseudo-values for each of them, one
    for a member, whose mean is the ensemble's own value (`of_ensembles`)."""
    test_to_train: float | None = None
    """n_test / n_train, where each replicate has a split of its own; nothing is left out then (G = 0)."""
    nested: NDArray[np.float64] | None = None
    """(S,) values of the seeds themselves, where `per_seed` and `left_out` hold R means, one for each search."""
    is_bootstrap: bool = False
    """Each replicate was trained on a bootstrap of its own of one training part."""
    is_median: bool = False
    """What is asked for is the median over seeds, not the mean; `left_out` is then of the middle half of them."""

    @property
    def value(self) -> float:
        """The mean over seeds, or their median."""
        return float(np.median(self.per_seed) if self.is_median else self.per_seed.mean())

    @property
    def per_replicate(self) -> NDArray[np.float64]:
        """The value of each replicate: of each seed, or each ensemble."""
        if self.nested is not None:
            return self.nested
        values: NDArray[np.float64] = self.per_seed.reshape(-1, self.num_members).mean(axis=1)
        return values

    @property
    def num_networks(self) -> int:
        """Trained replicates that the value rests on."""
        return len(self.per_seed if self.nested is None else self.nested)

    @cached_property
    def possible_means(self) -> NDArray[np.float64] | None:
        """Means over all seeds that these are compatible with (`hw3models.stats.limits`)."""
        return limits.possible_means(self)

    @cached_property
    def parts(self) -> "VarianceComponents":
        """What the variance of the mean over seeds is made of. One seed: it says nothing about other seeds."""
        return VarianceComponents(
            (_seeds(self),),
            _examples(self.left_out.mean(axis=0)),
            (_rest(self),),
            _scale([self]),
            self.floor * (_num_telling(self.left_out.mean(axis=0)) < _FEW),
            training=(_training(self),) if self.is_bootstrap else (),
        )

    @property
    def num_independent(self) -> float:
        """Examples that count where (nearly) all agree: two of each group at most, as with a correlation of a half."""
        return float(self.num_examples if self.num_groups is None else min(self.num_examples, 2 * self.num_groups))


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
    """Size of the values: smaller differences than `_ROUNDING` of it are rounding."""
    floor: float = 0.0
    """Least variance of the examples' part."""
    unseen: float = 0.0
    """Variance of the examples' part beside that which was measured."""
    training: tuple[VarianceComponent, ...] = ()
    """Luck of a training part that all replicates share; more of them do not make it less."""

    @property
    def own_examples(self) -> float:
        """Variance of the examples' part alone, without what the seeds' part counts already."""
        seen = max(self.examples.variance - sum(term.variance for term in self.rest), self.floor, 0.0)
        return seen + self.unseen

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
        examples = VarianceComponent(max(self.examples.variance - less, 0.0), groups)
        return replace(self, seeds=seeds, examples=examples, rest=rest)

    def with_examples(self, factor: float) -> "VarianceComponents":
        """The same, as expected with `factor` times the test examples."""
        rest = tuple(VarianceComponent(term.variance / factor, term.df) for term in self.rest)
        seeds = tuple(
            VarianceComponent(max(own.variance - before.variance + after.variance, 0.0), own.df)
            for own, before, after in zip(self.seeds, self.rest, rest, strict=True)
        )
        examples = VarianceComponent(self.examples.variance / factor, self.examples.df)
        return replace(self, seeds=seeds, examples=examples, rest=rest, floor=self.floor / factor**2)

    def estimate(self, value: float) -> "Estimate":
        """Variance of the whole with its degrees of freedom, as the head of this file says."""
        examples = self.own_examples
        if math.isinf(examples):
            return Estimate(value, math.inf, 1.0)
        # Both of one sum of squares over replicates.
        lasting = self.training or tuple(VarianceComponent(0.0, one.df) for one in self.seeds)
        over = (
            VarianceComponent(one.variance + more.variance, one.df)
            for one, more in zip(self.seeds, lasting, strict=True)
        )
        terms = (*over, VarianceComponent(examples, self.examples.df))
        variance = sum(term.variance for term in terms)
        value = _round(value, self.scale)
        if _is_rounding(variance, self.scale):
            return Estimate(value, 0.0, math.inf, self)
        raised = [term.variance * (1 + math.sqrt(2 / term.df)) for term in terms]
        spread = sum(one**2 / term.df for one, term in zip(raised, terms, strict=True))
        return Estimate(value, variance, max(1.0, sum(raised) ** 2 / spread), self)


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
        """Estimate the mean over the splits. A single one says nothing about others."""
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
    """Degrees of freedom, for Student's t; infinite where the variance is zero."""
    parts: VarianceComponents | ResampledParts | None = None
    """Components of the variance; None where nothing is known about it."""
    reach: Reach | None = None
    """How far limits lie below and above the value, where these differ from Student's t."""

    def limit(self, tail: float, *, upper: bool) -> float:
        """One-sided confidence limit, missed with probability `tail` (at most 0.5)."""
        if self.reach is not None:
            return self.value + (self.reach.above(tail) if upper else -self.reach.below(tail))
        half = float(_student().isf(tail, self.df)) * math.sqrt(self.variance) if self.variance else 0.0
        return self.value + (half if upper else -half)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Both limits, each missed with probability (1 - `level`) / 2. No variance: no width."""
        tail = (1 - level) / 2
        return self.limit(tail, upper=False), self.limit(tail, upper=True)

    def tail_beyond(self, bound: float) -> float:
        """One-sided p of the hypothesis that the truth lies at `bound` or beyond it, as seen from the value."""
        distance = abs(self.value - bound)
        if distance == 0:
            return 0.5
        if self.reach is not None:
            return self.reach.tail(distance, upper=bound > self.value)
        return float(_student().sf(distance / math.sqrt(self.variance), self.df)) if self.variance else 0.0

    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the true value is zero."""
        return min(1.0, 2 * self.tail_beyond(0.0))

    def p_equivalent(self, margin: float) -> float:
        """Larger p of two one-sided tests that the truth lies within +-`margin` (Schuirmann 1987); else 1."""
        if abs(self.value) >= margin:
            return 1.0
        return max(self.tail_beyond(-margin), self.tail_beyond(margin))

    def p_inferior(self, margin: float) -> float:
        """One-sided, of the hypothesis that the truth is -`margin` or less."""
        return self.tail_beyond(-margin) if self.value > -margin else 1.0


def jackknife_groups(labels: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """The set of each example, (n,) in 0..G-1 with G = min(n, 40): random, always the same, each class spread evenly.

    Set sizes differ by one at most. Where examples come in `groups` (n,), a set holds whole groups: one each where
    there are up to 40 of them, as even as can be otherwise.
    """
    if groups is not None:
        return _sets_of_groups(groups)
    shuffled = np.random.default_rng(_GROUP_SEED).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sets = np.empty(len(labels), np.int64)
    sets[by_class] = np.arange(len(labels)) % min(len(labels), MAX_GROUPS)
    return sets


def _sets_of_groups(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    codes, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    number = min(len(counts), MAX_GROUPS)
    if number == len(counts):
        return codes.astype(np.int64)
    # The largest first, back and forth over the sets, so that sets come out alike in size.
    shuffled = np.random.default_rng(_GROUP_SEED).permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled], kind="stable")]
    there_and_back = np.concatenate([np.arange(number), np.arange(number)[::-1]])
    set_of = np.empty(len(counts), np.int64)
    set_of[order] = np.resize(there_and_back, len(counts))
    return set_of[codes]


def measure_mean(
    values_SN: NDArray[np.float64],
    *,
    is_share: bool = False,
    bounds: tuple[float, float] | None = None,
    groups: NDArray[np.int64] | None = None,
    floor: float | None = None,
) -> Measured:
    """A mean over examples: values (S, n), each example (or each group of them, (n,)) left out in turn, exactly."""
    num = values_SN.shape[1]
    sums = values_SN.sum(axis=1, keepdims=True)
    if groups is None:
        left_out, num_groups = (sums - values_SN) / (num - 1), None
    else:
        codes, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
        num_groups = len(counts)
        gone = np.stack([np.bincount(codes, row, num_groups) for row in values_SN])
        # Of a single group nothing is left without it: that says nothing.
        left_out = (sums - gone) / np.maximum(num - counts, 1) if num_groups > 1 else np.empty((len(values_SN), 0))
    found = Measured(
        per_seed=sums[:, 0] / num,
        left_out=left_out,
        num_examples=num,
        num_groups=num_groups,
        is_share=is_share,
        bounds=bounds or ((0.0, 1.0) if is_share else (-math.inf, math.inf)),
    )
    if floor is None:
        floor = 0.5 / (found.num_independent + 2) ** 2 if is_share else 0.0
    return replace(found, floor=floor)


def of_ensembles(whole: Measured, without: Sequence[Measured]) -> Measured:
    """Ensembles of M members, measured whole, S of them, and `without` each of the M members in turn.

    The pseudo-value of member i is the ensemble's value plus (M - 1) times what the ensembles without a member lose on
    average by the want of i: M T - (M - 1) T_i, less the bias, which is left in the value.
    """
    num = len(without)

    def pseudo(value: NDArray[np.float64], lacking: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        each = np.stack(lacking, axis=1)
        values = value[:, None] + (num - 1) * (each.mean(axis=1, keepdims=True) - each)
        return np.asarray(values.reshape(-1, *value.shape[1:]))

    return replace(
        whole,
        per_seed=pseudo(whole.per_seed, [one.per_seed for one in without]),
        left_out=pseudo(whole.left_out, [one.left_out for one in without]),
        num_members=num,
    )


def of_searches(each: Measured, searches: NDArray[np.int64]) -> Measured:
    """The same with the mean over the seeds of a search for one replicate; `searches` (S,) says whose seed it is."""
    members = searches == np.unique(searches)[:, None]
    share = members / members.sum(axis=1, keepdims=True)
    return replace(each, per_seed=share @ each.per_seed, left_out=share @ each.left_out, nested=each.per_seed)


def of_median(each: Measured) -> Measured:
    """The same, of which the median over seeds is asked for."""
    num = len(each.per_seed)
    middle = np.argsort(each.per_seed, kind="stable")[num // 4 : num - num // 4]
    return replace(each, left_out=each.left_out[np.sort(middle)], is_median=True)


def estimate(measured: Measured) -> Estimate:
    """The mean over seeds and the variance of its error. One seed: the variance says nothing about other seeds."""
    if measured.test_to_train is not None:
        return _over_splits(measured.per_seed, measured.test_to_train, [measured]).estimate(measured.value)
    if _ends_above_only(measured):
        found = estimate(_turned(measured))
        reach = None if found.reach is None else Reach(found.reach.upper, found.reach.lower)
        return replace(found, value=measured.bounds[1] - found.value, reach=reach)
    parts = replace(measured.parts, unseen=measured.unseen)
    found = parts.estimate(measured.value)
    if not (0 < found.variance < math.inf) or measured.is_bootstrap:
        return found
    if math.isinf(measured.bounds[0]) and not measured.is_median:
        return found
    side = limits.Side.of(measured, parts.own_examples, found.df)
    return replace(found, reach=limits.alone(side).wider(lower=measured.greatest_bias))


def difference(a: Measured, b: Measured) -> Estimate:
    """a minus b: the same examples (paired, same groups), but seeds that have nothing to do with each other.

    Of resampled splits, and of bootstraps, both must be of the same ones, in the same order.
    """
    value = a.value - b.value
    if a.test_to_train is not None:
        # Few splits of few examples may give the same difference by luck.
        least = a.floor + b.floor
        return _over_splits(a.per_seed - b.per_seed, a.test_to_train, [a, b], least=least).estimate(value)
    if a.is_bootstrap:
        paired = replace(a, per_seed=a.per_seed - b.per_seed, left_out=a.left_out - b.left_out, floor=a.floor + b.floor)
        return replace(paired.parts, scale=_scale([a, b])).estimate(value)
    if _ends_above_only(a):
        return difference(_turned(b), _turned(a))
    parts = VarianceComponents(
        (*a.parts.seeds, *b.parts.seeds),
        _examples(a.left_out.mean(axis=0) - b.left_out.mean(axis=0)),
        (*a.parts.rest, *b.parts.rest),
        _scale([a, b]),
        (a.floor + b.floor) * (_num_telling(a.left_out.mean(axis=0) - b.left_out.mean(axis=0)) < _FEW),
    )
    found = parts.estimate(value)
    if not (0 < found.variance < math.inf) or (math.isinf(a.bounds[0]) and not a.is_median):
        return found
    sides = [limits.Side.of(one, one.parts.own_examples, found.df) for one in (a, b)]
    bias = a.bias - b.bias
    reach = limits.apart(*sides, together=parts.own_examples)
    return replace(found, reach=reach.wider(lower=max(bias, 0.0), upper=max(-bias, 0.0)))


def _ends_above_only(measured: Measured) -> bool:
    lowest, highest = measured.bounds
    return math.isinf(lowest) and math.isfinite(highest)


def _turned(measured: Measured) -> Measured:
    """What is missing to the end above, which has one below: limits of R2 are those of the share not explained."""
    highest = measured.bounds[1]
    nested = None if measured.nested is None else highest - measured.nested
    return replace(
        measured,
        per_seed=highest - measured.per_seed,
        left_out=highest - measured.left_out,
        nested=nested,
        bounds=(0.0, math.inf),
        bias=-measured.bias,
    )


def covariance(measured: Sequence[Measured]) -> NDArray[np.float64]:
    """Covariance (k, k) of the errors of k families' means: they share test examples (or splits), not seeds."""
    if measured[0].test_to_train is not None:
        num = min(len(one.per_seed) for one in measured)
        values = np.stack([one.per_seed[:num] for one in measured])
        return np.atleast_2d(np.cov(values)) if num > 1 else np.eye(len(measured))
    # A metric that does not exist without some set of examples may have lost that set for one family alone.
    num = min(one.left_out.shape[1] for one in measured)
    if num < 2:
        return np.eye(len(measured))
    left_out = np.stack([one.left_out[:, :num].mean(axis=0) for one in measured])
    found = np.atleast_2d(np.cov(left_out, bias=True)) * (num - 1)
    own = [(one.parts.seeds[0].variance, one.parts.rest[0].variance, one.parts.floor) for one in measured]
    for index, (seeds, rest, floor) in enumerate(own):
        found[index, index] = max(found[index, index] - rest, floor) + seeds
        found[index, index] += sum(term.variance for term in measured[index].parts.training)
    return np.asarray(found)


def _scale(measured: Sequence[Measured]) -> float:
    return max(float(np.abs(one.per_seed).max()) for one in measured)


def _over_splits(
    values: NDArray[np.float64], test_to_train: float, of: Sequence[Measured], *, least: float = 0.0
) -> ResampledParts:
    variance = max(least, float(values.var(ddof=1))) if len(values) > 1 else 0.0
    return ResampledParts(variance, len(values), test_to_train, _scale(of))


def bounded_interval(
    measured: Measured, *, lowest: float = -math.inf, highest: float = math.inf, level: float = 0.95
) -> tuple[float, float]:
    """Interval for the mean over seeds, within the range of the metric."""
    low, high = estimate(measured).interval(level)
    return max(low, lowest), min(high, highest)


def _seeds(measured: Measured) -> VarianceComponent:
    num = len(measured.per_seed)
    if num == 1:
        return VarianceComponent(0.0, 1.0)
    if measured.is_median:
        variance = limits.median_variance(measured.per_seed)
    else:
        variance = float(measured.per_seed.var(ddof=1)) / num
    return VarianceComponent(0.0 if _is_rounding(variance, _scale([measured])) else variance, num - 1)


def _training(measured: Measured) -> VarianceComponent:
    seeds, rest, num = _seeds(measured), _rest(measured), len(measured.per_seed)
    return VarianceComponent(num * max(0.0, seeds.variance - rest.variance), max(num - 1, 1))


def _jackknife(left_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., G) to the jackknife variance (...)."""
    num = left_out.shape[-1]
    variance: NDArray[np.float64] = left_out.var(axis=-1) * (num - 1)
    return variance


def _num_telling(left_out: NDArray[np.float64]) -> float:
    """How many of G left out sets make the jackknife variance: G where all count alike, 1 where one makes it all."""
    if left_out.size == 0:
        return 0.0
    squares = np.square(left_out - left_out.mean())
    total = float(squares.sum())
    if total <= (_ROUNDING * float(np.abs(left_out).max())) ** 2:
        return 0.0
    return total**2 / float(np.square(squares).sum())


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
