"""Variances against closed forms and brute force, intervals against simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hw3models.simulation.training_sets import corrected
from hw3models.stats.intervals import (
    MAX_GROUPS,
    Measured,
    bounded_interval,
    difference,
    estimate,
    jackknife_groups,
    measure_mean,
    of_median,
    of_searches,
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
    raised = np.array([parts[0], parts[1] - parts[2]]) * (1 + np.sqrt(2 / df))
    assert found.df == pytest.approx(raised.sum() ** 2 / np.sum(raised**2 / df))


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
    found = estimate(Measured(per_seed=values.mean(axis=1), left_out=left_out, num_examples=4000))
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
    """Wilson's interval by its textbook formula, with Student's quantile: 1 / (1 + t^2 / n) to 1."""
    low, high = bounded_interval(measure_mean(np.ones((5, 40)), is_share=True), lowest=0, highest=1)
    assert low == pytest.approx(1 / (1 + stats.t.ppf(0.975, 39) ** 2 / 40), rel=1e-4)
    assert high == 1
    low, high = bounded_interval(measure_mean(np.zeros((1, 40)), is_share=True), lowest=0, highest=1)
    assert low == 0
    assert high == pytest.approx(1 - 1 / (1 + stats.t.ppf(0.975, 39) ** 2 / 40), rel=1e-4)


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


def newcombe(a: np.ndarray, b: np.ndarray, level: float) -> tuple[float, float]:
    """Square-and-add limits of a difference of independent shares (Newcombe 1998, method 10), Student's quantile."""
    num, shares = len(a), (a.mean(), b.mean())
    quantile = stats.t.ppf(0.5 + level / 2, num - 1)
    (l1, u1), (l2, u2) = (
        stats.binomtest(int(one.sum()), num).proportion_ci(2 * stats.norm.cdf(quantile) - 1, method="wilson")
        for one in (a, b)
    )
    value = shares[0] - shares[1]
    return value - math.hypot(shares[0] - l1, u2 - shares[1]), value + math.hypot(u1 - shares[0], shares[1] - l2)


@pytest.mark.parametrize("share", [(0.5, 0.5), (0.8, 0.6), (0.95, 0.8), (0.98, 0.02)])
def test_shares_that_have_nothing_in_common_give_newcombes_interval(share: tuple[float, float]) -> None:
    """The second is right on as many of the examples on which the first is right as of the others: phi is 0."""
    a = np.repeat(np.arange(50) < 50 * share[0], 50) * 1.0
    b = np.tile(np.arange(50) < 50 * share[1], 50) * 1.0
    found = difference(measure_mean(a[None], is_share=True), measure_mean(b[None], is_share=True))
    for level in (0.9, 0.95, 0.999):
        np.testing.assert_allclose(found.interval(level), newcombe(a, b, level), atol=2e-4)


@pytest.mark.parametrize("discordant", [8, 20, 60])
def test_shares_that_have_nearly_all_in_common_give_the_paired_t_test(discordant: int) -> None:
    a, b = (np.arange(4000) < 3200 + more for more in (discordant, 0))
    found = difference(measure_mean(a[None] * 1.0, is_share=True), measure_mean(b[None] * 1.0, is_share=True))
    assert found.p_value() == pytest.approx(stats.ttest_rel(a * 1.0, b * 1.0).pvalue, rel=0.1)


def test_the_p_of_a_difference_is_the_level_whose_interval_ends_at_zero() -> None:
    rng = np.random.default_rng(12)
    for shift in (0.1, 0.4):
        a, b = ((crossed(rng, 5, 150, 0.3, 1, 0.5) + add > 0).astype(float) for add in (1 + shift, 1))
        found = difference(measure_mean(a, is_share=True), measure_mean(b, is_share=True))
        ends = found.interval(1 - found.p_value())
        assert min(abs(end) for end in ends) < 1e-4
        assert found.p_equivalent(abs(found.value) / 2) == 1
        margin = 2 * abs(found.value)
        inner = found.interval(1 - 2 * found.p_equivalent(margin))
        assert max(abs(end) for end in inner) == pytest.approx(margin, rel=1e-2)


def test_shares_without_a_single_disagreement_keep_some_doubt() -> None:
    """Newcombe (1998), method 10 for b = c = 0 and all right: the half width is z^2 / (n + z^2)."""
    same = measure_mean(np.ones((1, 98)), is_share=True)
    low, high = difference(same, same).interval(0.95)
    assert high == pytest.approx(1 - 1 / (1 + stats.t.ppf(0.975, 97) ** 2 / 98), rel=1e-3)
    assert low == -high


