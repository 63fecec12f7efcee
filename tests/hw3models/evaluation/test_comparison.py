"""Verdicts: on clear cases, on ties, on bad input, and how often they are false alarms."""

import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from hw3models.errors import DataError, DigestError, SpecError
from hw3models.evaluation.comparison import compare, tie_groups
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.specs import ComparisonReport, PairReport
from hw3models.stats.multiple_testing import holm
from tests.tables import autoencoder, classifier, compared, facts, skilled

FLIPPED = {"a better": "b better", "b better": "a better", "equivalent": "equivalent", "cannot tell": "cannot tell"}


def flat(share: float, *, num_seeds: int = 5, num: int = 400, shift: int = 0) -> Any:
    """Bool (S, n): exactly `share` right, the same examples for every seed, from example `shift` on."""
    right = np.roll(np.arange(num) < round(share * num), shift)
    return np.tile(right, (num_seeds, 1))


def pair_of(report: ComparisonReport, a: str, b: str) -> PairReport:
    return next(pair for pair in report.pairs if (pair.a, pair.b) == (a, b))


# --------------------------------------------------------------------------------------------- pairs


def test_families_that_nothing_separates_may_have_learnt_nothing_and_without_a_baseline_that_is_said() -> None:
    said = "No baseline was compared: whether any of them beats one is not known."
    coins = {name: flat(0.5, num=200) for name in ("mlp", "cnn", "majority")}
    assert said in compared({name: coins[name] for name in ("mlp", "cnn")}).verdict
    assert said not in compared(coins, baselines=["majority"]).verdict
    assert said not in compared({"gru": flat(0.95, num=1000), "cnn": flat(0.90, num=1000)}).verdict


def test_a_clear_winner_is_said_with_its_uncertainty() -> None:
    report = compared({"gru": flat(0.95, num=1000), "cnn": flat(0.90, num=1000)})
    (pair,) = report.pairs
    assert (pair.verdict, report.groups) == ("a better", (("gru",), ("cnn",)))
    assert pair.difference == pytest.approx(0.05)
    # 50 of 1,000 differences are 1, the others 0; the paired t interval is [3.6, 6.4] and symmetric.
    assert (pair.low, pair.high) == pytest.approx((0.05 - 1.9623 * 0.0069, 0.05 + 1.9623 * 0.0069), abs=1e-3)
    assert pair.sentence == "GRU beats CNN by 5.0 points [3.7, 6.4] (95%, 5 seeds, 1,000 test examples)"
    assert report.verdict == (
        "Take GRU: the best accuracy, 95.0% [93.5, 96.2], shown to beat the other family. "
        f"{pair.sentence}. This is about networks trained on this training set: another one may order them otherwise."
    )
    assert (report.take, report.reason, report.could_be_best) == ("gru", "better than all", ("gru",))


def test_swapping_two_families_turns_everything_round() -> None:
    rng = np.random.default_rng(0)
    for margin in (0.005, 0.2):
        for share in (0.80, 0.82, 0.90):
            rights = {"cnn": skilled(rng, 0.8), "gru": skilled(rng, share)}
            (one,) = compared(rights, margin=margin).pairs
            (other,) = compared(dict(reversed(rights.items())), margin=margin).pairs
            assert (one.a, one.b) == (other.b, other.a)
            assert other.verdict == FLIPPED[one.verdict]
            assert other.p_value == pytest.approx(one.p_value)
            assert (other.difference, other.low, other.high) == pytest.approx((-one.difference, -one.high, -one.low))
            if one.verdict in ("a better", "b better"):
                assert other.sentence == one.sentence


@pytest.mark.parametrize("num_seeds", [1, 5])
@pytest.mark.parametrize("share", [1.0, 0.8])
def test_identical_tables_are_never_separated(num_seeds: int, share: float) -> None:
    right = skilled(np.random.default_rng(1), share, num_seeds=num_seeds)
    (pair,) = compared({"cnn": right, "gru": right}).pairs
    assert pair.verdict in ("equivalent", "cannot tell")
    assert (pair.difference, pair.p_value) == (0, 1)


