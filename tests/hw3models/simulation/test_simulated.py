"""Calibration in small: the figures themselves are made by `hw3 calibrate`."""

import pytest
from scipy import stats

from hw3models.simulation.simulated import EFFECTS, calibrate, rate
from hw3models.simulation.trained import CASES, calibrate_trained


def test_a_rate_has_wilsons_interval() -> None:
    found = rate(50, 1000)
    expected = stats.binomtest(50, 1000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert rate(0, 10).low == 0


def test_false_alarms_and_coverage_are_near_their_nominal_values() -> None:
    found = list(calibrate(seeds=(5,), examples=(200,), repeats=400))
    assert [one.effects for one in found] == [effects.name for effects in EFFECTS]
    for one in found:
        # Four standard errors of 400 repeats.
        assert one.false_alarms.share == pytest.approx(0.05, abs=0.044)
        assert one.coverage.share == pytest.approx(0.95, abs=0.044)
        assert one.power.share == pytest.approx(one.promised, abs=0.12)
        assert one.false_alarms.share < one.power.share


def test_the_same_repeats_give_the_same_figures() -> None:
    assert list(calibrate(seeds=(3,), examples=(50,), repeats=20)) == list(
        calibrate(seeds=(3,), examples=(50,), repeats=20, processes=1)
    )


def test_trained_networks_are_compared_with_themselves() -> None:
    small = list(calibrate_trained(datasets=3, pool=6, pairs=5, processes=1, seeds=(3, 10)))
    assert [(one.family, one.source) for one in small] == list(CASES)
    for one in small:
        assert (one.seeds, one.datasets, one.pairs) == (3, 3, 5), "10 seeds do not fit twice into a pool of 6"
        assert 0 <= one.low <= one.false_alarms <= one.high <= 1