def test_a_metric_that_ends_above_has_the_limits_of_what_is_missing_to_its_end() -> None:
    rng = np.random.default_rng(4)
    lost = [np.exp(spread * rng.normal(size=(5, 1)) - 2) * rng.gamma(2, 0.5, size=(5, 80)) for spread in (0.4, 0.1)]
    missing = [measure_mean(one, bounds=(0.0, math.inf)) for one in lost]
    a, b = (measure_mean(1 - one, bounds=(-math.inf, 1.0)) for one in lost)
    low, high = estimate(missing[0]).interval()
    assert estimate(a).interval() == pytest.approx((1 - high, 1 - low))
    assert (
        estimate(a).value - estimate(a).limit(0.025, upper=False) > 1.2 * (high - low) / 2
    )  # a bad seed is rarer and worse
    assert difference(a, b).interval() == pytest.approx(difference(missing[1], missing[0]).interval())
    assert difference(a, b).p_value() == pytest.approx(difference(missing[1], missing[0]).p_value())


def test_seeds_far_from_the_ends_have_students_limits() -> None:
    values = 0.5 + 0.001 * np.random.default_rng(13).normal(size=(5, 1)) + np.zeros((5, 4000))
    low, high = estimate(measure_mean(values, bounds=(0, 1))).interval(0.95)
    half = stats.t.ppf(0.975, 4) * values.mean(axis=1).std(ddof=1) / math.sqrt(5)
    np.testing.assert_allclose((low, high), (values.mean() - half, values.mean() + half), atol=0.1 * half)


def test_one_bad_seed_near_the_ceiling_widens_the_interval_towards_the_bad_side() -> None:
    right = np.ones((5, 2000))
    right[:, :40] = 0
    right[3, :300] = 0
    found = estimate(measure_mean(right, is_share=True))
    low, high = found.interval(0.95)
    assert found.value - low > 3 * (high - found.value)


@pytest.mark.parametrize(("deviation", "acceptable"), [(0.3, (0.91, 0.98)), (1.0, (0.93, 0.99))])
def test_lognormal_seeds_are_covered(deviation: float, acceptable: tuple[float, float]) -> None:
    """Losses of seeds whose mean is exp(s^2 / 2) (Krishnamoorthy and Mathew 2003): Student's t misses it too often."""
    rng, hits = np.random.default_rng(14), 0
    for _ in range(500):
        losses = np.exp(deviation * rng.normal(size=(5, 1))) * np.ones((5, 30))
        low, high = estimate(measure_mean(losses, bounds=(0, math.inf))).interval(0.95)
        hits += low <= math.exp(deviation**2 / 2) <= high
    assert acceptable[0] <= hits / 500 <= acceptable[1]


def test_seeds_that_differ_by_orders_of_magnitude_have_limits_that_are_numbers() -> None:
    for losses in ([1e-9, 1.0, 180.0], [1e-12, 1e-12, 1e9], [0.0, 5.0, 1e9]):
        low, high = estimate(
            measure_mean(np.array(losses)[:, None] * np.ones((3, 30)), bounds=(0, math.inf))
        ).interval()
        assert 0 <= low <= np.mean(losses) <= high


def test_groups_are_left_out_whole() -> None:
    values, groups = np.random.default_rng(15).normal(size=(2, 9)), np.array([4, 4, 4, 0, 0, 7, 7, 7, 7])
    measured = measure_mean(values, groups=groups)
    without = [values[:, groups != group].mean(axis=1) for group in (0, 4, 7)]
    np.testing.assert_allclose(measured.left_out, np.stack(without, axis=1))
    assert measured.num_groups == 3


def test_examples_that_are_alike_within_groups_count_once_each() -> None:
    """Every group twenty times the same example: the interval is that of one example a group."""
    values = np.random.default_rng(16).normal(size=(3, 25))
    groups = np.repeat(np.arange(25), 20)
    repeated = estimate(measure_mean(np.repeat(values, 20, axis=1), groups=groups))
    alone = estimate(measure_mean(values))
    assert (repeated.variance, repeated.df) == pytest.approx((alone.variance, alone.df))


def test_a_metric_that_exists_on_no_smaller_test_split_tells_nothing() -> None:
    lost = Measured(per_seed=np.array([0.5, 0.7]), left_out=np.empty((2, 0)), num_examples=2)
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


def test_seeds_that_are_nested_in_searches_have_the_variance_between_searches() -> None:
    """The nested analysis of variance: MS between searches / S, with R - 1 degrees of freedom (Searle et al. 1992)."""
    rng = np.random.default_rng(11)
    searches, each, num = 4, 3, 2000
    luck = rng.normal(size=searches).repeat(each)[:, None] + 0.3 * rng.normal(size=(searches * each, 1))
    values = luck + 0.01 * rng.normal(size=(searches * each, num))
    whole = measure_mean(values)
    nested = of_searches(whole, np.arange(searches).repeat(each))
    means = values.mean(axis=1).reshape(searches, each).mean(axis=1)
    between = each * np.square(means - means.mean()).sum() / (searches - 1)
    assert nested.parts.seeds[0].variance == pytest.approx(between / (searches * each))
    assert nested.parts.seeds[0].df == searches - 1
    assert nested.value == pytest.approx(whole.value)
    np.testing.assert_array_equal(nested.per_replicate, whole.per_seed)
    assert (nested.num_networks, len(nested.per_seed)) == (12, 4)
    low, high = estimate(nested).interval()
    expected = stats.t.interval(0.95, searches - 1, means.mean(), stats.sem(means))
    assert (low, high) == pytest.approx(expected, rel=1e-3)
    # Searches of one seed each are seeds.
    alone = of_searches(whole, np.arange(searches * each))
    assert estimate(alone).interval() == pytest.approx(estimate(whole).interval())


