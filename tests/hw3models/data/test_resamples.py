"""Resampled splits: stratified, disjoint, the same everywhere, scaled by their own training part."""

import numpy as np
import pytest

from hw3models.data.resamples import resample
from hw3models.data.scaling import learn_scaling
from tests.tiny import tiny_dataset

DATA = tiny_dataset(num=200, unequal=True)


def test_resample_zero_is_the_data_sets_own_split() -> None:
    assert resample(DATA, 0) is DATA


@pytest.mark.parametrize("number", [1, 2, 29])
def test_every_part_has_as_many_examples_of_each_class_as_before(number: int) -> None:
    other = resample(DATA, number)
    for part in ("train", "validation", "test"):
        own, now = getattr(DATA, part), getattr(other, part)
        np.testing.assert_array_equal(np.bincount(DATA.labels[own]), np.bincount(DATA.labels[now]))
        assert (np.diff(now) > 0).all()
    everything = np.concatenate([other.train, other.validation, other.test])
    np.testing.assert_array_equal(np.sort(everything), np.arange(200))
    assert not np.array_equal(other.test, DATA.test)


def test_resamples_differ_and_are_the_same_again() -> None:
    first, second = resample(DATA, 1), resample(DATA, 2)
    assert not np.array_equal(first.test, second.test)
    np.testing.assert_array_equal(first.test, resample(DATA, 1).test)
    # Pinned: another machine, or another version of numpy, must draw the same.
    assert first.test[:8].tolist() == [0, 5, 14, 15, 18, 19, 20, 22]


def test_scaling_is_learnt_from_the_resamples_own_training_part() -> None:
    other = resample(DATA, 3)
    mean, std = learn_scaling(DATA.features, DATA.lengths, other.train)
    np.testing.assert_array_equal(other.mean, mean)
    np.testing.assert_array_equal(other.std, std)
    assert not np.array_equal(other.mean, resample(DATA, 4).mean)


def test_every_example_is_tested_about_equally_often() -> None:
    counts = np.zeros(200)
    for number in range(1, 201):
        counts[resample(DATA, number).test] += 1
    # 50 of 200 test examples: binomial with p = 1/4 over 200 resamples, sd 6.1.
    assert counts.mean() == 50
    assert np.abs(counts - 50).max() < 4.5 * 6.1
