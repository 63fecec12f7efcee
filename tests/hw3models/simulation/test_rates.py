"""Figures with Monte Carlo intervals."""

import numpy as np
import pytest
from scipy import stats

from hw3models.simulation.rates import mean, rate, ratio


def test_a_rate_has_wilsons_interval() -> None:
    found = rate(50, 1000)
    expected = stats.binomtest(50, 1000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert rate(0, 10).low == 0


def test_a_mean_has_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = mean(values)
    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert (found.share, found.low, found.high) == pytest.approx((values.mean(), *expected))


def test_a_ratio_of_paired_rates_has_an_interval_that_holds_it_as_often_as_a_bootstrap_says() -> None:
    rng = np.random.default_rng(0)
    other = rng.random(800) < 0.8
    one = other & (rng.random(800) < 0.9)
    found = ratio(one, other)
    drawn = rng.integers(0, 800, (4000, 800))
    ratios = one[drawn].sum(axis=1) / other[drawn].sum(axis=1)
    assert found.share == pytest.approx(one.sum() / other.sum())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(ratios, (0.025, 0.975))), abs=0.005)