def test_identical_deterministic_tables_are_equivalent_if_there_are_enough_examples() -> None:
    for num, verdict in ((2000, "equivalent"), (100, "cannot tell")):
        right = flat(0.9, num_seeds=1, num=num)
        (pair,) = compared({"majority": right, "logistic": right}).pairs
        assert pair.verdict == verdict


def test_equivalence_names_the_margin() -> None:
    rights = {"cnn": flat(0.9, num=4000), "gru": flat(0.9, num=4000, shift=4)}
    report = compared(rights, margin=0.01)
    assert report.pairs[0].sentence.startswith(
        "CNN and GRU are equivalent within 1 point: CNN minus GRU is 0.0 points ["
    )
    assert report.verdict.startswith("Take CNN: the best mean accuracy, 90.0% [")
    assert "CNN and GRU are equivalent within 1 point: CNN minus GRU is 0.0 points [" in report.verdict
    assert report.margin == 0.01


def test_equivalence_asks_for_the_90_percent_interval_to_lie_within_the_margin() -> None:
    """Two one-sided tests at 5%: the margin is moved across the end of the 90% interval."""
    rights = {"cnn": flat(0.9), "gru": flat(0.9, shift=4)}
    (wide,) = compared(rights, margin=0.5).pairs
    assert (wide.verdict, wide.high) == ("equivalent", pytest.approx(-wide.low))
    for factor, verdict in ((1.01, "equivalent"), (0.99, "cannot tell")):
        (pair,) = compared(rights, margin=factor * wide.high).pairs
        assert pair.verdict == verdict
    # By the t test of eight differences of +-1 among 400 it ends at 1.649 standard errors; limits of shares are wider.
    assert wide.high == pytest.approx(1.649 * np.sqrt(8 / 400 / 399), rel=0.15)


def test_a_tie_says_that_the_data_cannot_separate_them() -> None:
    rng = np.random.default_rng(2)
    (pair,) = compared({"cnn": skilled(rng, 0.8), "gru": skilled(rng, 0.8)}).pairs
    assert pair.verdict == "cannot tell"
    assert re.fullmatch(
        r"CNN and GRU cannot be separated: "
        r"CNN minus GRU is -?\d\.\d points \[-\d\.\d, \d\.\d\] \(95%, 5 seeds, 400 test examples\)",
        pair.sentence,
    )


def test_a_small_but_certain_advantage_is_one_and_is_called_small() -> None:
    report = compared({"cnn": flat(0.9, num=20_000), "gru": flat(0.898, num=20_000)})
    assert report.pairs[0].verdict == "a better"
    assert report.pairs[0].sentence.endswith("; that is less than the margin of 0.5 points")
    assert "CNN beats GRU by 0.20 points [0.14, 0.26]" in report.verdict


def test_what_many_pairs_take_away_shows_in_the_interval() -> None:
    """Eight of 400 examples tell two families apart: enough for one pair, not for one of 15."""
    base = flat(0.8)
    rights = dict.fromkeys(("mlp", "lstm", "gru", "rocket", "minirocket"), base)
    (alone,) = compared({"cnn": flat(0.82), "mlp": base}).pairs
    among = pair_of(compared({"cnn": flat(0.82), **rights}), "cnn", "mlp")
    assert alone.verdict == "a better"
    # McNemar's exact test: 2 * 0.5^8.
    assert among.p_value == alone.p_value == pytest.approx(2 * 0.5**8, rel=0.6)
    assert alone.low > 0
    mixed = {name: np.roll(base, 9 * place, axis=1) for place, name in enumerate(rights)}
    tied = pair_of(compared({"cnn": flat(0.8125), **mixed}), "cnn", "mlp")
    assert tied.verdict == "cannot tell"
    assert tied.low < 0 < tied.high
    assert "for all 15 pairs together" in tied.sentence


