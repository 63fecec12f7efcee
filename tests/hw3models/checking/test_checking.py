"""Every planted fault is found, with its place; data without a fault are left in peace."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from hw3models.checking import DataCheck, check_data
from hw3models.checking.contents import labels
from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.targets import ranges
from hw3models.specs import DataSpec

NUM, STEPS, CHANNELS = 400, 20, 3


def values(seed: int = 0) -> NDArray[np.float32]:
    """White noise, with a class in its fourth and fifth step."""
    found = np.random.default_rng(seed).normal(size=(NUM, STEPS, CHANNELS)).astype(np.float32)
    found[::2, 4:6] += 0.8
    return found


def raw(features: NDArray[np.float32] | None = None, **changes: Any) -> Raw:
    fields = {
        "name": "planted",
        "kind": "sequences",
        "features": values() if features is None else features,
        "labels": np.arange(NUM) % 2,
        "class_names": ("even", "odd"),
        "test": np.arange(NUM) % 4 >= 2,
    }
    return Raw(**(fields | changes))


def look(data: Raw) -> DataCheck:
    return check_data(data, DataSpec(source="planted.npz"))[0]


def found(data: Raw, severity: str) -> str:
    return " | ".join(one.what for one in look(data).findings if one.severity == severity)


def test_clean_data_are_left_in_peace() -> None:
    seen = look(raw())
    assert not [one for one in seen.findings if one.severity != "note"], seen.findings
    assert (seen.train_counts, seen.test_counts, seen.num_errors) == ((100, 100), (100, 100), 0)


@pytest.mark.parametrize("source", ["regime:order", "regime:motif", "regime:dynamics", "digits"])
def test_what_the_project_makes_itself_has_no_errors(source: str, tmp_path: Path) -> None:
    spec = DataSpec(source=source, num_train=200, num_test=100)
    seen, _ = check_data(read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path), spec)
    assert seen.num_errors == 0
    assert not [one for one in seen.findings if one.severity == "warning"], seen.findings


def test_missing_and_infinite_values_are_counted_and_placed() -> None:
    features = values()
    features[3, 2:5, 1], features[7, 0, 2] = np.nan, np.inf
    errors = found(raw(features), "error")
    assert "3 values are missing, in 1 of 400 series; channel 1 (counting from 0)" in errors
    assert "1 values are infinite (or beyond 3.4e38), the first in series 7, step 0, channel 2" in errors
    features[7, 0, 2] = 0
    seen, _ = check_data(raw(features), DataSpec(source="planted.npz", missing="interpolate"))
    assert seen.num_errors == 0
    assert [one.do for one in seen.findings if "values are missing" in one.what] == [
        "they will be filled, in training and prediction alike"
    ]


def test_constant_copied_and_outlying_channels_are_named() -> None:
    features = values()
    features[:, :, 1] = 5
    assert "channel 1 is the same everywhere" in found(raw(features), "warning")
    features = values()
    features[:, :, 2] = features[:, :, 0]
    features[9, 9, 1] = 4000
    warnings = found(raw(features), "warning")
    assert "channels that are copies: 2 of 0" in warnings
    assert "channel 1 has values more than 50 interquartile ranges from its median" in warnings
    features = values()
    features[[11, 12]] = 0.5
    assert "2 series never change in any channel, the first is series 11" in found(raw(features), "warning")


def test_the_same_example_in_train_and_test_or_with_two_labels_is_an_error() -> None:
    features = values()
    features[[2, 6]] = features[[0, 4]]  # 0 and 4 train, 2 and 6 for test
    assert "2 of 200 test examples are in the training split as well; the first are examples 0, 2" in found(
        raw(features), "error"
    )
    features = values()
    features[1] = features[0]
    errors = found(raw(features), "error")
    assert "1 examples stand there with several labels; examples 0, 1" in errors
    assert "'even', 'odd'" in errors
    features = values()
    features[4] = features[0]
    assert "1 examples are repeated within a split" in found(raw(features), "warning")


def test_rare_and_absent_classes_are_named() -> None:
    labels = np.zeros(NUM, np.int64)
    labels[[0, 1, 4, 5, 8]] = 1
    warnings = found(raw(labels=labels), "warning")
    assert "fewer than 20 training examples of class 'odd'" in warnings
    assert "the largest class has 39 times the examples of the smallest" in warnings
    assert "no test example of class 'odd'" in warnings


def test_what_alone_gives_the_label_away_is_named() -> None:
    features = values()
    features[:, 0, 2] = np.arange(NUM) % 2
    assert "the first value of channel 2 alone tells the classes apart: 100%" in found(raw(features), "warning")
    lengths = np.where(np.arange(NUM) % 2, 15, STEPS)
    features = values()
    features[np.arange(STEPS) >= lengths[:, None]] = 0
    assert "the length of the series alone tells the classes apart" in found(raw(features, lengths=lengths), "warning")
    features = values()
    features[1::2, 9, 0] = np.nan
    assert "the number of missing values alone tells" in found(raw(features), "warning")


def test_leaks_are_judged_on_training_examples_alone() -> None:
    features = values()
    is_test = np.arange(NUM) % 4 >= 2
    features[is_test, 0, 2] = (np.arange(NUM) % 2)[is_test]  # in the test split only
    assert "alone tells" not in found(raw(features), "warning")


def test_examples_that_stand_together_by_class_are_a_note() -> None:
    data = raw(labels=np.repeat([0, 1], NUM // 2))
    assert "examples of a class stand together in the file: 2 runs, 200 would be expected" in found(data, "note")


def test_overlapping_windows_are_an_error_where_the_split_is_random() -> None:
    recording = np.random.default_rng(1).normal(size=(NUM * 5 + STEPS, CHANNELS)).astype(np.float32)
    windows = np.stack([recording[5 * row : 5 * row + STEPS] for row in range(NUM)])
    message = "windows overlap: in 100% of 399 neighbouring pairs the next series begins with the last 15 of 20 steps"
    assert message in found(raw(windows, test=None), "error")
    assert message in found(raw(windows), "warning")


def test_a_shift_between_train_and_test_is_named() -> None:
    features = values()
    features[np.arange(NUM) % 4 >= 2, :, 1] += 0.5
    assert "differ in the mean of 1 of 3 channels, most in channel 1" in found(raw(features), "warning")


def test_test_windows_among_training_windows_in_time_are_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"sample": np.repeat(np.arange(40), 10), "time": np.arange(400)})
    table["x"] = np.random.default_rng(0).normal(size=400)
    table["label"], table["split"] = (table["sample"] // 2) % 2, np.where(table["sample"] % 2, "test", "train")
    for late in (False, True):
        path = tmp_path / f"late{late}.csv"
        if late:
            table["split"] = np.where(table["sample"] >= 20, "test", "train")
        table.to_csv(path, index=False)
        spec = DataSpec(source=str(path))
        seen, _ = check_data(read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path), spec)
        texts = " | ".join(one.what for one in seen.findings)
        assert ("19 of 20 test series begin before the last training series ends" in texts) != late, texts


def test_infinite_values_are_found_without_warnings_of_numpy() -> None:
    features = values()
    features[::3, ::2, 1] = np.inf
    features[1::3, 1, 1] = -np.inf
    features[2::3, 1, 2] = 3e38
    assert "values are infinite (or beyond 3.4e38)" in found(raw(features), "error")


def test_what_a_study_would_refuse_is_an_error_with_the_same_words() -> None:
    assert "only one class ('even') was found" in found(
        raw(labels=np.zeros(NUM, np.int64), class_names=("even",), test=None), "error"
    )


def people(num: int, alike: float = 2.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Series whose level is their person's, the persons one after another."""
    groups = np.arange(NUM) * num // NUM
    levels = np.random.default_rng(1).normal(size=(num, 1, CHANNELS)) * alike
    return (values() + levels[groups]).astype(np.float32), groups


