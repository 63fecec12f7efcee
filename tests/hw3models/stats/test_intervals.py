"""Variances against closed forms and brute force, intervals against simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from hw3models.stats.intervals import (
    MAX_GROUPS,
    Measured,
    bounded_interval,
    difference,
    estimate,
    jackknife_groups,
    measure_mean,
)


def crossed(rng: np.random.Generator, num_seeds: int, num: int, a: float, b: float, e: float) -> np.ndarray:
    """Values (S, n) of the crossed random-effects model with standard deviations a (seeds), b (examples), e (rest)."""
    return a * rng.normal(size=(num_seeds, 1)) + b * rng.normal(size=num) + e * rng.normal(size=(num_seeds, num))


# ----------------------------------------------------------------------------------------- variances


def test_leaving_each_example_out_of_a_mean_is_exact() -> None:
    values = np.random.default_rng(0).normal(size=(3, 7))
    measured = measure_mean(values)
    np.testing.assert_allclose(measured.per_seed, values.mean(axis=1))
    for i in range(7):
        np.testing.assert_allclose(measured.left_out[:, i], np.delete(values, i, axis=1).mean(axis=1))


def test_one_seed_gives_the_classic_t_interval() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=(1, 50))
    found = estimate(measure_mean(values))
    assert found.variance == pytest.approx(values.var(ddof=1) / 50)
    assert found.df == pytest.approx(49)
    expected = stats.t.interval(0.95, 49, values.mean(), stats.sem(values[0]))
    np.testing.assert_allclose(found.interval(0.95), expected)


def test_the_variance_is_that_of_the_two_way_analysis_of_variance() -> None:
    """(MS_seeds + MS_examples - MS_rest) / (nS), by sums of squares (Searle et al. 1992, the crossed model)."""
    num_seeds, num = 6, 30
    values = crossed(np.random.default_rng(2), num_seeds, num, 0.8, 1.0, 0.7)
    seeds, examples = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    of_seeds = num * np.square(seeds - values.mean()).sum() / (num_seeds - 1)
    of_examples = num_seeds * np.square(examples - values.mean()).sum() / (num - 1)
    of_rest = np.square(values - seeds - examples + values.mean()).sum() / ((num_seeds - 1) * (num - 1))
    found = estimate(measure_mean(values))
    parts = np.array([of_seeds, of_examples, of_rest]) / (num * num_seeds)
    assert found.variance == pytest.approx(parts[0] + parts[1] - parts[2])
    df = np.array([num_seeds - 1, num - 1])
    own = np.array([parts[0], parts[1] - parts[2]])
    assert found.df == pytest.approx(found.variance**2 / np.sum(own**2 / (df + 1)) - 1)


def test_the_variance_is_never_less_than_that_of_the_seeds_alone() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = crossed(rng, 3, 12, 0, 0, 1)
        found = estimate(measure_mean(values))
        assert found.variance >= values.mean(axis=1).var(ddof=1) / 3 - 1e-12
        assert found.df >= 1


def test_seeds_that_agree_count_as_one() -> None:
    values = np.random.default_rng(4).normal(size=(1, 40))
    one, five = estimate(measure_mean(values)), estimate(measure_mean(np.repeat(values, 5, axis=0)))
    assert five.variance == pytest.approx(one.variance)
    assert five.df == pytest.approx(one.df)


def test_a_difference_pairs_examples_but_not_seeds() -> None:
    rng = np.random.default_rng(5)
    examples = 5 * rng.normal(size=200)
    a, b = (examples + crossed(rng, seeds, 200, 0.1, 0, 0.1) for seeds in (4, 7))
    found = difference(measure_mean(a), measure_mean(b))
    assert found.value == pytest.approx(a.mean() - b.mean())
    of_seeds = a.mean(axis=1).var(ddof=1) / 4 + b.mean(axis=1).var(ddof=1) / 7
    of_examples = (a.mean(axis=0) - b.mean(axis=0)).var(ddof=1) / 200
    assert found.variance == pytest.approx(of_seeds + of_examples, rel=0.1)
    assert found.variance < estimate(measure_mean(a)).variance / 10


def test_one_seed_each_gives_the_paired_t_test() -> None:
    a, b = np.random.default_rng(6).normal(size=(2, 1, 60))
    found, expected = difference(measure_mean(a), measure_mean(b)), stats.ttest_rel(a[0], b[0])
    assert found.p_value() == pytest.approx(expected.pvalue)
    np.testing.assert_allclose(found.interval(0.9), expected.confidence_interval(0.9))


# -------------------------------------------------------------------------------------------- groups


def test_groups_are_even_overall_and_within_each_class() -> None:
    labels = np.repeat([0, 1, 2], [400, 81, 30])
    groups = jackknife_groups(labels)
    sizes = np.bincount(groups, minlength=MAX_GROUPS)
    assert sizes.max() - sizes.min() <= 1
    for label in range(3):
        of_class = np.bincount(groups[labels == label], minlength=MAX_GROUPS)
        assert of_class.max() - of_class.min() <= 1


def test_groups_are_random_but_always_the_same() -> None:
    labels = np.zeros(200, int)
    np.testing.assert_array_equal(jackknife_groups(labels), jackknife_groups(labels))
    assert not np.array_equal(jackknife_groups(labels), np.arange(200) % MAX_GROUPS)


def test_few_examples_are_a_group_each() -> None:
    assert sorted(jackknife_groups(np.arange(7) % 2)) == list(range(7))


def test_forty_groups_measure_what_every_single_example_does() -> None:
    values = np.random.default_rng(7).normal(size=(1, 4000))
    groups = jackknife_groups(np.zeros(4000, int))
    left_out = np.array([[values[0, groups != g].mean() for g in range(MAX_GROUPS)]])
    found = estimate(Measured(values.mean(axis=1), left_out, 4000))
    # 39 degrees of freedom: the estimate's relative standard error is sqrt(2 / 39) = 0.23.
    assert found.variance == pytest.approx(values.var() / 4000, rel=0.6)
    assert found.df == pytest.approx(39)


# ----------------------------------------------------------------------------------------- edge cases


def test_values_that_never_change_give_an_interval_without_width() -> None:
    found = estimate(measure_mean(np.full((5, 30), 0.37)))
    low, high = found.interval()
    assert low == high == pytest.approx(0.37)
    assert difference(measure_mean(np.full((5, 30), 0.37)), measure_mean(np.full((5, 30), 0.37))).p_value() == 1


def test_forty_of_forty_right_is_no_proof_of_perfection() -> None:
    """Wilson's interval by its textbook formula: 1 / (1 + z^2 / n) to 1."""
    low, high = bounded_interval(measure_mean(np.ones((5, 40)), is_share=True), lowest=0, highest=1)
    assert low == pytest.approx(1 / (1 + stats.norm.ppf(0.975) ** 2 / 40))
    assert high == 1
    low, high = bounded_interval(measure_mean(np.zeros((1, 40)), is_share=True), lowest=0, highest=1)
    assert low == 0
    assert 0.08 < high < 0.09