def test_one_seed_of_a_network_is_said_to_say_nothing_about_other_seeds() -> None:
    report = compared({"cnn": flat(0.95, num_seeds=1), "majority": flat(0.5, num_seeds=1)}, baselines=["majority"])
    assert report.pairs[0].verdict == "cannot tell", "even with 45 points between them"
    assert report.pairs[0].sentence.startswith("CNN and majority class cannot be separated")
    assert report.pairs[0].sentence.endswith(
        "one seed of CNN says nothing about other seeds (CNN minus majority class is 45 points, 400 test examples)"
    )
    assert "[" not in report.pairs[0].sentence, "an interval of the examples alone would exclude zero"
    assert "With one seed, intervals of CNN count the test examples only." in report.verdict


def test_a_deterministic_baseline_misses_no_seeds() -> None:
    report = compared({"cnn": flat(0.95), "majority": flat(0.5, num_seeds=1)}, baselines=["majority"])
    assert "(95%, 5 seeds, 400 test examples)" in report.pairs[0].sentence
    assert "one seed" not in report.verdict
    same = compared({"cnn": flat(0.95), "majority": flat(0.5, num_seeds=5)}, baselines=["majority"])
    assert same.pairs[0].p_value == pytest.approx(report.pairs[0].p_value)


# ------------------------------------------------------------------------------------ Holm and groups


def test_holm_stops_at_the_first_that_fails() -> None:
    """By hand: 0.01 <= .05/4, 0.015 <= .05/3 = .0167, 0.03 > .05/2 = .025: stop, although 0.04 <= .05/1."""
    assert holm([0.03, 0.01, 0.04, 0.015]) == [False, True, False, True]
    assert holm([0.02, 0.02, 0.02, 0.02]) == [False] * 4
    assert holm([0.0125, 0.9, 0.9, 0.9]) == [True, False, False, False]
    assert holm([]) == []


def made_pair(a: str, b: str, verdict: Any) -> PairReport:
    return PairReport(a=a, b=b, metric="accuracy", difference=0, low=0, high=0, p_value=1, verdict=verdict, sentence="")


def test_a_group_ends_before_the_first_that_its_best_beats() -> None:
    """w > y, w = z: z stands behind y, since its mean is lower, though w is not shown to beat it."""
    pairs = [
        made_pair("w", "x", "cannot tell"),
        made_pair("w", "y", "a better"),
        made_pair("z", "w", "cannot tell"),
        made_pair("x", "y", "equivalent"),
        made_pair("x", "z", "a better"),
        made_pair("y", "z", "cannot tell"),
    ]
    assert tie_groups("wxyz", pairs) == (("w", "x"), ("y", "z"))
    assert tie_groups("wyzx", pairs) == (("w",), ("y", "z", "x"))


@pytest.mark.parametrize("number", range(1, 9))
def test_one_to_eight_families_are_all_in_one_group_each(number: int) -> None:
    rng = np.random.default_rng(number)
    names = ["mlp", "cnn", "lstm", "gru", "rocket", "minirocket", "logistic", "majority"][:number]
    report = compared({name: skilled(rng, 0.9 - 0.05 * i) for i, name in enumerate(names)}, baselines=names[4:])
    assert sorted(name for group in report.groups for name in group) == sorted(names)
    assert [(pair.a, pair.b) for pair in report.pairs] == list(combinations(names, 2))
    assert report.take in report.could_be_best
    assert report.groups[0][0] == report.could_be_best[0]
    assert ComparisonReport.model_validate_json(report.model_dump_json()) == report


# ------------------------------------------------------------------------------------ overall verdict


