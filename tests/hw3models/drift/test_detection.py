"""Drift that is there is found and named; where there is none, alarms are as rare as promised."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, chi2_contingency, hypergeom

from hw3models.drift import Side, detect
from hw3models.drift.classifier import tell_apart
from hw3models.drift.summaries import summaries
from hw3models.drift.units import Units
from hw3models.errors import DataError
from hw3models.specs import DriftReport

STEPS, CHANNELS = 30, 3


def series(rng: np.random.Generator, num: int = 200, *, correlation: float = 0.3) -> NDArray[np.float32]:
    """Stationary AR(1) with unit variance, whatever the correlation."""
    found = rng.normal(size=(num, STEPS, CHANNELS))
    for step in range(1, STEPS):
        found[:, step] = correlation * found[:, step - 1] + np.sqrt(1 - correlation**2) * found[:, step]
    return found.astype(np.float32)


def look(reference: NDArray[np.float32], new: NDArray[np.float32]) -> DriftReport:
    return detect(Side(examples=reference), Side(examples=new), kind="sequences", num_classes=2)


def drifted(report: DriftReport) -> set[str]:
    return {test.what for test in report.tests if test.drifted}


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(0)
    repeats = 200
    classes = rng.integers(0, 3, (repeats, 2, 60))
    alarms = 0
    for one in classes:
        sides = [Side(examples=series(rng, 60), classes=labels) for labels in one]
        # However small a difference may be: then only the level protects.
        found = detect(*sides, kind="sequences", num_classes=3, smallest=1e-9)
        alarms += any(test.drifted for test in found.tests)
    # At most 5% of the looks; 99.9% of such experiments stay below this.
    assert alarms <= binom.ppf(0.999, repeats, 0.05)


def test_a_shift_of_one_channel_is_named_with_its_size() -> None:
    rng = np.random.default_rng(1)
    new = series(rng)
    new[:, :, 1] += 0.7
    report = look(series(rng), new)
    assert "mean of channel 1" in drifted(report)
    assert not {name for name in drifted(report) if name.endswith(("channel 0", "channel 2"))}
    assert report.verdict.startswith("Drift: mean of channel 1 (median")


def test_a_change_of_scale_is_found() -> None:
    rng = np.random.default_rng(2)
    new = series(rng)
    new[:, :, 2] *= 1.4
    assert "deviation of channel 2" in drifted(look(series(rng), new))


def test_a_change_that_no_single_step_shows_is_found() -> None:
    rng = np.random.default_rng(3)
    report = look(series(rng), series(rng, correlation=0.6))
    assert {"lag-1 correlation of channel 0", "all summaries together"} <= drifted(report)


def test_other_shares_of_the_classes_are_found_and_counted() -> None:
    rng = np.random.default_rng(4)
    old, new = np.repeat([0, 1], [150, 50]), np.repeat([0, 1], [80, 120])
    report = detect(
        Side(examples=series(rng), classes=old),
        Side(examples=series(rng), classes=new),
        kind="sequences",
        num_classes=2,
        classes_are="predicted",
    )
    assert "shares of the classes (predicted)" in drifted(report)
    assert "35.0% of the examples are in other classes than before" in report.verdict


def test_rare_classes_raise_alarms_as_rarely_as_a_late_look_asks_for() -> None:
    # Six examples of the second class: chi-squared's own distribution says a fifth of the probability.
    old, new = np.repeat([0, 1], [299, 1]), np.repeat([0, 1], [95, 5])
    rng = np.random.default_rng(10)
    sides = [Side(examples=series(rng, len(classes)), classes=classes) for classes in (old, new)]
    report = detect(*sides, kind="sequences", num_classes=2, level=0.001)
    [test] = [test for test in report.tests if test.test == "chi-squared"]
    exact = hypergeom(400, 6, 100).sf(4)
    assert test.p_value == pytest.approx(exact, rel=0.25)
    assert chi2_contingency([[299, 1], [95, 5]], correction=False).pvalue < exact / 3


def test_a_model_that_does_worse_leads_the_verdict() -> None:
    rng = np.random.default_rng(9)
    hits = (rng.random(500) < 0.95, rng.random(400) < 0.6)
    sides = [Side(examples=series(rng)) for _ in range(2)]
    report = detect(*sides, kind="sequences", num_classes=2, hits=hits)
    assert report.verdict.startswith("Drift: accuracy of the model (")
    same = detect(*sides, kind="sequences", num_classes=2, hits=(hits[0], hits[0][:400]))
    assert "accuracy of the model" not in drifted(same)


def test_what_is_significant_but_small_is_no_drift() -> None:
    rng = np.random.default_rng(5)
    new = series(rng, 20_000)
    new[:, :, 0] += 0.02
    report = look(series(rng, 20_000), new)
    [test] = [test for test in report.tests if test.what == "mean of channel 0"]
    assert test.p_value < 1e-3
    assert not report.drifted
    assert report.verdict.startswith("No drift found: 20,000 new examples against 20,000 of the training data")


def test_summaries_of_shorter_series_are_those_of_their_own_steps() -> None:
    rng = np.random.default_rng(6)
    whole = series(rng, 5)
    cut = whole.copy()
    cut[:, 20:] = np.nan
    ours, theirs = summaries(cut, "sequences"), summaries(whole[:, :20], "sequences")
    for name, numbers in theirs.items():
        np.testing.assert_allclose(ours[name], numbers, atol=1e-12)
    np.testing.assert_allclose(theirs["mean of channel 1"], whole[:, :20, 1].mean(1), atol=1e-6)
    np.testing.assert_allclose(theirs["deviation of channel 1"], whole[:, :20, 1].std(1), atol=1e-6)


def test_images_are_summed_up_too() -> None:
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (60, 28, 28)).astype(np.float32)
    darker = images * 0.7
    report = detect(Side(examples=images), Side(examples=darker), kind="images", num_classes=10)
    assert "mean brightness" in drifted(report)


def test_too_few_examples_are_refused() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(DataError, match="the new data have 5 examples, at least 20 are needed"):
        look(series(rng), series(rng, 5))


def windows(
    rng: np.random.Generator, num_groups: int, size: int = 20, *, alike: float = 0.5, channels: int = CHANNELS
) -> Side:
    """Groups of alike series: a level of the group's own, `alike` of the variance, in every channel."""
    num = num_groups * size
    levels = np.repeat(rng.normal(size=(num_groups, channels)), size, axis=0)
    means = np.sqrt(alike) * levels + np.sqrt(1 - alike) * rng.normal(size=(num, channels))
    values = means[:, None] + rng.normal(size=(num, 6, channels))
    # What a model says depends on the group as well.
    classes = (means[:, 0] > 0).astype(np.int64)
    return Side(examples=values.astype(np.float32), classes=classes, groups=np.repeat(np.arange(num_groups), size))


