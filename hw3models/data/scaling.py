"""Mean and standard deviation per channel, learnt from the training examples only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096


def learn_scaling(
    features: NDArray[Any], lengths: NDArray[np.int64] | None, train: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation over the valid steps of `train`.

    Args:
        features: uint8 (N, H, W) images, or float32 (N, T, C) sequences.
        lengths: int64 (N,) valid steps, or None.
        train: indices of the training examples.

    Returns:
        float32 (1,) each for images, in units of a pixel / 255; float32 (C,) each for sequences. The standard
        deviation is 1 where a channel is constant.
    """
    if features.dtype == np.uint8:
        return _of_pixels(features, train)
    return _of_channels(features, lengths, train)


def _of_pixels(images: NDArray[np.uint8], train: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # A histogram of 256 integers is exact: the same numbers on every machine.
    histogram = np.zeros(256, np.int64)
    for start in range(0, len(train), _BLOCK):
        histogram += np.bincount(images[train[start : start + _BLOCK]].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = (histogram * values).sum() / histogram.sum()
    variance = (histogram * (values - mean) ** 2).sum() / histogram.sum()
    return np.array([mean], np.float32), _safe(np.sqrt([variance]), np.array([mean]))


def _of_channels(
    series: NDArray[np.float32], lengths: NDArray[np.int64] | None, train: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    steps = series.shape[1]
    valid = np.arange(steps) < (np.full(len(train), steps) if lengths is None else lengths[train])[:, None]
    rows = series[train][valid].astype(np.float64)  # (valid steps of all series, C)
    mean = rows.mean(axis=0)
    return mean.astype(np.float32), _safe(rows.std(axis=0), mean)


def _safe(std: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 where the spread is nothing but rounding: dividing by it would blow rounding up to a signal."""
    return np.where(std <= 1e-7 * np.maximum(np.abs(mean), 1e-30), 1.0, std).astype(np.float32)