def test_networks_that_beat_no_baseline_are_told_so_first() -> None:
    rng = np.random.default_rng(3)
    rights = {"cnn": skilled(rng, 0.51), "gru": skilled(rng, 0.5), "majority": flat(0.5, num_seeds=1)}
    verdict = compared(rights, baselines=["majority"]).verdict
    assert verdict.startswith("Take ")
    assert " No network beats a baseline beyond noise. Not even the majority class is beaten: " in verdict


def test_a_baseline_that_beats_every_network_is_named_first() -> None:
    rights = {"cnn": flat(0.8), "minirocket": flat(0.9), "majority": flat(0.5, num_seeds=1)}
    report = compared(rights, baselines=["minirocket", "majority"])
    assert report.verdict.startswith("Take MiniROCKET: the best accuracy, 90.0% [")
    said = "No network beats the best baseline, MiniROCKET, beyond noise. MiniROCKET beats CNN by 10.0 points ["
    assert said in report.verdict
    assert report.verdict.count("MiniROCKET beats CNN") == 1
    assert "Shown to be beaten: CNN 80.0%, majority class 50.0%." in report.verdict


def test_a_network_that_beats_the_best_baseline_needs_no_warning() -> None:
    report = compared({"cnn": flat(0.9), "majority": flat(0.5, num_seeds=1)}, baselines=["majority"])
    assert "CNN beats majority class by 40.0 points [" in report.verdict
    assert "No network beats" not in report.verdict


def test_of_families_that_cannot_be_separated_the_best_mean_is_taken_not_the_cheapest() -> None:
    rng = np.random.default_rng(4)
    rights = {name: skilled(rng, 0.8) for name in ("mlp", "cnn", "gru")} | {"lstm": flat(0.3)}
    report = compared(rights, train_seconds={"mlp": 10.0, "cnn": 31.0, "gru": 20.0, "lstm": 1.0})
    best = max(("mlp", "cnn", "gru"), key=lambda name: rights[name].mean())
    assert (report.take, report.reason) == (best, "best mean")
    assert set(report.could_be_best) == {"mlp", "cnn", "gru"}
    assert re.match(
        r"Take \w{3}: the best mean accuracy, \d\d\.\d% \[.*\], but \w{3} and \w{3} could still be better\. "
        r"\w{3} and \w{3} cannot be separated: \w{3} minus \w{3} is -?\d\.\d points \[-\d\.\d, \d\.\d\] "
        r"\(95% for all 6 pairs together, 5 seeds",
        report.verdict,
    )
    assert "Shown to be beaten: LSTM 30.0%." in report.verdict


def close(share: float, *, lost: int, num: int = 8000) -> Any:
    """The examples of `flat(share)`, with `lost` fewer right."""
    right = flat(share, num=num)
    right[:, :lost] = False
    return right


def test_a_cheaper_family_is_taken_where_it_is_shown_to_be_within_the_margin() -> None:
    rights = {"cnn": flat(0.9, num=8000), "mlp": close(0.9, lost=4), "lstm": close(0.9, lost=400)}
    cheap = {"cnn": 30.0, "mlp": 10.0, "lstm": 1.0}
    report = compared(rights, train_seconds=cheap)
    assert (report.take, report.reason) == ("mlp", "cheaper and not worse")
    assert report.verdict.startswith(
        "Take MLP: beaten, but shown to be at most 0.5 points worse than the best, CNN, and 3.0x faster to train. "
    )
    assert "Shown to be beaten: LSTM 85.0%." in report.verdict, "the family that is taken is not among them"
    same = compared(rights | {"mlp": close(0.9, lost=1)}, train_seconds=cheap)
    assert same.verdict.startswith(
        "Take MLP: shown to be at most 0.5 points worse than the best, CNN, and 3.0x faster to train. "
    )
    few = {name: right[:, ::40] for name, right in rights.items()}
    assert compared(few, train_seconds=cheap).take == "cnn", "with 200 examples the same is not shown"
    assert compared(rights, train_seconds=cheap | {"mlp": 29.0}).take == "cnn", "a clock's noise"
    assert compared(rights, train_seconds=cheap, baselines=["mlp"]).take == "cnn", (
        "a baseline is taken only as the best"
    )