def other_groups(side: Side, first: int) -> Side:
    assert side.groups is not None
    return replace(side, groups=side.groups + first)


def test_new_groups_of_the_same_world_are_not_called_drift() -> None:
    rng = np.random.default_rng(0)
    repeats, alarms, without = 120, 0, 0
    for repeat in range(repeats):
        reference, new = (windows(rng, num, channels=1) for num in (24, 12))
        new = other_groups(new, 100)
        hits = (reference.classes == 1, new.classes == 1)  # right or wrong by groups, too
        given = {"kind": "sequences", "num_classes": 2, "hits": hits}
        alarms += detect(reference, new, hit_groups=(reference.groups, new.groups), **given).drifted
        if repeat < 40:
            without += detect(replace(reference, groups=None), replace(new, groups=None), **given).drifted
    # At most 5% of the looks; 99.9% of such experiments stay below this. Counted as independent, 4 in 10 are alarms.
    assert alarms <= binom.ppf(0.999, repeats, 0.05)
    assert without > binom.ppf(0.999, 40, 0.05)


def test_drift_beyond_the_groups_is_found() -> None:
    rng = np.random.default_rng(1)
    new = other_groups(windows(rng, 20), 100)
    moved = replace(new, examples=new.examples + np.float32([2, 0, 0]))
    report = detect(windows(rng, 30), moved, kind="sequences", num_classes=2)
    assert {"mean of channel 0", "all summaries together"} <= drifted(report)
    assert report.num_groups == (30, 20)
    assert report.verdict.endswith("400 new examples of 20 groups against 600 of 30 groups of the training data.")
    assert {test.test for test in report.tests} >= {
        "Kolmogorov-Smirnov, groups permuted",
        "chi-squared, groups permuted",
        "classifier two-sample test, groups permuted",
    }


