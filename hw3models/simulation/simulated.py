"""The false-positive rate of the verdict. Comparisons whose truth is known, made by the thousand.

Whether example i is classified right by seed s of family f follows the crossed probit model (McCulloch 1994)

    right = [m_f + d_i + c_fi + a_fs + e_fsi > 0]

with the difficulty d of an example (standard deviation 1, shared by all), what makes it hard for one family alone (c),
the luck of a seed (a) and the rest (e, 1). The expected share right is Phi(m_f / sqrt(2 + sd_c^2 + sd_a^2)).

S = seeds of each family, n = test examples
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hw3models.specs import Report
from hw3models.stats.intervals import Estimate, difference, measure_mean
from hw3models.stats.power import power_of, unbiased

SEEDS = (3, 5, 10, 30)
EXAMPLES = (100, 1000, 10_000)
SHARE = 0.85
"""Expected accuracy of the first family."""
LEVEL = 0.05


class Effects(NamedTuple):
    """Standard deviations of the crossed effects."""

    name: str
    seed: float
    own: float


EFFECTS = (
    # The same family twice: no example is harder for one of them than for the other.
    Effects("A/A, seeds vary", 0.1, 0.0),
    Effects("A/A, seeds alike", 0.0, 0.0),
    Effects("two families", 0.1, 0.5),
)


@dataclass(frozen=True)
class Design:
    """One kind of comparison."""

    seeds: int
    examples: int
    effects: Effects


class Rate(Report):
    """A share of the repeats, with its 95% interval (Wilson 1927)."""

    share: float
    low: float
    high: float


class Calibration(Report):
    """What came of many comparisons of one design."""

    seeds: int
    examples: int
    effects: str
    repeats: int
    false_alarms: Rate
    """Differences found at 5% where there is none."""
    coverage: Rate
    """95% intervals of a real difference that hold it."""
    difference: float
    """That real difference, in points of accuracy: of the size that is found in about half or more of the cases."""
    power: Rate
    """How often it was found."""
    promised: float
    """The power that the median comparison's own advice gives for it."""


def calibrate(
    seeds: Sequence[int] = SEEDS, examples: Sequence[int] = EXAMPLES, *, repeats: int = 2000, processes: int = 2
) -> Iterator[Calibration]:
    """Try every design, `repeats` times without a difference and as often with one."""
    designs = [Design(*one) for one in product(seeds, examples, EFFECTS)]
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_try, designs, [repeats] * len(designs), range(len(designs)))


def rate(hits: int, repeats: int) -> Rate:
    """Share and Wilson's interval."""
    share, z = hits / repeats, float(norm.ppf(0.975))
    centre = (share + z**2 / (2 * repeats)) / (1 + z**2 / repeats)
    half = z / (1 + z**2 / repeats) * float(np.sqrt(share * (1 - share) / repeats + z**2 / (4 * repeats**2)))
    return Rate(share=share, low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))


def _try(design: Design, repeats: int, seed: int) -> Calibration:
    rng = np.random.default_rng([20_261_123, seed])
    alike = [_compare(_right(rng, design, 0.0)) for _ in range(repeats)]
    # A difference that is found in most cases but not in all: 80% power for the median comparison.
    wanted = 2.8 * float(np.median([one.variance for one in alike])) ** 0.5
    shift = _shift(design, wanted)
    truth = SHARE - float(norm.cdf((_threshold(design) - shift) / _scale(design)))
    different = [_compare(_right(rng, design, shift)) for _ in range(repeats)]
    held = sum(low <= truth <= high for low, high in (one.interval() for one in different))
    return Calibration(
        seeds=design.seeds,
        examples=design.examples,
        effects=design.effects.name,
        repeats=repeats,
        false_alarms=rate(sum(one.p_value() <= LEVEL for one in alike), repeats),
        coverage=rate(held, repeats),
        difference=100 * truth,
        power=rate(sum(one.p_value() <= LEVEL for one in different), repeats),
        promised=power_of(truth, _typical(different), level=LEVEL),
    )


def _typical(found: Sequence[Estimate]) -> Estimate:
    """What the advice of the median comparison rests on."""
    return Estimate(
        0.0,
        float(np.median([unbiased(one).variance for one in found])),
        float(np.median([one.df for one in found])),
    )


def _scale(design: Design) -> float:
    return float(np.sqrt(2 + design.effects.own**2 + design.effects.seed**2))


def _threshold(design: Design) -> float:
    return float(norm.ppf(SHARE)) * _scale(design)


def _shift(design: Design, difference: float) -> float:
    """How much lower the second family's threshold lies."""
    return _threshold(design) - float(norm.ppf(max(SHARE - difference, 0.05))) * _scale(design)


def _right(rng: np.random.Generator, design: Design, shift: float) -> NDArray[np.float64]:
    """(2, S, n) of 0 and 1."""
    num_seeds, num = design.seeds, design.examples
    values = rng.standard_normal((2, num_seeds, num), dtype=np.float32)
    values += rng.standard_normal((1, 1, num), dtype=np.float32)
    values += design.effects.own * rng.standard_normal((2, 1, num), dtype=np.float32)
    values += design.effects.seed * rng.standard_normal((2, num_seeds, 1), dtype=np.float32)
    values[0] += _threshold(design)
    values[1] += _threshold(design) - shift
    return (values > 0).astype(np.float64)


def _compare(right: NDArray[np.float64]) -> Estimate:
    return difference(measure_mean(right[0], is_share=True), measure_mean(right[1], is_share=True))