def test_cost_is_compared_per_seed() -> None:
    rights = {"cnn": flat(0.9, num=8000, num_seeds=10), "gru": close(0.9, lost=4)[:2]}
    assert compared(rights, train_seconds={"cnn": 10.0, "gru": 4.0}).take == "cnn"
    assert compared(rights, train_seconds={"cnn": 10.0, "gru": 1.0}).take == "gru"


@pytest.mark.slow
def test_the_best_of_several_is_corrected_for_being_picked() -> None:
    """Six equal families: the best mean is nearly always too good, its corrected score is not."""
    rng, above, before, held = np.random.default_rng(17), 0, 0, 0
    for _ in range(150):
        rights = {name: skilled(rng, 0.8, num=300, num_seeds=10) for name in "abcdef"}
        report = compared(rights, with_power=False)
        assert report.corrected is not None
        above += report.corrected.mean > 0.8
        before += max(rights[name].mean() for name in rights) > 0.8
        held += report.corrected.low <= 0.8 <= report.corrected.high
    assert before / 150 > 0.9
    assert 0.2 <= above / 150 <= 0.6
    assert held / 150 >= 0.93


def test_collapsed_seeds_are_counted_with_the_bound_of_their_rate() -> None:
    right = flat(0.9)
    right[2] = flat(0.5, num_seeds=1)
    report = compared({"gru": right, "cnn": flat(0.9)})
    # Clopper and Pearson: the upper 95% bound of 1 in 5 solves (1 - p)^5 + 5 p (1 - p)^4 = 0.05.
    one = report.collapses["gru"]
    assert (one.seeds, one.of) == (1, 5)
    assert (1 - one.upper) ** 5 + 5 * one.upper * (1 - one.upper) ** 4 == pytest.approx(0.05)
    assert "1 of 5 seeds of GRU collapsed (learnt next to nothing); of all seeds it may be up to 66%" in report.verdict
    assert set(report.collapses) == {"gru"}


def test_where_no_seed_has_learnt_anything_none_has_collapsed() -> None:
    """All seeds at 50 to 54% of two classes, and 400 examples: four standard errors of guessing are 10 points."""
    right = np.stack([flat(share, num_seeds=1)[0] for share in (0.5, 0.54, 0.53, 0.54, 0.53)])
    assert not compared({"cnn": right, "gru": flat(0.9)}).collapses


def test_times_of_different_devices_are_said_to_be_so() -> None:
    rng = np.random.default_rng(6)
    rights = {"cnn": skilled(rng, 0.8), "gru": skilled(rng, 0.8)}
    same = {"cnn": "cpu (x)", "gru": "cpu (x)"}
    assert "devices" not in compared(rights, devices=same).verdict
    assert (
        "The training times are of different devices: " in compared(rights, devices=same | {"cnn": "cuda (y)"}).verdict
    )
    assert "CNN on cuda (y)" in compared(rights, devices=same | {"cnn": "cuda (y)"}).verdict


def test_networks_trained_on_different_devices_are_named_even_where_one_is_best() -> None:
    rights = {"cnn": flat(0.9), "gru": flat(0.5), "majority": flat(0.3, num_seeds=1)}
    devices = {"cnn": "cuda (y)", "gru": "cpu (x)", "majority": "cpu (x)"}
    verdict = compared(rights, devices=devices, baselines=["majority"]).verdict
    assert "Devices differ: CNN on cuda (y), GRU on cpu (x)." in verdict
    alike = devices | {"gru": "cuda (y)"}
    assert "evices" not in compared(rights, devices=alike, baselines=["majority"]).verdict, "a baseline has no say"


