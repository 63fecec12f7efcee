"""Missing values: linear in time within a series and channel; the ends take the nearest value.

A channel that a series has nothing of takes that channel's mean over the training series.

N series, T time steps, C channels
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import blocks


def interpolate(values: NDArray[np.float32], lengths: NDArray[np.int64] | None, means: NDArray[Any]) -> None:
    """Fill the NaNs of (N, T, C) in place, up to each series' length; `means` (C,) are for what is missing as a whole.

    Infinite values stay: they are not missing.
    """
    steps = np.arange(values.shape[1])
    for row in np.flatnonzero(np.isnan(values).any(axis=(1, 2))):
        length = values.shape[1] if lengths is None else int(lengths[row])
        for channel in range(values.shape[2]):
            series = values[row, :length, channel]
            there = ~np.isnan(series)
            if not there.any():
                series[:] = means[channel]
            elif not there.all():
                series[~there] = np.interp(steps[:length][~there], steps[:length][there], series[there])


def has_gaps(values: NDArray[Any]) -> bool:
    """Is any value missing? Read block by block where it is on disk."""
    return any(bool(np.isnan(rows).any()) for _, rows in blocks(values))


def known_means(values: NDArray[np.float32], lengths: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> Any:
    """(C,) over the values of `rows` that are there; 0 for a channel without any."""
    valid = ~np.isnan(values[rows])
    if lengths is not None:
        valid &= (np.arange(values.shape[1]) < lengths[rows][:, None])[..., None]
    total = np.where(valid, values[rows], 0).sum(axis=(0, 1), dtype=np.float64)
    return total / np.maximum(valid.sum(axis=(0, 1)), 1)
