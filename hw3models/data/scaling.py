"""Mean and standard deviation per channel, learnt from the training examples only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import block_rows, is_on_disk, take

_BLOCK = 256


def learn_scaling(
    features: NDArray[Any], lengths: NDArray[np.int64] | None, train: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation over the valid steps of `train`.

    Args:
        features: uint8 (N, H, W) or (N, H, W, C) images, or float32 (N, T, C) sequences.
        lengths: int64 (N,) valid steps, or None.
        train: indices of the training examples.

    Returns:
        float32 (C,) each, (1,) for grey images; of images in units of a pixel / 255. The standard deviation is 1
        where a channel is constant.
    """
    if features.dtype == np.uint8:
        return _of_pixels(features, train)
    if is_on_disk(features):
        return _of_channels_on_disk(features, train)
    return _of_channels(features, lengths, train)


def _of_pixels(images: NDArray[np.uint8], train: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # A histogram of 256 integers is exact: the same numbers on every machine.
    channels = images.shape[3] if images.ndim == 4 else 1
    histograms = np.zeros((channels, 256), np.int64)
    for start in range(0, len(train), _BLOCK):
        block = take(images, train[start : start + _BLOCK]).reshape(-1, channels)
        histograms += [np.bincount(one, minlength=256) for one in block.T]
    values = np.arange(256) / 255
    means = np.array([(one * values).sum() / one.sum() for one in histograms])
    variances = [(one * (values - m) ** 2).sum() / one.sum() for one, m in zip(histograms, means, strict=True)]
    return means.astype(np.float32), _safe(np.sqrt(variances), means)


def _of_channels(
    series: NDArray[np.float32], lengths: NDArray[np.int64] | None, train: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    steps = series.shape[1]
    valid = np.arange(steps) < (np.full(len(train), steps) if lengths is None else lengths[train])[:, None]
    rows = series[train][valid].astype(np.float64)  # (valid steps of all series, C)
    mean = rows.mean(axis=0)
    return mean.astype(np.float32), _safe(rows.std(axis=0), mean)


def _of_channels_on_disk(
    series: NDArray[np.float32], train: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Block by block; means and squared deviations are merged (Chan, Golub and LeVeque 1983, equation 2.1)."""
    num, mean, squares = 0, np.zeros(series.shape[2]), np.zeros(series.shape[2])
    size = block_rows(series)
    for start in range(0, len(train), size):
        rows = take(series, train[start : start + size]).reshape(-1, series.shape[2]).astype(np.float64)
        apart = rows.mean(axis=0) - mean
        squares += ((rows - rows.mean(axis=0)) ** 2).sum(axis=0) + apart**2 * (num * len(rows) / (num + len(rows)))
        num += len(rows)
        mean += apart * (len(rows) / num)
    return mean.astype(np.float32), _safe(np.sqrt(squares / num), mean)


def _safe(std: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 where the spread is nothing but rounding: dividing by it would blow rounding up to a signal."""
    kept = np.where(std <= 1e-7 * np.maximum(np.abs(mean), 1e-30), 1.0, std).astype(np.float32)
    return np.where(kept > 0, kept, np.float32(1))  # smaller than float32 can hold