def test_unequal_tuning_budgets_are_said() -> None:
    rights = {"cnn": flat(0.9), "gru": flat(0.5)}
    assert "budget" not in compared(rights, budgets={"cnn": 12, "gru": 12}).verdict
    verdict = compared(rights, budgets={"cnn": 12, "gru": 1}).verdict
    assert "Tuning budgets differ (recipes tried: CNN 12, GRU 1), which favours those with more." in verdict


def test_unknown_times_leave_the_cost_out() -> None:
    rights = {"cnn": flat(0.9, num=8000), "mlp": close(0.9, lost=4)}
    report = compared(rights, train_seconds={})
    assert report.take == "cnn"
    assert "faster" not in report.verdict


def test_a_single_family_has_nothing_to_be_compared_with() -> None:
    report = compared({"cnn": flat(0.9)})
    assert (report.pairs, report.groups, report.take, report.reason) == ((), (("cnn",),), "cnn", "alone")
    assert re.fullmatch(
        r"CNN alone \(90\.0% \[.*\]\): nothing to compare it with\. This is about networks trained .*", report.verdict
    )


# ------------------------------------------------------------------------------------- reconstruction


def errors_of(rng: np.random.Generator, mean: float, num_seeds: int = 5) -> Any:
    return mean * 784 * (1 + 0.1 * rng.normal(size=300) + 0.01 * rng.normal(size=(num_seeds, 300)))


def test_a_lower_reconstruction_error_is_better() -> None:
    rng = np.random.default_rng(9)
    tables = {
        "pca": autoencoder(errors_of(rng, 0.0557, 1), family="pca"),
        "autoencoder": autoencoder(errors_of(rng, 0.0359)),
    }
    report = compare(tables, metric="mse", train_seconds={"pca": 0.1, "autoencoder": 9.0}, facts=facts(tables, ["pca"]))
    (pair,) = report.pairs
    assert (pair.verdict, report.groups) == ("b better", (("autoencoder",), ("pca",)))
    assert not report.higher_is_better
    assert pair.difference > 0
    assert report.margin == pytest.approx(0.02 * tables["autoencoder"].squared_error.mean() / 784)  # type: ignore[union-attr]
    assert re.match(
        r"Autoencoder beats PCA by 0\.0\d{3} \[0\.0\d{3}, 0\.0\d{3}\] in squared error per pixel "
        r"\(95%, 5 seeds, 300 test examples\)",
        pair.sentence,
    )


def test_a_worse_autoencoder_does_not_beat_its_baseline() -> None:
    rng = np.random.default_rng(10)
    tables = {"autoencoder": autoencoder(errors_of(rng, 0.06)), "pca": autoencoder(errors_of(rng, 0.05), family="pca")}
    report = compare(tables, metric="mse", train_seconds={}, facts=facts(tables, ["pca"]))
    assert report.verdict.startswith("Take PCA: the best squared error per pixel, 0.0")
    assert "No network beats a baseline beyond noise. PCA beats autoencoder by 0.0" in report.verdict


# ----------------------------------------------------------------------------------------- bad input


def test_tables_of_different_data_are_refused_with_their_digests() -> None:
    tables = {"cnn": classifier(flat(0.9)), "gru": classifier(flat(0.9), data_digest="d2")}
    with pytest.raises(DigestError, match=r"different data: cnn d1, gru d2\. Evaluate"):
        compare(tables, train_seconds={})


def test_tables_of_different_test_examples_are_refused() -> None:
    for other in (classifier(flat(0.9, num=300)), classifier(flat(0.9), num_classes=3)):
        tables = {"cnn": classifier(flat(0.9)), "gru": other}
        with pytest.raises(DataError, match=r"test examples of gru are not those of cnn"):
            compare(tables, train_seconds={})


def test_all_faults_of_a_request_are_named_together() -> None:
    with pytest.raises(SpecError, match=r"`metric` mse cannot be computed for cnn; `margin` must be positive, got -1"):
        compare({"cnn": classifier(flat(0.9))}, metric="mse", margin=-1, train_seconds={})
    with pytest.raises(SpecError, match=r"`metric` 'mean' is not known; .*; there are no prediction tables"):
        compare({}, metric="mean", train_seconds={})