def test_named_groups_are_counted_for_classes_and_sides() -> None:
    features, groups = people(40)
    seen = look(raw(features, test=None, groups=groups, group_names=tuple(map(str, range(40)))))
    [note] = [one for one in seen.findings if "groups" in one.what]
    assert note.severity == "note"
    assert note.what == (
        "the examples are of 40 groups (groups): 30 in training, 10 in test; of the classes 'even' 40, 'odd' 40"
    )
    assert (seen.num_groups, seen.num_errors) == (40, 0)


def test_groups_on_both_sides_and_few_of_them_are_said() -> None:
    features, groups = people(8)
    names = tuple(map(str, range(8)))
    both = found(raw(features, groups=groups, group_names=names), "warning")
    assert "8 of the 8 test groups are in training as well, as the source splits them" in both
    few = found(raw(features, test=None, groups=groups, group_names=names), "warning")
    assert "the test split has 2 groups, fewer than 10" in few
    assert "as the source splits them" not in few
    one = found(raw(features, test=None, groups=np.zeros(NUM, np.int64), group_names=("a",)), "error")
    assert "1 group is left to divide, but 3 are needed" in one


@pytest.mark.parametrize("name", ["subject", "Patient_ID", "something"])
def test_a_channel_that_says_whose_a_series_is_is_found(name: str) -> None:
    features = values()
    features[..., 2] = (np.random.default_rng(2).integers(0, 16, NUM))[:, None]
    said = found(raw(features, channels=("x", "y", name)), "warning")
    assert f"channel '{name}' is the same within each series and repeats over several: 16 values in 400 series" in said
    [one] = [one for one in look(raw(features, channels=("x", "y", name))).findings if name in one.what]
    assert f"if so give `--group-column {name}`" in one.do


