"""The simulation of fresh training sets in small: docs/estimand.md is made by `python -m benchmarks.estimand`."""

import numpy as np
import pytest
from scipy import stats

from hw3models.simulation.training_set_arithmetic import Parts, Test, rates, variances
from hw3models.simulation.training_sets import (
    CASES,
    DESIGNS,
    FIXED,
    NETWORKS,
    NUM_TEST,
    SEEDS,
    Case,
    Design,
    answers,
    as_seeds,
    corrected,
    draw,
    findings,
    right,
    with_fixed,
)

RNG = np.random.default_rng(0)


def skilled(*means: float, num: int = 400) -> np.ndarray:
    """A family whose replicates are right on these shares of the examples."""
    return (RNG.random((len(means), num)) < np.array(means)[:, None]).astype(np.float64)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.truth}")
def test_both_families_are_tested_on_the_same_examples_and_trained_on_none_of_them(case: Case) -> None:
    first, second = draw(case, 3)
    for view, size in zip((first, second), case.num_train, strict=True):
        assert (len(view.train), len(view.test)) == (size, NUM_TEST)
        assert not np.isin(view.train, view.test).any()
    assert np.array_equal(first.labels[first.test], second.labels[second.test])
    assert not np.array_equal(draw(case, 4)[0].features, first.features)


def test_a_design_draws_from_the_training_part() -> None:
    view = draw(CASES[0], 0)[0]
    for design in DESIGNS:
        drawn = design.redraw(view, 1)
        assert np.isin(drawn, view.train).all()
        wanted = len(view.train) * (design.share or 1)
        assert len(drawn) == pytest.approx(wanted, abs=5), design.name
        assert (len(np.unique(drawn)) == len(drawn)) == (design.name != "bootstrap")
    assert [round(design.moves, 3) for design in DESIGNS] == [1, 1, 1, 0.25, 0.111]


def test_one_resample_moves_a_mean_as_much_as_the_design_says() -> None:
    """Of the mean of N numbers: r times the variance of the mean of N fresh ones."""
    view = draw(Case("", "digits", "ridge", (400, 400)), 0)[0]
    values = RNG.standard_normal(len(view.labels))
    strata = [values[view.train][view.labels[view.train] == k] for k in range(10)]
    fresh = sum(len(own) * own.var(ddof=1) for own in strata) / 400**2
    for design in DESIGNS[1:]:
        means = [values[design.redraw(view, seed)].mean() for seed in range(3000)]
        assert np.var(means) / fresh == pytest.approx(design.moves, rel=0.12), design.name


def test_a_deterministic_family_says_one_thing_on_one_training_set() -> None:
    found = answers(CASES[0], 0)
    assert found.shape == (len(DESIGNS), 2, max(SEEDS), NUM_TEST)
    assert (found[0] == found[0, :, :1]).all()
    assert (found[1] != found[1, :, :1]).any()
    assert np.array_equal(found, answers(CASES[0], 0)), "a study is the same again"


def test_networks_are_trained_by_the_engine_in_every_design() -> None:
    [case] = [one for one in NETWORKS if one.name == "digits, MLP" and one.truth == "alike"]
    found = right(case.learner, draw(case, 0)[0], range(2))
    assert found.shape == (len(DESIGNS), 2, NUM_TEST)
    assert found.mean() > 0.2
    assert not np.array_equal(found[0], found[1])


def test_the_correction_is_the_corrected_resampled_t_test_where_examples_add_nothing() -> None:
    """Rows of which all examples have one value: (1/S + 1/r) times the variance, S - 1 degrees of freedom."""
    a, b = (RNG.standard_normal((5, 1)) * np.ones(50) for _ in range(2))
    differences = (a - b)[:, 0]
    for moves in (1.0, 0.25):
        t = differences.mean() / np.sqrt((1 / 5 + 1 / moves) * differences.var(ddof=1))
        found = corrected(a, b, moves)
        assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 4), rel=1e-6)
        assert found.value == pytest.approx(differences.mean())


def test_resamples_add_to_what_seeds_alone_say_and_never_take_away() -> None:
    fixed = skilled(0.8, 0.8, 0.8, 0.8, 0.8), skilled(0.75, 0.75, 0.75, 0.75, 0.75)
    plain = as_seeds(*fixed)
    lively = skilled(0.9, 0.6, 0.8, 0.7, 0.85), skilled(0.7, 0.8, 0.6, 0.9, 0.75)
    assert with_fixed(fixed, fixed, 1.0).variance == plain.variance
    found = with_fixed(fixed, lively, 1.0)
    assert found.value == plain.value
    assert found.variance > plain.variance
    assert with_fixed(fixed, lively, 0.25).variance > found.variance


def test_findings_count_both_ways() -> None:
    """Twenty studies in which the first family is better and five in which the second is."""
    good, bad = (np.broadcast_to(np.arange(NUM_TEST) < num, (max(SEEDS), NUM_TEST)) for num in (280, 150))
    studies = np.array([[[good, bad]] * len(DESIGNS)] * 20 + [[[bad, good]] * len(DESIGNS)] * 5)
    of_fixed = [one for one in findings(CASES[0], studies) if one.design == FIXED.name]
    assert [one.seeds for one in of_fixed] == list(SEEDS)
    for one in of_fixed:
        assert (one.found, one.other_way, one.studies) == (1, 0.2, 25)
        assert one.low < 1 == one.high
    assert Design("subsample 80%", 0.8).moves == pytest.approx(0.25)


@pytest.mark.parametrize("test", ["as seeds", "corrected", "with fixed"])
def test_what_is_said_on_paper_is_what_normal_numbers_do(test: Test) -> None:
    """Twenty thousand studies with known variances: the border is that of the variance that the test takes."""
    parts, seeds, moves = Parts(0.5, 1.0), 5, 1.0
    luck = RNG.standard_normal((20_000, 1)) * np.sqrt(parts.training) + RNG.standard_normal((20_000, 1))
    of_one = parts.seeds + (0 if test == "with fixed" else moves * parts.training)
    values = (luck + np.sqrt(of_one) * RNG.standard_normal((20_000, seeds))).mean(1)
    true, taken = variances(parts, seeds, test, moves)
    assert values.var() == pytest.approx(true, rel=0.04)
    alarms, power = rates(parts, seeds, test, moves)
    assert (np.abs(values) > 1.96 * np.sqrt(taken)).mean() == pytest.approx(alarms, abs=0.008)
    wanted = 2.8016 * np.sqrt(variances(parts, seeds, "with fixed", moves)[0])
    assert (values + wanted > 1.96 * np.sqrt(taken)).mean() == pytest.approx(power, abs=0.012)


def test_only_replicates_of_both_kinds_hold_the_level_and_the_power() -> None:
    parts = Parts(0.5, 1.0)
    assert rates(parts, 5, "with fixed", 1.0) == pytest.approx((0.05, 0.8), abs=1e-3)
    assert rates(parts, 5, "as seeds", 1.0)[0] > 0.09
    assert rates(parts, 5, "corrected", 1.0)[1] < 0.65
    assert rates(Parts(0.5, 0), 5, "corrected", 1.0)[0] == pytest.approx(0.05), "exact where seeds do not vary"
