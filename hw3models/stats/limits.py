"""Confidence limits that know the range of a metric, and that luck near the end of it is lopsided.

Student's t is symmetric. A mean of values in 0..1 is not when it is close to 1: the luckier its sample, the smaller
the variance that this shows. So limits are found part by part, and each side on its own:

- Examples. A share has Wilson's limits (1927), on the number of independent examples that would give the measured
  variance (Korn and Graubard 1998): 40 of 40 right becomes [0.91, 1]. Other metrics have Student's limits on the scale
  on which they have no ends: the logit between two ends, the logarithm above one (delta method). Below an end alone, as
  R2 is, they are the limits of what is missing to it.
- Seeds. On that same scale their values are taken as normal with unknown mean and variance, and the limits are those
  of the mean of what comes back from it (generalised confidence limits: Weerahandi 1993; Krishnamoorthy and Mathew
  2003 for the lognormal). Where seeds vary little these are Student's; one bad seed in five near the ceiling makes
  them far wider towards the bad side.
- Seeds, where their median is asked for: the order statistics, the k-th of which lies above the median with the
  probability that a coin shows fewer than k heads in S throws, whatever the distribution; between two of them limits
  are interpolated (Hettmansperger and Sheather 1986), and beyond the last, which few seeds come to, they go on as
  Student's do (docs/decisions/0037).
- Together: squares of the distances add up, and a difference takes the lower distance of the one and the upper of the
  other, less what the examples share (after MOVER: Zou and Donner 2008; Donner and Zou 2012).

S = seeds
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, chdtri, expit, logit, ndtri, stdtrit

if TYPE_CHECKING:
    from hw3models.stats.intervals import Measured

Array = NDArray[np.float64]
TAILS: Array = np.geomspace(1e-12, 0.5, 160)
"""One-sided error probabilities that distances are computed at; between them they are interpolated."""
_LOG_TAILS = np.log(TAILS)
_DRAWS = 1024
_SMALLEST_TAIL = 2 / _DRAWS
"""The lopsidedness of seeds is not followed further out than this."""
_LARGEST = 300.0
"""Logarithms are not followed further: squares of what they stand for are still numbers."""
_FEW = 5
"""With fewer examples wrong (or right) than this, their number says little about its own variance."""
# Two irrational steps that fill the unit square evenly (Roberts 2018): few draws are as good as many random ones.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_STEPS = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True, eq=False)
class Reach:
    """Distances of the lower and the upper limit from the value, at each of `TAILS`."""

    lower: Array
    upper: Array

    def below(self, tail: float) -> float:
        """Distance down to the lower limit that is missed with probability `tail`."""
        return float(np.interp(math.log(tail), _LOG_TAILS, self.lower))

    def above(self, tail: float) -> float:
        """Distance up to the upper limit."""
        return float(np.interp(math.log(tail), _LOG_TAILS, self.upper))

    def tail(self, distance: float, *, upper: bool) -> float:
        """Probability with which the limit at this `distance` is missed; 0 beyond the smallest of `TAILS`.

        Limits that stay where they are over a range of tails, as medians of few different values do, are missed with
        the greatest of them: at every smaller one the interval still reaches the distance.
        """
        distances = (self.upper if upper else self.lower)[::-1]
        same = np.flatnonzero(np.isclose(distances, distance, rtol=1e-9, atol=0.0))
        if len(same) > 1:
            return float(np.exp(_LOG_TAILS[::-1][same[0]]))
        if distance > distances[-1]:
            return 0.0
        return float(np.exp(np.interp(distance, distances, _LOG_TAILS[::-1])))

    def wider(self, *, lower: float = 0.0, upper: float = 0.0) -> "Reach":
        """Both distances, with so much added to them."""
        return Reach(self.lower + lower, self.upper + upper)


@dataclass(frozen=True, eq=False)
class Side:
    """One family's distances, by what they come of, at each of `TAILS`."""

    examples: Reach
    seeds: Reach
    variance: float
    """Variance of the examples' part."""
    quantiles: Array
    """Student's, at each of `TAILS`."""

    @classmethod
    def of(cls, measured: "Measured", variance: float, df: float) -> "Side":
        """Distances of `measured`, whose examples' part has this `variance`; `df` are those of the whole statement."""
        quantiles: Array = np.asarray(-stdtrit(df, TAILS) if math.isfinite(df) else -ndtri(TAILS))
        return cls(_of_examples(measured, variance, quantiles), _of_seeds(measured, quantiles), variance, quantiles)


