"""Alpha spending: against published boundaries and against Brownian motion."""

import numpy as np
import pytest
from scipy import stats

from hw3models.stats.spending import nominal_levels, overall_p, plan, spent


def test_looks_double_and_end_with_what_may_be_spent() -> None:
    assert plan(5, 50) == (5, 10, 20, 40, 50)
    assert plan(3, 3) == (3,)
    assert plan(4, 9) == (4, 8, 9)


def test_the_level_is_spent_as_lan_and_demets_say() -> None:
    """Their first example for two sides: 4 - 4 Phi(2.2414 / sqrt(t)); all of it when all information is there."""
    assert spent(1, 0.05) == pytest.approx(0.05)
    assert spent(0.5, 0.05) == pytest.approx(4 * stats.norm.sf(2.2414 / 0.5**0.5), rel=1e-3)
    assert spent(0, 0.05) == 0


def test_the_boundaries_of_five_even_looks_are_the_published_ones() -> None:
    """Two-sided 5%, O'Brien-Fleming spending (Reboussin, DeMets, Kim and Lan 2000, table of five looks)."""
    bounds = stats.norm.isf(np.array(nominal_levels([0.2, 0.4, 0.6, 0.8, 1.0], 0.05)) / 2)
    np.testing.assert_allclose(bounds, [4.877, 3.357, 2.680, 2.290, 2.031], atol=2e-3)


@pytest.mark.parametrize("shares", [(0.1, 0.2, 0.4, 0.8, 1.0), (0.6, 0.75, 0.9, 0.99, 1.0), (1.0,)])
def test_brownian_motion_crosses_the_boundaries_with_the_level(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    steps = np.sqrt(np.diff([0.0, *shares])) * rng.standard_normal((200_000, len(shares)))
    scores = np.abs(steps.cumsum(axis=1)) / np.sqrt(shares)
    bounds = stats.norm.isf(np.maximum(nominal_levels(shares, 0.05), 1e-300) / 2)
    assert (scores >= bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.002)


def test_a_look_that_adds_no_information_has_no_level() -> None:
    assert nominal_levels([0.5, 0.5, 1.0], 0.05)[1] == 0


def test_the_overall_p_is_the_level_at_which_the_look_would_just_stop() -> None:
    shares = (0.3, 0.6, 1.0)
    for look, p in ((0, 0.001), (1, 0.01), (2, 0.03)):
        assert nominal_levels(shares, overall_p(p, shares, look))[look] == pytest.approx(p, rel=0.02)
    assert overall_p(1.0, shares, 0) == 1