# ---------------------------------------------------------------------------------------- simulation


def test_the_same_family_twice_raises_few_false_alarms() -> None:
    """300 pairs of families with equal skill: seeds differ, examples differ in difficulty for both alike."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(300):
        difficulty = rng.normal(size=300)
        made = [1 + 0.2 * rng.normal(size=(5, 1)) + difficulty + 0.5 * rng.normal(size=(5, 300)) > 0 for _ in range(2)]
        (pair,) = compared({"cnn": made[0], "gru": made[1]}).pairs
        alarms += pair.verdict in ("a better", "b better")
    assert 0.01 <= alarms / 300 <= 0.10


def test_a_median_does_not_feel_a_seed_that_collapsed_and_says_so() -> None:
    rng = np.random.default_rng(4)
    good, worse = (rng.random((10, 400)) < level for level in (0.95, 0.85))
    good[0] = np.arange(400) % 2 == 0
    tables = {"gru": classifier(good, family="gru"), "mlp": classifier(worse)}
    report = compare(tables, train_seconds={}, facts=facts(tables))
    by_median = compare(tables, train_seconds={}, facts=facts(tables), estimand="median")
    assert (report.estimand, by_median.estimand) == ("mean", "median")
    assert report.pairs[0].verdict == "cannot tell"
    assert "`--estimand median` asks what a usual seed does" in report.verdict
    assert by_median.take == "gru"
    assert by_median.pairs[0].verdict == "a better"
    right = {name: np.median(values.mean(axis=1)) for name, values in (("gru", good), ("mlp", worse))}
    assert by_median.pairs[0].difference == pytest.approx(right["gru"] - right["mlp"])
    assert "1 of 10 seeds of GRU collapsed (learnt next to nothing), which the median hardly feels" in by_median.verdict
    assert "compared by the median over their seeds, not by the mean" in by_median.verdict
    assert "median" not in report.headline


def test_a_median_of_what_are_no_independent_seeds_is_refused() -> None:
    table = classifier(np.random.default_rng(0).random((4, 50)) < 0.9)
    tables = {"a": replace(table, search=np.array([0, 0, 1, 1])), "b": table}
    with pytest.raises(SpecError, match="`estimand: median` is of seeds that are independent"):
        compare(tables, train_seconds={}, estimand="median")


def test_bootstraps_are_compared_pair_by_pair_and_say_what_they_show() -> None:
    def drawn(seed: int) -> dict[str, PredictionTable]:
        rng = np.random.default_rng(seed)
        return {
            name: replace(classifier(rng.random((5, 300)) < level, family=name), training_resampled=True)
            for name, level in (("gru", 0.9), ("mlp", 0.8))
        }

    tables = drawn(1)
    # A seed that one family lost counts for none.
    tables["mlp"] = replace(tables["mlp"], seeds=(0, 1, 2, 3, 9))
    report = compare(tables, train_seconds={}, facts=facts(tables))
    assert report.about == "bootstraps"
    assert report.pairs[0].seeds == (4, 4)
    assert "This counts the luck of the training set, as bootstraps of it show it" in report.verdict
    assert "--resampling training" not in report.verdict + report.changes, "it is what was done"
    widths = []
    for seed in range(12):  # of one draw the few differences may happen to be alike
        both = drawn(seed)
        seeds_alone = {name: replace(one, training_resampled=False) for name, one in both.items()}
        pairs = [compare(one, train_seconds={}, facts=facts(both)).pairs[0] for one in (seeds_alone, both)]
        widths.append([pair.high - pair.low for pair in pairs])
    plain, bootstraps = np.mean(widths, axis=0)
    assert plain < bootstraps, "the luck of the training set counts as well"