def alone(side: Side) -> Reach:
    """Distances of one family's mean."""
    return _monotone(_combined(side.examples.lower, side.seeds.lower), _combined(side.examples.upper, side.seeds.upper))


def apart(a: Side, b: Side, *, together: float) -> Reach:
    """Distances of a minus b; `together` is the examples' variance of the difference.

    What both share cancels: of each family's variance over examples only the rest counts, V_a - C and V_b - C with
    C = (V_a + V_b - V_together) / 2, and its distances shrink as its standard deviation does. The more is shared, the
    less the ends of the range matter: as much as C is of sqrt(V_a V_b), distances are Student's. For independent
    families this is MOVER; MOVER for correlated ones leaves (distance of a - distance of b)^2 where all is shared.
    """
    shared = (a.variance + b.variance - together) / 2
    scale = math.sqrt(a.variance * b.variance)
    alike = min(max(shared / scale, 0.0), 1.0) if scale > 0 else 0.0
    first = min(max(a.variance - shared, 0.0), together)
    (low_a, high_a), (low_b, high_b) = _own(a, first, alike), _own(b, together - first, alike)
    return _monotone(
        _combined(low_a, high_b, a.seeds.lower, b.seeds.upper), _combined(high_a, low_b, a.seeds.upper, b.seeds.lower)
    )


def _own(side: Side, variance: float, alike: float) -> tuple[Array, Array]:
    """Distances that come of the part of the examples' variance that is not shared."""
    plain = side.quantiles * math.sqrt(variance)
    part = math.sqrt(variance / side.variance) if side.variance > 0 else 0.0
    low, high = (alike * plain + (1 - alike) * part * one for one in (side.examples.lower, side.examples.upper))
    return low, high


def _combined(*halves: Array) -> Array:
    result: Array = np.sqrt(sum(half**2 for half in halves))
    return result


def _monotone(lower: Array, upper: Array) -> Reach:
    """Distances that never shrink as the tail does."""
    return Reach(*(np.maximum.accumulate(one[::-1])[::-1] for one in (lower, upper)))


# ---------------------------------------------------------------------------------------- examples


def _of_examples(measured: "Measured", variance: float, quantiles: Array) -> Reach:
    lowest, highest = measured.bounds
    if measured.is_share:
        return _wilson(measured, variance, quantiles)
    if not math.isfinite(lowest):
        half = quantiles * math.sqrt(variance)
        return Reach(half, half)
    # Half a mistake away from the ends at least, where the scale ends.
    least = math.sqrt(measured.floor / 2) or 1e-12
    value = measured.value
    if not math.isfinite(highest):
        centre = max(value - lowest, least)
        spread = quantiles * math.sqrt(variance) / centre
        return Reach(centre * -np.expm1(-spread), centre * np.expm1(np.minimum(spread, _LARGEST)))
    width = highest - lowest
    share = min(max((value - lowest) / width, least / width), 1 - least / width)
    spread = quantiles * math.sqrt(variance) / width / (share * (1 - share))
    ends = (expit(logit(share) + sign * spread) for sign in (-1, 1))
    low, high = (lowest + width * end for end in ends)
    return Reach(np.maximum(value - low, 0.0), np.maximum(high - value, 0.0))


def _wilson(measured: "Measured", variance: float, quantiles: Array) -> Reach:
    share, num = min(max(measured.value, 0.0), 1.0), measured.num_independent
    spread = share * (1 - share)
    effective = spread / variance if variance > 0 and spread > 0 else num
    if measured.num_examples * min(share, 1 - share) < _FEW:
        effective = min(effective, num)
    widening = quantiles**2 / effective
    centre = (share + widening / 2) / (1 + widening)
    half = np.sqrt(widening * (spread + widening / 4)) / (1 + widening)
    return Reach(np.maximum(share - (centre - half), 0.0), np.maximum(centre + half - share, 0.0))


# ------------------------------------------------------------------------------------------- seeds


