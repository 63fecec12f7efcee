"""Power against simulation: differences of the size that is called detectable are found in four of five cases."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from hw3models.stats.intervals import Estimate, difference, measure_mean
from hw3models.stats.power import advise, power_of, smallest_detectable
from tests.tables import compared


def crossed(
    rng: np.random.Generator, seeds: int, examples: int, *, a: float, b: float, e: float, shift: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of two families (S, n) whose difference has the variance components a (per family), b, e."""
    own = rng.normal(0, math.sqrt(b / 2), (2, 1, examples))
    values = rng.normal(0, math.sqrt(a), (2, seeds, 1)) + own + rng.normal(0, math.sqrt(e), (2, seeds, examples))
    return values[0] + shift, values[1]


def estimated(seed: int, **design: float) -> Estimate:
    rng = np.random.default_rng(seed)
    return difference(*map(measure_mean, crossed(rng, **design)))  # type: ignore[arg-type]


def test_a_t_test_finds_the_detectable_difference_in_80_percent_of_cases() -> None:
    rng = np.random.default_rng(0)
    n, spread = 12, 2.0
    truth = Estimate(0.0, spread**2 / n, n - 1)
    size = smallest_detectable(truth)
    samples = rng.normal(size, spread, (20_000, n))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue <= 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.01)
    assert power_of(size, truth) == pytest.approx(0.8, abs=1e-6)
    assert power_of(0.0, truth) == pytest.approx(0.05, abs=1e-3), "no difference: the false alarms alone"


@pytest.mark.parametrize("df", [2.0, 7.5, 60.0])
@pytest.mark.parametrize("shift", [0.5, 2.0, 3.5])
def test_power_is_that_of_the_noncentral_t_distribution(df: float, shift: float) -> None:
    critical = stats.t.ppf(0.975, df)
    expected = stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)
    assert power_of(shift, Estimate(0.0, 1.0, df)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("level", [0.05, 0.05 / 21])
def test_the_detectable_difference_grows_as_the_level_falls_and_shrinks_with_the_variance(level: float) -> None:
    size = smallest_detectable(Estimate(0.0, 1.0, 20), level=level)
    assert smallest_detectable(Estimate(0.0, 1.0, 20), level=level / 2) > size
    assert smallest_detectable(Estimate(0.0, 0.25, 20), level=level) == pytest.approx(size / 2)
    assert smallest_detectable(Estimate(0.0, 1.0, 5), level=level) > size


def test_more_seeds_are_foretold_from_few() -> None:
    design = {"a": 1.0, "b": 40.0, "e": 100.0}
    truth = 2 * (design["a"] / 20 + design["e"] / (20 * 200)) + design["b"] / 200
    foretold = []
    for seed in range(150):
        parts = estimated(seed, seeds=5, examples=200, **design).parts
        assert parts is not None
        foretold.append(parts.with_seeds(20).estimate(0.0).variance)
    assert np.mean(foretold) == pytest.approx(truth, rel=0.1)


def test_as_many_seeds_as_there_are_change_nothing() -> None:
    found = estimated(3, seeds=6, examples=100, a=1.0, b=5.0, e=20.0)
    assert found.parts is not None
    again = found.parts.with_seeds(6).estimate(found.value)
    assert again.variance == pytest.approx(found.variance)
    assert again.df == pytest.approx(found.df)


def test_advised_seeds_find_the_margin_in_four_of_five_cases() -> None:
    design = {"a": 4.0, "b": 0.5, "e": 10.0}
    known = estimated(1, seeds=400, examples=300, **design)
    margin = 1.5
    advice = advise(known, margin=margin, level=0.05, has_seeds=True)
    assert advice is not None
    seeds = advice.seeds_for_margin
    assert seeds is not None
    rng = np.random.default_rng(5)
    found = [
        difference(
            *map(measure_mean, crossed(rng, seeds=seeds, examples=300, shift=margin, **design))
        ).p_value() <= 0.05
        for _ in range(600)
    ]  # fmt: skip
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_where_the_examples_are_too_few_no_number_of_seeds_is_advised_but_more_examples_are() -> None:
    found = estimated(2, seeds=8, examples=100, a=0.01, b=100.0, e=1.0)
    advice = advise(found, margin=0.5, level=0.05, has_seeds=True)
    assert advice is not None
    assert advice.seeds_for_margin is None
    assert advice.detectable_with_many_seeds > 0.5
    assert advice.examples_factor is not None
    # (1.96 + 0.84)^2 b / n = margin^2 for many seeds and examples.
    assert 100 * advice.examples_factor == pytest.approx((1.96 + 0.84) ** 2 * 100 / 0.25, rel=0.35)


def test_without_variance_there_is_no_advice() -> None:
    same = measure_mean(np.full((3, 40), 0.25))
    assert advise(difference(same, same), margin=0.01, level=0.05, has_seeds=True) is None


def test_the_comparison_says_what_its_leading_pair_could_have_shown() -> None:
    rng = np.random.default_rng(0)
    rights = {"cnn": rng.random((5, 200)) < 0.80, "gru": rng.random((5, 200)) < 0.81}
    report = compared(rights)
    [pair] = report.pairs
    assert pair.power is not None
    assert pair.power.detectable >= pair.power.detectable_with_many_seeds
    assert "would be found with 80% power" in report.advice
    assert "0.5 points" in report.advice


def test_the_advice_blames_the_test_split_only_where_more_examples_would_help() -> None:
    rng = np.random.default_rng(1)
    lucky = rng.uniform(0.2, 1.0, (2, 5, 1))
    varies = {"cnn": rng.random((5, 300)) < lucky[0], "gru": rng.random((5, 300)) < lucky[1]}
    advice = compared(varies).advice
    assert "Even 1,000 seeds each would not find 0.5 points" in advice
    assert "test examples" not in advice
    steady = {"cnn": np.repeat(rng.random((1, 300)) < 0.8, 5, 0), "gru": np.repeat(rng.random((1, 300)) < 0.8, 5, 0)}
    advice = compared(steady).advice
    assert "No number of seeds finds 0.5 points: 300 test examples allow" in advice
    assert "of them." in advice


def test_the_advice_says_how_many_pairs_it_is_corrected_for() -> None:
    rng = np.random.default_rng(2)
    rights = {name: rng.random((5, 200)) < 0.8 for name in ("cnn", "gru", "lstm")}
    assert "with 80% power among all 3 pairs" in compared(rights).advice


def test_a_difference_that_cannot_be_is_not_named() -> None:
    """Two seeds that disagree leave one degree of freedom: by the formula only thousands of points would be found."""
    rights = {"cnn": np.ones((2, 50), bool), "gru": np.ones((2, 50), bool)}
    rights["cnn"][0] = np.arange(50) % 2 == 0
    report = compared(rights)
    [pair] = report.pairs
    assert pair.power is not None
    assert pair.power.detectable > 1
    assert "even the largest possible difference, 100 points, could be missed" in report.advice
    assert "e+" not in report.advice
