"""Scaling learnt from train, against numpy on the plain numbers."""

import numpy as np
import pytest

from hw3models.data.scaling import learn_scaling

RNG = np.random.default_rng(0)


def test_channels_are_scaled_over_the_valid_steps_of_train() -> None:
    series = RNG.normal(5, 3, size=(10, 7, 2)).astype(np.float32)
    lengths = RNG.integers(2, 8, 10)
    train = np.array([0, 3, 4])
    valid = np.concatenate([series[i, : lengths[i]] for i in train]).astype(np.float64)
    series[[1, 2, 5, 6, 7, 8, 9]] = 1e6  # what is not train must not matter
    mean, std = learn_scaling(series, lengths, train)
    np.testing.assert_allclose(mean, valid.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(std, valid.std(axis=0), rtol=1e-6)
    assert (mean.dtype, std.dtype) == (np.float32, np.float32)


def test_pixels_are_scaled_in_units_of_255() -> None:
    images = RNG.integers(0, 256, size=(9000, 4, 4), dtype=np.uint8)
    train = np.arange(0, 9000, 2)
    mean, std = learn_scaling(images, None, train)
    assert mean == pytest.approx([(images[train] / 255).mean()], rel=1e-6)
    assert std == pytest.approx([(images[train] / 255).std()], rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e8, 1e-20])
def test_a_constant_channel_has_standard_deviation_one(value: float) -> None:
    series = np.full((50, 9, 1), value, np.float32)
    assert learn_scaling(series, None, np.arange(50))[1].tolist() == [1.0]
    assert learn_scaling(np.full((5, 3, 3), 7, np.uint8), None, np.arange(5))[1].tolist() == [1.0]


def test_a_small_but_real_spread_is_kept() -> None:
    series = (1 + 1e-4 * RNG.normal(size=(50, 9, 1))).astype(np.float32)
    assert learn_scaling(series, None, np.arange(50))[1][0] == pytest.approx(1e-4, rel=0.1)