def _of_seeds(measured: "Measured", quantiles: Array) -> Reach:
    if measured.is_median:
        return _of_median(measured.per_seed)
    values, num = measured.per_seed, len(measured.per_seed)
    deviation = float(values.std(ddof=1)) / math.sqrt(num) if num > 1 else 0.0
    if deviation <= 1e-12 * float(np.abs(values).max()):
        return Reach(np.zeros_like(TAILS), np.zeros_like(TAILS))
    half = quantiles * deviation
    means = measured.possible_means
    if means is None:
        return Reach(half, half)
    # By how much these limits differ from Student's, both with the seeds' own degrees of freedom.
    tails = np.maximum(TAILS, _SMALLEST_TAIL)
    student = -stdtrit(num - 1, tails) * deviation
    places = (np.arange(len(means)) + 0.5) / len(means)
    low, high = (np.interp(one, places, means) for one in (tails, 1 - tails))
    # Towards a limit of a half both are nothing over nothing.
    known = TAILS < 0.25
    distances = (measured.value - low, high - measured.value)
    ratios = [np.divide(one, student, out=np.ones_like(TAILS), where=known) for one in distances]
    return Reach(*(half * np.clip(ratio, 0.2, None) for ratio in ratios))


def median_variance(values: Array) -> float:
    """Variance of the median of S values, from the distance of two order statistics (Price and Bonett 2001)."""
    num, ordered = len(values), np.sort(values)
    low = max(1, round((num + 1) / 2 - math.sqrt(num)))
    apart = float(ordered[num - low] - ordered[low - 1])
    return (apart / (-2 * float(ndtri(bdtr(low - 1, num, 0.5))))) ** 2


def _of_median(values: Array) -> Reach:
    num = len(values)
    if num == 1:
        return Reach(np.zeros_like(TAILS), np.zeros_like(TAILS))
    ordered, centre = np.sort(values), float(np.median(values))
    # The chance that the median lies beyond the k-th value, k from the middle outwards, as normal scores.
    scores = np.array([0.0, *(-ndtri(bdtr(k - 1, num, 0.5)) for k in range(num // 2, 0, -1))])
    sides = (centre - ordered[: num // 2][::-1], ordered[num - num // 2 :] - centre)
    wanted, last = -ndtri(TAILS), 0.5**num
    beyond = stdtrit(num - 1, TAILS) / stdtrit(num - 1, last)
    # Of few seeds the outermost on one side may be near to the median by luck.
    least = float(ordered[-1] - ordered[0]) / 3
    inside = [np.interp(wanted, scores, np.array([0.0, *side])) for side in sides]
    outside = [max(float(side[-1]), least) * beyond for side in sides]
    return Reach(*(np.where(last <= TAILS, near, far) for near, far in zip(inside, outside, strict=True)))


def possible_means(measured: "Measured") -> Array | None:
    """Means over all seeds that these S values are compatible with: sorted draws.

    None for a metric without ends, and for the pseudo-values of ensembles, which may lie beyond them.
    """
    lowest, highest = measured.bounds
    if not math.isfinite(lowest) or measured.num_members > 1:
        return None
    normal, chi2 = _draws(len(measured.per_seed) - 1)
    into, back = _scale(lowest, highest, measured.num_examples)
    values = into(measured.per_seed)
    deviations = float(values.std(ddof=1)) * chi2
    centres = float(values.mean()) + normal * deviations / math.sqrt(len(values))
    return np.sort(back(centres, deviations))


def _scale(lowest: float, highest: float, num: int) -> tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]:
    """The scale without ends, and the mean of what is normal on it."""
    if not math.isfinite(highest):
        return (
            lambda values: np.log(np.maximum(values - lowest, 1e-12)),
            lambda centres, deviations: lowest + np.exp(np.minimum(centres + deviations**2 / 2, _LARGEST)),
        )
    width = highest - lowest

    def back(centres: Array, deviations: Array) -> Array:
        inside = expit(centres[:, None] + deviations[:, None] * _NODES)
        result: Array = lowest + width * (inside @ (_WEIGHTS / _WEIGHTS.sum()))
        return result

    # Half an example from the ends: no seed of n examples shows more.
    return lambda values: logit(((values - lowest) / width * num + 0.5) / (num + 1)), back


@lru_cache(maxsize=64)
def _draws(df: int) -> tuple[Array, Array]:
    """Standard normal values, and sqrt(df / chi-square) with `df` degrees."""
    number = np.arange(1, _DRAWS + 1)
    first, second = ((0.5 + number * step) % 1 for step in _STEPS)
    return ndtri(first), np.sqrt(df / chdtri(df, second))
