"""Training sets of the replicates' own."""

import numpy as np
import pytest

from hw3models.data.training_sets import bootstrap, training_set, training_sets, with_training_set
from tests.tiny import tiny_dataset

DATA = tiny_dataset(num=240)
GROUPS = np.arange(240) // 7
"""Thirty-five groups of seven neighbours; the last one is cut."""


def test_a_bootstrap_is_as_large_as_the_training_part_and_holds_nothing_else() -> None:
    drawn = training_set(DATA, 5)
    assert len(drawn) == len(DATA.train)
    assert np.isin(drawn, DATA.train).all()
    assert not np.isin(drawn, np.concatenate([DATA.validation, DATA.test])).any()
    assert np.array_equal(drawn, training_set(DATA, 5)), "the same for every family"
    assert not np.array_equal(drawn, training_set(DATA, 6))


def test_every_class_stays_as_frequent() -> None:
    labels = np.array([0] * 3 + [1] * 17 + [2] * 40)
    for seed in range(20):
        drawn = bootstrap(np.arange(60), labels, seed)
        assert np.bincount(labels[drawn]).tolist() == [3, 17, 40]


def test_examples_are_drawn_as_often_as_a_bootstrap_draws_them() -> None:
    """n draws of n within each class: binomial counts, of which (1 - 1/n)^n are zero."""
    counts = np.stack([np.bincount(training_set(DATA, seed), minlength=240)[DATA.train] for seed in range(400)])
    each = np.bincount(DATA.labels[DATA.train])[0]
    assert counts.mean() == 1
    assert counts.var() == pytest.approx(1 - 1 / each, rel=0.03)
    assert (counts == 0).mean() == pytest.approx((1 - 1 / each) ** each, abs=0.01)


def test_groups_are_drawn_as_wholes() -> None:
    whole = {number: np.flatnonzero(number == GROUPS) for number in np.unique(GROUPS)}
    train = np.concatenate([whole[number] for number in range(1, 35, 2)])
    for seed in range(20):
        drawn = bootstrap(train, DATA.labels, seed, GROUPS)
        assert len(drawn) == len(train)
        assert set(GROUPS[drawn]) <= set(GROUPS[train])
        times = [np.bincount(drawn, minlength=240)[whole[number]] for number in np.unique(GROUPS[drawn])]
        torn = [own for own in times if len(set(own.tolist())) > 1]
        assert len(torn) <= 1, "only the last group may be cut, so that all replicates have as many examples"
        assert len(np.unique(drawn)) < len(train)


def test_classes_of_groups_are_drawn_apart() -> None:
    """Six groups of one class and two of another: two draws of the other, whatever the seed."""
    groups = np.repeat(np.arange(8), 5)
    labels = (groups >= 6).astype(np.int64)
    for seed in range(20):
        assert labels[bootstrap(np.arange(40), labels, seed, groups)].sum() == 10


def test_groups_of_unequal_size_still_give_as_many_examples() -> None:
    groups = np.repeat(np.arange(6), [1, 2, 3, 10, 20, 30])
    sizes = {len(bootstrap(np.arange(66), np.zeros(66, np.int64), seed, groups)) for seed in range(30)}
    assert sizes == {66}


def test_sets_belong_to_the_design() -> None:
    assert training_sets(DATA, "seed", (3, 4)) is DATA.train
    both = training_sets(DATA, "training", (3, 4))
    assert np.array_equal(both[1], training_set(DATA, 4))


def test_what_a_replicate_sees_are_still_the_same_data() -> None:
    seen = with_training_set(DATA, training_set(DATA, 1))
    assert seen.digest == DATA.digest
    assert np.array_equal(seen.train, training_set(DATA, 1))
    assert np.array_equal(seen.test, DATA.test)
