"""Forecasts of learning curves hold the truth about as often as they say, and know what they do not know."""

import numpy as np
import pytest

from hw3models.simulation.learning_curves import KINDS, SHARES, case, curve
from hw3models.stats.learning_curve import Measurements, difference, fit, held_back, measurements

SIZES = 1000 * np.array(SHARES)


def of(floor: float, end: float, rate: float, own: float = 0.001, common: float = 0.0) -> Measurements:
    errors = curve(floor, end, rate, 1.0, np.array(SHARES))
    return Measurements(sizes=SIZES, errors=errors, own=np.full(len(SIZES), own), common=common)


def test_a_curve_without_noise_is_foretold() -> None:
    measured = of(0.0, 0.1, 0.5, own=1e-4)
    said = fit(measured).forecast(2000)
    assert said.mean == pytest.approx(0.1 * 2**-0.5, abs=0.002)
    assert said.high - said.low < 0.01
    back = held_back(measured)
    assert back is not None
    assert back.low < 0.1 < back.high


def test_what_all_sizes_share_widens_the_forecast_of_a_level_and_not_of_the_shape() -> None:
    alone, shared = (fit(of(0.02, 0.1, 0.5, common=one)).forecast(2000) for one in (0.0, 0.01))
    assert shared.high - shared.low > 1.5 * (alone.high - alone.low)


def test_equal_curves_are_tied_and_different_ones_are_not() -> None:
    a, b, worse = (fit(of(*one, own=0.004)) for one in ((0, 0.1, 0.5), (0, 0.101, 0.5), (0.1, 0.2, 0.5)))
    gap, clear = difference(a, b, 2000), difference(a, worse, 2000)
    assert gap.low < 0 < gap.high
    assert clear.high < 0


def test_three_growing_sizes_are_needed() -> None:
    with pytest.raises(ValueError, match="at least three sizes"):
        fit(Measurements(sizes=SIZES[:2], errors=np.array([0.2, 0.1]), own=np.full(2, 0.01), common=0))


def test_the_spread_of_seeds_is_pooled_and_never_nothing() -> None:
    same = [np.full(5, 0.1)] * 4
    measured = measurements([125, 250, 500, 1000], same, 400)
    assert (measured.own > 0).all()
    assert measured.common == pytest.approx(np.sqrt(0.1 * 0.9 / 400))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """All kinds together; 200 of each stand in docs/learning-curve.md."""
    rng = np.random.default_rng(7)
    found = [case(kind, rng) for kind in KINDS for _ in range(20)]
    # Of 60 at 80%, 38 to 57 in all but one of a thousand runs.
    assert 38 <= sum(one.held for one in found) <= 57