def test_groups_of_one_example_each_are_judged_as_examples_are() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = (series(rng, 100) for _ in range(2))
    theirs[:, :, 1] += 0.3
    plain = look(ours, theirs)
    sides = Side(examples=ours, groups=np.arange(100)), Side(examples=theirs, groups=100 + np.arange(100))
    by_groups = detect(*sides, kind="sequences", num_classes=2)
    for one, other in zip(plain.tests, by_groups.tests, strict=True):
        assert one.effect == pytest.approx(other.effect, abs=0.02), one.what
        assert one.p_value == pytest.approx(other.p_value, abs=0.06), one.what
    assert drifted(plain) == drifted(by_groups)


def test_each_group_counts_the_same_however_many_examples_it_has() -> None:
    rng = np.random.default_rng(3)
    reference, new = windows(rng, 20, 10, alike=0.0), other_groups(windows(rng, 20, 10, alike=0.0), 100)
    assert new.groups is not None
    # One of the new groups is another, and sends a hundred times as many examples as the others.
    many = np.full((1000, 6, CHANNELS), 5, np.float32)
    told = replace(
        new,
        examples=np.concatenate([new.examples, many]),
        classes=None,
        groups=np.concatenate([new.groups, np.full(1000, 119)]),
    )
    report = detect(replace(reference, classes=None), told, kind="sequences", num_classes=2)
    assert not report.drifted
    [test] = [test for test in report.tests if test.what == "mean of channel 0"]
    assert test.effect < 0.3


def test_so_few_groups_that_nothing_could_be_found_are_refused() -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(DataError, match="24 groups of the training data and 1 of the new ones, and so few cannot show"):
        detect(windows(rng, 24), other_groups(windows(rng, 1, 40), 100), kind="sequences", num_classes=2)
    with pytest.raises(DataError, match="only one side says of which groups"):
        detect(windows(rng, 24), replace(windows(rng, 24), groups=None), kind="sequences", num_classes=2)


def test_a_group_that_both_sides_have_is_in_one_fold() -> None:
    rng = np.random.default_rng(5)
    # The same people before and now, whom a classifier could tell from each other, but not the sides.
    people = rng.normal(size=(12, 3)) * 5
    ours, theirs = (np.repeat(people, 10, axis=0) + rng.normal(size=(120, 3)) for _ in range(2))
    groups = np.repeat(np.arange(12), 10)
    units = Units.of_groups((groups, groups))
    assert units.counts == (12, 12)
    accuracy, p_value = tell_apart(ours, theirs, permutations=199, rng=rng, units=units)
    assert abs(accuracy - 0.5) < 0.2
    assert p_value > 0.05


def test_numbers_that_moved_and_errors_that_grew_are_named() -> None:
    rng = np.random.default_rng(3)
    same = series(rng, 200), series(rng, 200)
    numbers, errors = rng.normal(size=(2, 200)), np.abs(rng.normal(size=(2, 200)))

    def found(shift: float, growth: float) -> set[str]:
        sides = [
            Side(examples=one, numbers=own) for one, own in zip(same, (numbers[0], numbers[1] + shift), strict=True)
        ]
        return drifted(
            detect(
                *sides, kind="sequences", num_classes=0, errors=(errors[0], growth * errors[1]), classes_are="labels"
            )
        )

    assert found(0, 1) == set()
    assert found(1, 1) == {"the numbers (labels)"}
    assert found(0, 3) == {"absolute error of the model"}


def test_numbers_of_groups_are_judged_by_groups() -> None:
    """Each person has a number of their own: other persons have others, and that is no drift."""
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(30), 10)
    own = rng.normal(size=60)
    ours, theirs = own[groups], own[groups + 30]
    sides = (
        Side(examples=series(rng, 300), numbers=ours, groups=groups),
        Side(examples=series(rng, 300), numbers=theirs, groups=groups + 30),
    )
    test = next(
        one for one in detect(*sides, kind="sequences", num_classes=0).tests if one.what == "the numbers (labels)"
    )
    assert test.test == "Kolmogorov-Smirnov, groups permuted"
    assert test.p_value > 0.05
