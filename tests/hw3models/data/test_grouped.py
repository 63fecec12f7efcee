"""Groups of examples: on one side of every split, shares as near as groups allow, and nothing moves without them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.data.grouped import group_notes
from hw3models.data.resamples import num_train, resample
from hw3models.data.splits import Splits, split
from hw3models.errors import SpecError
from hw3models.specs import DataSpec
from hw3models.tuning.splits import judging_splits, num_folds
from tests.tiny import tiny_dataset

GROUPS = np.repeat(np.arange(24), 20)
LABELS = np.tile(np.arange(3), 160)


def spec(**fields: object) -> DataSpec:
    return DataSpec.model_validate({"source": "toy.npz", **fields})


def groups_of(groups: NDArray[np.int64], *parts: NDArray[np.int64]) -> list[set[int]]:
    return [set(groups[part].tolist()) for part in parts]


def is_apart(groups: NDArray[np.int64], *parts: NDArray[np.int64]) -> bool:
    """No group in two of the parts, and no example either."""
    sets = groups_of(groups, *parts)
    together = np.concatenate(parts)
    return sum(map(len, sets)) == len(set.union(*sets)) and len(np.unique(together)) == len(together)


def parts_of(splits: Splits | Dataset) -> tuple[NDArray[np.int64], ...]:
    return splits.train, splits.validation, splits.test


def grouped(num_groups: int = 12, num: int = 240) -> Dataset:
    """Groups of several sizes, which stand in the file in no order."""
    shares = np.arange(1, num_groups + 1) / sum(range(num_groups + 1))
    groups = np.random.default_rng(0).choice(num_groups, num, p=shares)
    names = tuple(f"s{g}" for g in range(num_groups))
    data = replace(tiny_dataset(num=num), groups=groups, group_names=names)
    found = split(data.labels, None, spec(), data.groups)
    return replace(data, train=found.train, validation=found.validation, test=found.test)


def test_whole_groups_are_drawn_with_the_shares_that_were_asked_for() -> None:
    found = split(LABELS, None, spec(test_fraction=0.25, validation_fraction=0.1), GROUPS)
    assert is_apart(GROUPS, *parts_of(found))
    assert [len(one) for one in groups_of(GROUPS, *parts_of(found))] == [16, 2, 6]
    assert len(np.concatenate(parts_of(found))) == 480
    assert all((np.diff(part) > 0).all() for part in parts_of(found))
    for part in parts_of(found):
        shares = np.bincount(LABELS[part]) / len(part)
        assert np.abs(shares - 1 / 3).max() < 0.03


def test_classes_that_are_the_groups_own_are_all_in_every_part() -> None:
    labels, groups = np.repeat(np.arange(5), 40), np.repeat(np.arange(20), 10)
    found = split(labels, None, spec(validation_fraction=0.25), groups)
    for part in parts_of(found):
        assert set(labels[part].tolist()) == set(range(5))
    assert is_apart(groups, *parts_of(found))


def test_a_class_of_two_large_groups_is_tested_though_that_takes_more_than_was_wanted() -> None:
    """As the six paths of the indoor movements: a class in two groups was in no draw, and never tested."""
    groups = np.repeat(np.arange(6), [40, 38, 40, 38, 79, 79])
    labels = (groups >= 4).astype(np.int64)
    for seed in range(5):
        found = split(labels, None, spec(seed=seed), groups)
        assert [set(labels[part].tolist()) for part in (found.train, found.test)] == [{0, 1}, {0, 1}]
        assert is_apart(groups, *parts_of(found))


def test_grouped_splits_depend_on_the_seed_only_and_are_pinned() -> None:
    first = split(LABELS, None, spec(), GROUPS)
    np.testing.assert_array_equal(split(LABELS, None, spec(), GROUPS).test, first.test)
    np.testing.assert_array_equal(split(LABELS, None, spec(max_train=60), GROUPS).test, first.test)
    assert not np.array_equal(split(LABELS, None, spec(seed=1), GROUPS).test, first.test)
    # Pinned: another machine, or another version of numpy, must draw the same.
    assert sorted(groups_of(GROUPS, first.test)[0]) == [2, 4, 10, 11, 18, 21]


def test_a_sources_own_test_split_stays_and_validation_is_of_other_groups() -> None:
    test = GROUPS >= 18
    found = split(LABELS, test, spec(validation_fraction=0.2), GROUPS)
    np.testing.assert_array_equal(found.test, np.flatnonzero(test))
    assert is_apart(GROUPS, *parts_of(found))


@given(st.integers(0, 10_000), st.integers(3, 30), st.integers(2, 5))
@settings(max_examples=50, deadline=None)
def test_no_group_is_ever_in_two_parts_and_training_has_all_classes(seed: int, num_groups: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, num_groups, 200)
    labels = rng.integers(0, classes, 200)
    if len(np.unique(groups)) < 3:
        return
    found = split(labels, None, spec(seed=seed), groups)
    assert is_apart(groups, *parts_of(found))
    assert np.bincount(labels[found.train], minlength=classes).min() >= 2
    assert len(found.test)
    assert len(found.validation)


@pytest.mark.parametrize(
    ("num_groups", "fields", "message"),
    [
        (1, {"validation_fraction": 0}, r"`group_column`: 1 group is left to divide, but 2 are needed"),
        (2, {}, r"2 groups are left to divide, but 3 are needed so that training, validation and test"),
    ],
)
def test_too_few_groups_are_refused(num_groups: int, fields: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        split(LABELS, None, spec(**fields), np.arange(480) % num_groups)


def test_groups_that_are_the_classes_are_refused() -> None:
    with pytest.raises(SpecError, match=r"cannot leave training without taking a class away .*3 of 3 classes"):
        split(LABELS, None, spec(validation_fraction=0), LABELS)


@pytest.mark.parametrize("number", [1, 2, 29])
def test_resamples_keep_groups_whole_and_have_as_many_test_examples(number: int) -> None:
    data = grouped()
    assert data.groups is not None
    other = resample(data, number)
    assert is_apart(data.groups, *parts_of(other))
    assert len(other.test) == len(data.test)
    assert len(np.concatenate(parts_of(other))) <= 240
    assert set(data.labels[other.train].tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(other.test, resample(data, number).test)


def test_resamples_of_groups_differ_and_every_group_is_tested() -> None:
    data = replace(grouped(), groups=np.repeat(np.arange(24), 10), group_names=())
    found = split(data.labels, None, spec(), data.groups)
    data = replace(data, train=found.train, validation=found.validation, test=found.test)
    tested = np.zeros(24)
    for number in range(1, 101):
        assert data.groups is not None
        tested[list(groups_of(data.groups, resample(data, number).test)[0])] += 1
    # 6 of 24 groups each time: a quarter of 100 resamples, sd 4.3.
    assert np.abs(tested - 25).max() < 4 * 4.3
    assert num_train([resample(data, 1), resample(data, 2)]) == 180


def test_folds_of_a_search_hold_whole_groups_and_every_example_once() -> None:
    data = grouped()
    assert data.groups is not None
    folds = judging_splits(data, 3)
    assert len(folds) == 3
    for fold in folds:
        assert fold.groups is not None
        assert is_apart(fold.groups, fold.train, fold.validation)
        assert len(fold.test) == 0
        assert set(fold.labels[fold.validation].tolist()) == {0, 1, 2}
    sizes = [len(fold.validation) for fold in folds]
    assert sum(sizes) == len(data.train) + len(data.validation)
    assert max(sizes) < 1.5 * min(sizes)
    # The groups of the folds are those of the examples that were kept, not of other rows.
    kept = np.sort(np.concatenate([data.train, data.validation]))
    np.testing.assert_array_equal(folds[0].groups, data.groups[kept])
    assert (num_folds(500, 9), num_folds(500, 10), num_folds(199, 50), num_folds(500)) == (3, 1, 3, 1)


def test_a_search_over_one_group_is_refused() -> None:
    data = replace(tiny_dataset(), groups=np.zeros(240, np.int64), group_names=("a",))
    with pytest.raises(SpecError, match="1 group is left to divide, but 2 are needed"):
        judging_splits(data, 3)


def table(path: Path, *, subjects: int, split_by: str = "") -> DataSpec:
    """48 series of 4 steps; with `split_by` the file says which are for test."""
    rng = np.random.default_rng(0)
    head, rows = "sample,time,x,label,subject", []
    for i in range(48):
        subject = f"0{i % subjects}"
        own = {"": "", "series": "," + ("test" if i >= 36 else "train")}[split_by]
        rows += [f"s{i:02d},{t},{rng.integers(100)},{'ab'[i // 24]},{subject}{own}" for t in range(4)]
    path.write_text("\n".join([head + (",split" if split_by else ""), *rows]) + "\n")
    return DataSpec(source=str(path), group_column="subject")


def test_a_study_is_told_of_its_groups(tmp_path: Path) -> None:
    wanted = table(tmp_path / "a.csv", subjects=12)
    report = prepare(wanted, fetch(wanted, cache=tmp_path), cache=tmp_path)
    data = load_prepared(report)
    assert data.groups is not None
    assert is_apart(data.groups, *parts_of(data))
    assert (report.num_groups, report.num_test_groups, report.shape) == (12, 3, (4, 1))
    assert data.group_names[1] == "01", "to the letter"
    assert data.channels == ("x",)
    notes = " ".join(report.notes)
    assert (
        "The examples are of 12 groups (subject): 8 in train, 1 in validation, 3 in test, none in two of them." in notes
    )
    assert "With 3 test groups, fewer than 10, little can be shown" in notes
    assert "WARNING" not in notes
    test_groups = data.test_groups
    assert test_groups is not None
    assert len(set(test_groups.tolist())) == 3


@pytest.mark.parametrize(("giant", "is_told"), [(200, True), (10, False)])
def test_groups_of_very_unequal_sizes_are_told(giant: int, is_told: bool) -> None:
    groups = np.concatenate([np.full(10, 0), np.full(giant, 1), np.repeat(np.arange(2, 32), 10)])
    parts = {"train": np.arange(10), "validation": np.arange(0), "test": np.arange(10, len(groups))}
    notes = " ".join(group_notes(groups, parts, "subject"))
    assert ("WARNING: the 31 test groups are of so unequal sizes that they say as little as 5.8 " in notes) == is_told
    assert is_told or "WARNING" not in notes


def test_a_split_of_the_sources_own_that_divides_groups_is_said_loudly(tmp_path: Path) -> None:
    wanted = table(tmp_path / "a.csv", subjects=12, split_by="series")
    report = prepare(wanted, fetch(wanted, cache=tmp_path), cache=tmp_path)
    assert "WARNING: 12 of the 12 test groups are in training as well, as the source" in " ".join(report.notes)


def test_groups_are_part_of_the_digest(tmp_path: Path) -> None:
    data = grouped()
    other = data.groups
    assert other is not None
    moved = other.copy()
    moved[0] = (moved[0] + 1) % 12
    names = tuple(f"t{g}" for g in range(12))
    digests = [replace(data, **change).digest for change in ({}, {"groups": moved}, {"group_names": names})]
    assert len({*digests, replace(data, groups=None, group_names=()).digest}) == 4


def test_data_without_groups_are_what_they_were(tmp_path: Path) -> None:
    """Digests of the version before groups: of prepared data, resamples and folds."""
    wanted = DataSpec(source="regime:motif", num_train=60, num_test=30)
    data = load_prepared(prepare(wanted, fetch(wanted, cache=tmp_path), cache=tmp_path))
    assert data.groups is None
    assert (data.digest, resample(data, 2).digest) == ("ee7c2d68d2dbeed8", "083b83f84a21e6a3")
    folds = [fold.digest for fold in judging_splits(data, 3)]
    assert folds == ["0c1acff62c09ed51", "6645955be7ed7393", "0d78396a80b972df"]
    rng = np.random.default_rng(0)
    values = rng.integers(0, 100, (40, 5))
    rows = [f"s{i},{t},{values[i, t]},{'ab'[i % 2]}" for i in range(40) for t in range(5)]
    (tmp_path / "a.csv").write_text("sample,time,x,label\n" + "\n".join(rows) + "\n")
    wanted = DataSpec(source=str(tmp_path / "a.csv"))
    data = load_prepared(prepare(wanted, fetch(wanted, cache=tmp_path), cache=tmp_path))
    assert (data.digest, resample(data, 2).digest) == ("b2417b0040c77fbd", "2a3f303ac9a1003e")


@pytest.mark.parametrize("one_class_each", [False, True])
def test_parts_of_the_groups_are_nested_and_no_group_is_in_two_parts(one_class_each: bool) -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 40, 800)
    labels = (groups % 3 if one_class_each else rng.integers(0, 3, 800)).astype(np.int64)
    for seed in range(5):
        larger: set[int] | None = None
        tested = None
        for num in (28, 16, 8, 4):
            found = split(labels, None, DataSpec(seed=seed, max_train_groups=num), groups)
            pool, test = np.concatenate([found.train, found.validation]), set(groups[found.test].tolist())
            mine = set(groups[pool].tolist())
            assert len(mine) == num
            assert not mine & test
            assert not set(groups[found.train].tolist()) & set(groups[found.validation].tolist())
            assert tested is None or tested == test, "the test examples stay"
            assert larger is None or mine < larger, "a larger part holds the smaller one"
            assert sorted(pool.tolist()) == np.flatnonzero(np.isin(groups, list(mine))).tolist(), "groups are whole"
            assert set(labels[pool].tolist()) == {0, 1, 2}
            larger, tested = mine, test
    everything = split(labels, None, DataSpec(max_train_groups=500), groups)
    np.testing.assert_array_equal(everything.train, split(labels, None, DataSpec(), groups).train)


def test_groups_are_asked_for_only_where_there_are_some_and_enough() -> None:
    labels = np.arange(200) % 2
    with pytest.raises(SpecError, match="`max_train_groups` is given, but these data name no groups"):
        split(labels, None, DataSpec(max_train_groups=3), None)
    rare = np.where(np.arange(200) // 10 == 3, 1, 0)
    test = np.arange(200) >= 150
    rare[160] = 1
    alone = np.arange(200) // 10
    rare[:30] = np.arange(30) // 10  # of each class at most one group, and there are four
    with pytest.raises(SpecError, match=r"`max_train_groups` \(2\) is too small: . classes have fewer than 2 examples"):
        split(rare, test, DataSpec(max_train_groups=2), alone)
