"""What is said of predicted numbers is as often right as promised, on tables whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from hw3models.evaluation.metrics import measure
from hw3models.simulation.numbers import NumberWorld, draw, figures

REPEATS = 60


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_the_truth_is_what_endless_examples_say(metric: str) -> None:
    world = NumberWorld(sigma=(0.4, 0.7), luck=(0.05, 0.2), tail=0.4, seeds=200, examples=20_000)
    for number, table in enumerate(draw(np.random.default_rng(0), world).values()):
        assert measure(table, metric).value == pytest.approx(world.truth(metric, number), rel=0.05)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_intervals_hold_the_truth_and_alike_families_are_seldom_told_apart(metric: str) -> None:
    """`python -m benchmarks.numbers` does the same of many worlds, thousands of times (docs/regression.md)."""
    found = figures(NumberWorld(), metric, REPEATS)
    # All but one in a thousand of such experiments, were it 95%, and 5%.
    assert found["scores"].share >= binom.ppf(0.001, REPEATS, 0.95) / REPEATS
    assert found["differences"].share >= binom.ppf(0.001, REPEATS, 0.95) / REPEATS
    assert found["told apart"].share <= binom.ppf(0.999, REPEATS, 0.05) / REPEATS


def test_what_differs_is_found() -> None:
    assert figures(replace(NumberWorld(), sigma=(0.3, 0.5)), "rmse", 20)["told apart"].share == 1