def test_one_seed_of_a_share_gives_wilsons_interval() -> None:
    right = (np.arange(400) < 60).astype(float)[None]
    expected = stats.binomtest(60, 400).proportion_ci(0.95, method="wilson")
    # Student's t with 399 degrees of freedom, and n - 1 instead of n in the variance.
    np.testing.assert_allclose(bounded_interval(measure_mean(right, is_share=True)), expected, atol=5e-4)


def test_a_single_wrong_answer_of_one_seed_does_not_narrow_the_interval() -> None:
    right = np.ones((5, 40))
    perfect = bounded_interval(measure_mean(right, is_share=True))
    right[2, 7] = 0
    assert bounded_interval(measure_mean(right, is_share=True))[0] < perfect[0]


def test_an_interval_stays_within_the_range_of_its_metric() -> None:
    values = np.abs(np.random.default_rng(8).normal(size=(2, 5)))
    assert estimate(measure_mean(values)).interval()[0] < 0
    assert bounded_interval(measure_mean(values), lowest=0)[0] == 0


def test_shares_without_a_single_disagreement_keep_some_doubt() -> None:
    """Agresti and Min (2005) for b = c = 0: the half width is z / (n + 2)."""
    same = measure_mean(np.ones((1, 98)), is_share=True)
    low, high = difference(same, same).interval(0.95)
    assert high == pytest.approx(stats.t.ppf(0.975, 97) / 100)
    assert low == -high


def test_a_metric_that_exists_on_no_smaller_test_split_tells_nothing() -> None:
    lost = Measured(np.array([0.5, 0.7]), np.empty((2, 0)), 2)
    assert bounded_interval(lost, lowest=0, highest=1) == (0, 1)
    found = difference(lost, lost)
    assert (found.p_value(), math.isinf(found.variance)) == (1, True)


# ---------------------------------------------------------------------------------------- simulation


@pytest.mark.parametrize(
    ("a", "b", "e"), [(0.1, 1.0, 0.5), (0.3, 0.3, 1.0), (0.05, 1.0, 0.0)], ids=["examples", "seeds", "no rest"]
)
def test_95_percent_intervals_hold_the_truth_95_percent_of_the_time(a: float, b: float, e: float) -> None:
    rng = np.random.default_rng(9)
    hits = 0
    for _ in range(800):
        low, high = estimate(measure_mean(crossed(rng, 5, 200, a, b, e))).interval(0.95)
        hits += low <= 0 <= high
    assert 0.92 <= hits / 800 <= 0.98


def test_intervals_of_accuracies_hold_the_truth_95_percent_of_the_time() -> None:
    """Right where a crossed normal value exceeds a threshold: the share right is known in closed form."""
    rng = np.random.default_rng(10)
    truth, hits = stats.norm.cdf(1 / math.sqrt(0.2**2 + 1 + 0.5**2)), 0
    for _ in range(800):
        right = (1 + crossed(rng, 5, 200, 0.2, 1, 0.5) > 0).astype(float)
        low, high = bounded_interval(measure_mean(right, is_share=True), lowest=0, highest=1)
        hits += low <= truth <= high
    assert 0.92 <= hits / 800 <= 0.98