@pytest.mark.parametrize(
    "column",
    [
        np.arange(NUM) % 2,  # the label
        np.random.default_rng(3).normal(size=NUM),  # a measurement
        np.arange(NUM),  # another for every series
    ],
)
def test_other_constant_channels_are_not_taken_for_groups(column: NDArray[Any]) -> None:
    features = values()
    features[..., 2] = column[:, None]
    assert "repeats over several" not in found(raw(features, channels=("x", "y", "z")), "warning")


def test_runs_of_alike_neighbours_are_found_and_not_where_they_are_named() -> None:
    features, groups = people(40)
    said = found(raw(features, test=None), "warning")
    assert "neighbours in the file are alike: in 89% of 398" in said
    assert "cases the next example of the class is nearer than one at random" in said
    names = tuple(map(str, range(40)))
    assert "alike" not in found(raw(features, test=None, groups=groups, group_names=names), "warning")
    mixed = np.random.default_rng(4).permutation(NUM // 2)
    order = np.stack([2 * mixed, 2 * mixed + 1], 1).ravel()
    assert "neighbours" not in found(raw(features[order], test=None), "warning")


def test_windows_that_overlap_within_a_named_recording_are_left_in_peace() -> None:
    long = np.random.default_rng(5).normal(size=(NUM * 10 + STEPS, CHANNELS)).astype(np.float32)
    features = np.stack([long[10 * i : 10 * i + STEPS] for i in range(NUM)])
    assert "windows overlap" in found(raw(features, test=None), "error")
    groups = np.arange(NUM) // 20
    names = tuple(map(str, range(20)))
    assert "windows overlap" not in found(raw(features, test=None, groups=groups, group_names=names), "error")


def test_a_wide_table_whose_first_row_has_a_value_twice_is_looked_at(tmp_path: Path) -> None:
    """As most sets of the UCR archive: without a header, the first row's numbers are no names of columns."""
    rows = np.random.default_rng(0).normal(size=(80, 30)).round(4)
    rows[0, 7] = rows[0, 3]
    table = np.column_stack([np.arange(80) % 2 + 1, rows])
    np.savetxt(tmp_path / "Gun_TRAIN.tsv", table, delimiter="\t", fmt="%.6g")
    np.savetxt(tmp_path / "Gun_TEST.tsv", table + 0.01 * (np.arange(31) > 0), delimiter="\t", fmt="%.6g")
    spec = DataSpec(source=str(tmp_path / "Gun_TRAIN.tsv"))
    seen, _ = check_data(read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path), spec)
    assert (seen.shape, seen.train_counts, seen.test_counts) == ((30, 1), (40, 40), (40, 40))


