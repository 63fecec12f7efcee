"""Learning curves whose truth is known: how often do forecasts hold it? Curves are simulated, not trainings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.stats.learning_curve import fit, held_back, measurements

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Shares of the training part, as `hw3 learning-curve` measures them."""
KINDS = ("power law", "no floor", "slower and slower")
"""What the truth is: the model's own form with any floor, with none, or a rate that falls by a tenth each doubling."""


class Case(NamedTuple):
    """One simulated study."""

    held: bool
    """The interval at twice the data holds the truth."""
    held_back: bool
    """The interval at the largest size, from the others, holds what was measured there."""
    width: float
    """Width of the first interval."""


def curve(floor: float, end: float, rate: float, bend: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The error at shares of the largest size; the rate is multiplied by `bend` with each doubling."""
    doublings = np.log2(shares)
    bent = doublings if bend == 1 else (bend**doublings - 1) / np.log(bend)
    return np.minimum(floor + (end - floor) * 2 ** (-rate * bent), 0.9)


def case(kind: str, rng: np.random.Generator, seeds: int = 5) -> Case:
    """One study of a truth that is drawn, and what was forecast."""
    end, rate = rng.uniform(0.02, 0.3), rng.uniform(0.15, 1.0)
    floor = 0.0 if kind == "no floor" else end * rng.uniform(0, 0.9)
    of = (floor, end, rate, 0.9 if kind == "slower and slower" else 1.0)
    num_test, num_train = int(rng.integers(200, 3000)), int(rng.integers(200, 5000))
    errors = curve(*of, np.array(SHARES))
    # Some examples are hard for everybody: the luck of the test examples is common to all sizes.
    hard = rng.normal(0, np.sqrt(errors[-1] * (1 - errors[-1]) / num_test))
    luck = rng.uniform(0.02, 0.12) * np.sqrt(errors * (1 - errors))
    per_seed = [np.clip(e + hard + rng.normal(0, s, seeds), 0, 1) for e, s in zip(errors, luck, strict=True)]
    measured = measurements([max(1, round(num_train * one)) for one in SHARES], per_seed, num_test)
    said = fit(measured).forecast(2 * float(measured.sizes[-1]))
    truth = float(curve(*of, np.array([2.0]))[0])
    back = held_back(measured)
    assert back is not None
    held = said.low <= truth <= said.high
    return Case(held, back.low <= measured.errors[-1] <= back.high, said.high - said.low)
