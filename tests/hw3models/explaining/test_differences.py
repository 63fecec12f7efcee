"""Where families differ, on made predictions whose differences have a known cause."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.explaining.differences import Property, differences, findings, properties_of
from hw3models.explaining.questions import Questions

NUM = 240


def table(family: str, right: NDArray[np.bool_]) -> PredictionTable:
    """Three seeds that are right on the same examples."""
    labels = np.arange(NUM) % 2
    said = np.where(right, labels, 1 - labels)
    probabilities = np.repeat(np.eye(2, dtype=np.float32)[said][None], 3, axis=0)
    index = np.arange(NUM)
    return PredictionTable(
        family=family,
        data_digest="0" * 16,
        seeds=(0, 1, 2),
        test_index=index,
        labels=labels,
        probabilities=probabilities,
    )


def numbers_table(family: str, truth: NDArray[np.float64], error: NDArray[np.float64]) -> PredictionTable:
    """Three seeds that are as far off as `error` (n,), above the number."""
    return PredictionTable(
        family=family,
        data_digest="0" * 16,
        seeds=(0, 1, 2),
        test_index=np.arange(NUM),
        labels=np.zeros(NUM, np.int64),
        predicted=np.repeat((truth + error)[None], 3, axis=0),
        targets=truth,
    )


def questions(lengths: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> Questions:
    values = np.random.default_rng(5).normal(size=(NUM, 20, 2)).astype(np.float32)
    values[np.arange(20) >= lengths[:, None]] = np.nan
    return Questions(name="made", examples=values, rows=np.arange(NUM), labels=np.arange(NUM) % 2, groups=groups)


def test_a_family_that_fails_on_short_series_is_found_out() -> None:
    lengths = np.random.default_rng(0).integers(5, 21, NUM)
    asked = questions(lengths)
    short = lengths < 10
    tables = {"cnn": table("cnn", np.ones(NUM, bool)), "mlp": table("mlp", ~short)}
    properties = properties_of(asked, ("a", "b"), ())
    assert [one.name for one in properties] == ["class", "length", "energy of channel 0", "energy of channel 1"]
    [said] = differences(tables, "cnn", properties, None)
    number = int(short.sum())
    assert said.startswith(
        f"CNN and MLP differ on {number} of 240 test examples, by most of their seeds: CNN alone is "
    )
    assert f"right on {number}, MLP alone on 0." in said
    assert "What goes with it: length: in the lowest third CNN is" in said
    assert "points ahead, in the highest 0 points ahead (p 0.002)." in said
    assert "class" not in said


def test_of_numbers_is_told_where_one_is_further_off() -> None:
    lengths = np.random.default_rng(0).integers(5, 21, NUM)
    asked = questions(lengths)
    truth = np.random.default_rng(1).normal(100, 5, NUM)
    short = lengths < 10
    errors = {"cnn": np.where(short, 0.5, 0.4), "mlp": np.where(short, 10.5, 0.5)}
    tables = {name: numbers_table(name, truth, error) for name, error in errors.items()}
    properties = properties_of(replace(asked, targets=truth), ("a", "b"), ())
    assert properties[0].name == "the number"
    [said] = differences(tables, "cnn", properties, None)
    assert said.startswith("CNN is nearer to the number than MLP on ")
    assert "of 240 test examples, and MLP than CNN on 0, on average" in said
    assert "length: in the lowest third CNN is" in said
    assert "standard deviations nearer, in the highest 0.02 standard deviations nearer (p" in said


def test_a_class_and_a_group_are_named() -> None:
    groups = np.arange(NUM) // 40
    asked = questions(np.full(NUM, 20), groups)
    odd = np.arange(NUM) % 2 == 1
    properties = properties_of(asked, ("no", "yes"), (), tuple(f"subject {g}" for g in range(6)))
    tables = {"cnn": table("cnn", ~(groups == 3)), "mlp": table("mlp", np.ones(NUM, bool)), "gru": table("gru", ~odd)}
    by_group, by_class = differences(tables, "cnn", properties, groups)
    assert "CNN is 0 points ahead, on 'subject 3' 100 points behind (p 0.002)" in by_group
    assert "class" not in by_group
    assert "class: on 'yes' CNN is 83 points ahead, on 'no' 17 points behind (p 0.002)" in by_class


def test_what_goes_with_groups_is_not_taken_for_a_rule_about_examples() -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(NUM) // 40
    # Lengths differ between groups, and so does who is right; within a group nothing goes with length.
    freely, within = [], []
    for _ in range(10):
        length = Property("length", (groups * 10 + rng.integers(0, 3, NUM)).astype(np.float64))
        gap = (groups >= 3).astype(float) - 0.1 * rng.integers(0, 2, NUM)
        freely.append(findings(gap, [length], None)[0].p_value)
        within.append(findings(gap, [length], groups)[0].p_value)
    assert max(freely) < 0.001
    assert np.mean(np.array(within) <= 0.05) <= 0.2


def test_nothing_is_found_where_families_differ_by_chance() -> None:
    rng = np.random.default_rng(1)
    properties = [Property(f"energy of {c}", rng.normal(size=60)) for c in range(4)]
    hits = sum(findings(rng.normal(size=60), properties, None)[0].p_value <= 0.05 for _ in range(20))
    assert hits <= 4
