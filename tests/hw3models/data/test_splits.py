"""Stratified splits: sizes, bounds, independence, and the same on every machine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hw3models.data.splits import MAX_VALIDATION, Splits, allocate, split
from hw3models.errors import SpecError
from hw3models.specs import DataSpec

LABELS = np.repeat(np.arange(3), [100, 60, 40])


def spec(**fields: object) -> DataSpec:
    return DataSpec.model_validate({"source": "toy.npz", **fields})


def counts(labels: NDArray[np.int64], indices: NDArray[np.int64]) -> list[int]:
    return np.bincount(labels[indices], minlength=labels.max() + 1).tolist()


def is_disjoint(splits: Splits) -> bool:
    together = np.concatenate([splits.train, splits.validation, splits.test])
    return len(np.unique(together)) == len(together)


def test_shares_are_stratified_and_splits_disjoint() -> None:
    splits = split(LABELS, None, spec(test_fraction=0.25, validation_fraction=0.1))
    assert counts(LABELS, splits.test) == [25, 15, 10]
    assert counts(LABELS, splits.validation) == [8, 4, 3]  # of 75, 45, 30; the last place goes to the largest rest
    assert counts(LABELS, splits.train) == [67, 41, 27]
    assert is_disjoint(splits)
    assert (np.diff(splits.train) > 0).all()


def test_a_given_test_split_is_never_touched() -> None:
    test = np.arange(200) % 4 == 0
    for fields in ({}, {"max_train": 30}, {"seed": 9}, {"validation_fraction": 0.5}):
        splits = split(LABELS, test, spec(**fields))
        np.testing.assert_array_equal(splits.test, np.flatnonzero(test))
        assert is_disjoint(splits)


def test_the_drawn_test_split_depends_on_the_seed_only() -> None:
    base = split(LABELS, None, spec())
    for fields in ({"max_train": 30}, {"validation_fraction": 0}, {"validation_fraction": 0.4}):
        np.testing.assert_array_equal(split(LABELS, None, spec(**fields)).test, base.test)
    assert not np.array_equal(split(LABELS, None, spec(seed=1)).test, base.test)


def test_max_train_is_stratified_and_validation_is_taken_from_it() -> None:
    splits = split(LABELS, None, spec(max_train=50, validation_fraction=0.2))
    assert counts(LABELS, np.concatenate([splits.train, splits.validation])) == [25, 15, 10]
    assert counts(LABELS, splits.validation) == [5, 3, 2]
    assert len(split(LABELS, None, spec(max_train=10_000)).train) == 135


def test_every_class_with_four_examples_has_one_in_validation() -> None:
    labels = np.repeat(np.arange(4), [100, 4, 3, 2])
    splits = split(labels, np.arange(109) < 0, spec(validation_fraction=0.01))
    assert counts(labels, splits.validation) == [1, 1, 0, 0]
    assert len(split(labels, np.arange(109) < 0, spec(validation_fraction=0)).validation) == 0


def test_two_training_examples_of_each_class_stay() -> None:
    labels = np.repeat(np.arange(3), [3, 4, 30])
    splits = split(labels, None, spec(test_fraction=0.9, validation_fraction=0.9))
    assert counts(labels, splits.train) == [2, 2, 2]
    assert min(counts(labels, splits.test)) >= 1


def test_validation_is_capped() -> None:
    labels = np.arange(60_000) % 10
    splits = split(labels, np.zeros(60_000, bool), spec(validation_fraction=0.5))
    assert counts(labels, splits.validation) == [MAX_VALIDATION // 10] * 10


def test_max_train_below_two_per_class_is_refused() -> None:
    labels = np.repeat(np.arange(15), 6)
    with pytest.raises(SpecError, match=r"`max_train` \(20\) is too small for 15 classes .* 30 or more"):
        split(labels, None, spec(max_train=20))


def test_splits_are_pinned() -> None:
    # numpy keeps PCG64 and its permutation stable; a change here would move every digest.
    splits = split(LABELS, None, spec(seed=3))
    assert splits.test[:6].tolist() == [0, 1, 2, 17, 18, 22]
    assert splits.validation[:6].tolist() == [5, 13, 25, 32, 43, 57]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5), st.integers(0, 20)), min_size=1, max_size=8),
    st.integers(0, 400),
)
def test_allocation_keeps_its_bounds_and_its_total_where_it_can(
    classes: list[tuple[int, int, int]], total: int
) -> None:
    number = np.array([n for n, _, _ in classes])
    low = np.array([low for _, low, _ in classes])
    high = low + np.array([extra for _, _, extra in classes])
    taken = allocate(number, total, low, high)
    assert (taken >= low).all()
    assert (taken <= high).all()
    assert taken.sum() == np.clip(total, low.sum(), high.sum())


def test_allocation_is_the_largest_remainder_method() -> None:
    # A textbook example of Hamilton's method: 47,000 + 16,000 + 15,900 + 12,000 + 6,000 + 3,100 votes, 10 seats.
    votes = np.array([47_000, 16_000, 15_900, 12_000, 6_000, 3_100])
    assert allocate(votes, 10, np.zeros(6, int), votes).tolist() == [5, 2, 1, 1, 1, 0]