def numbers(**changes: Any) -> Raw:
    """The same with a number to predict: what was added to the fourth and fifth step of each series."""
    rng = np.random.default_rng(1)
    size = rng.normal(size=NUM)
    series = values()
    series[:, 4:6] += 2 * size[:, None, None].astype(np.float32)
    labels, names = ranges(size, np.arange(NUM) % 4 >= 2, None, None)
    return raw(series, **{"labels": labels, "class_names": names, "targets": size} | changes)


def test_clean_numbers_are_left_in_peace_and_have_no_classes() -> None:
    seen = look(numbers())
    assert not [one for one in seen.findings if one.severity != "note"], seen.findings
    assert seen.task == "regression"
    assert "class" not in " ".join(one.what for one in seen.findings)


def test_numbers_of_which_a_few_are_nearly_all_of_the_variance_are_found() -> None:
    wild = numbers()
    assert wild.targets is not None
    targets = wild.targets.copy()
    targets[0] = 400.0
    text = found(replace(wild, targets=targets), "warning")
    assert "2 of 200 training labels make 99% of the variance; the furthest out is 400" in text
    assert "labels lie beyond" not in text


def test_a_number_that_most_are_is_found() -> None:
    zeros = numbers()
    assert zeros.targets is not None
    text = found(replace(zeros, targets=np.where(np.arange(NUM) % 5 > 0, 0.0, zeros.targets)), "warning")
    assert "80% of the training labels are 0" in text


def test_a_channel_that_tells_the_number_is_found() -> None:
    told = numbers()
    assert told.targets is not None
    series = told.features.copy()
    series[:, 0, 2] = told.targets
    text = found(replace(told, features=series), "warning")
    assert "the first value of channel 2 alone tells the number: 9" in text
    assert "of the variance, cross-validated on 200 training examples" in text


def test_the_same_example_with_two_numbers_is_found() -> None:
    twice = numbers()
    assert twice.targets is not None
    series, targets = twice.features.copy(), twice.targets.copy()
    series[4], targets[0], targets[4] = series[0], 1.5, 2.25
    text = found(replace(twice, features=series, targets=targets), "error")
    assert "1 examples stand there with several labels; examples 0, 4 (counting from 0) are the same" in text
    assert "are called 1.5, 2.25" in text


def test_numbers_beyond_training_are_counted() -> None:
    far = numbers()
    assert far.targets is not None
    targets = far.targets.copy()
    targets[2] = 50.0
    assert "1 of 200 test labels lie beyond those of training" in found(replace(far, targets=targets), "note")


@pytest.mark.parametrize(
    ("names", "mixed"),
    [
        (("cat", "cat dog", "dog"), "cat dog"),
        (("cat|dog", "dog"), "cat|dog"),
        (("A;B", "A", "C, A"), "A;B"),
        (("a b", "a", "c"), None),
        (("walking", "walking upstairs"), None),
        (("Yes/No", "maybe"), None),
    ],
)
def test_a_class_that_is_several_labels_of_one_example_is_said(names: tuple[str, ...], mixed: str | None) -> None:
    found = [one.what for one in labels(names) if "several labels of one example" in one.what]
    assert (mixed is None) == (not found)
    assert mixed is None or repr(mixed) in found[0]