def test_limits_of_a_median_are_order_statistics_whatever_the_distribution() -> None:
    values = np.sort(np.random.default_rng(5).normal(size=10))
    # No examples vary: what is left are the seeds.
    found = estimate(of_median(measure_mean(np.repeat(values[:, None], 50, axis=1))))
    assert found.value == pytest.approx(np.median(values))
    for rank in (2, 3, 4):
        # The chance that fewer than `rank` of ten seeds lie below their median.
        tail = stats.binom.cdf(rank - 1, 10, 0.5)
        assert found.limit(tail, upper=False) == pytest.approx(values[rank - 1], abs=0.02)
        assert found.limit(tail, upper=True) == pytest.approx(values[10 - rank], abs=0.02)
    values[0] = -1e6
    found = estimate(of_median(measure_mean(np.repeat(values[:, None], 50, axis=1))))
    low, high = found.interval()
    assert values[1] < low < values[2]
    assert values[7] < high < values[8]
    assert estimate(measure_mean(np.repeat(values[:, None], 50, axis=1))).interval()[0] < -1e5, "the mean is lost"


@pytest.mark.parametrize(("seeds", "collapse"), [(3, 0.0), (5, 0.0), (5, 0.2), (10, 0.2), (30, 0.2)])
def test_intervals_of_a_median_hold_it_where_seeds_collapse(seeds: int, collapse: float) -> None:
    rng = np.random.default_rng(seeds)
    repeats, num = 400, 40
    truth = float(stats.norm.ppf(1 - 0.5 / (1 - collapse)))
    held = 0
    for _ in range(repeats):
        examples = rng.normal(size=num)
        luck = rng.normal(size=(seeds, 1))
        values = luck + 2 * examples + 0.3 * rng.normal(size=(seeds, num))
        gone = rng.random(seeds) < collapse
        values[gone] = -20 + rng.normal(size=(int(gone.sum()), num))
        low, high = estimate(of_median(measure_mean(values))).interval()
        held += low <= truth <= high
    assert held / repeats > 0.92


@pytest.mark.parametrize("number", range(30))
def test_a_median_of_few_different_values_differs_from_zero_only_where_its_interval_leaves_it_out(number: int) -> None:
    """Limits then stay at one place over a range of error probabilities, which may be zero itself."""
    rng = np.random.default_rng(number)
    medians = [of_median(measure_mean(np.repeat(rng.integers(1, 4, (10, 1)), 20, axis=1) / 4.0)) for _ in range(2)]
    found = difference(*medians)
    for level in (0.001, 0.01, 0.0269, 0.05, 0.1, 0.2, 0.4):
        low, high = found.interval(1 - level)
        assert (found.p_value() <= level) <= (low > 0 or high < 0), (found.value, low, high, found.p_value(), level)


def test_what_examples_do_to_a_median_is_not_hidden_by_collapsed_seeds() -> None:
    rng = np.random.default_rng(9)
    examples = rng.normal(size=200)
    values = examples + 0.1 * rng.normal(size=(10, 200))
    values[:2] = -20.0
    found = of_median(measure_mean(values))
    assert found.left_out.shape[0] == 6
    assert found.parts.own_examples == pytest.approx(examples.var(ddof=1) / 200, rel=0.1)
    hidden = measure_mean(values).parts.own_examples
    assert hidden < 0.8 * found.parts.own_examples


def test_bootstraps_of_one_training_part_are_judged_by_the_corrected_test() -> None:
    rng = np.random.default_rng(8)
    shared, examples = rng.normal(size=(6, 1)), rng.normal(size=40)
    a, b = (shared + 0.5 * rng.normal(size=(6, 1)) + examples + rng.normal(size=(6, 40)) for _ in range(2))
    first, second = (replace(measure_mean(one), is_bootstrap=True) for one in (a, b))
    found, oracle = difference(first, second), corrected(a, b, 1.0)
    assert found.value == pytest.approx(oracle.value)
    assert found.variance == pytest.approx(oracle.variance)
    assert found.p_value() == pytest.approx(oracle.p_value)
    # What all replicates share does not shrink with their number.
    assert found.parts is not None
    many = found.parts.with_seeds(10_000).estimate(found.value)
    one = float((a - b).mean(axis=1).var(ddof=1))
    rest = np.square(a - b - (a - b).mean(1, keepdims=True) - (a - b).mean(0) + (a - b).mean()).sum() / (5 * 39) / 40
    assert many.variance == pytest.approx(one - rest + found.parts.own_examples, rel=1e-3)
    # One family's score as well: seeds alone would shrink it.
    assert estimate(first).variance > 3 * estimate(measure_mean(a)).variance
