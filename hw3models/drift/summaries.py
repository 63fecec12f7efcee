"""Numbers that stand for an example: steps within a series depend on each other, series do not.

N examples, T time steps, C channels
"""

import numpy as np
from numpy.typing import NDArray

from hw3models.specs import Kind


def summaries(examples: NDArray[np.float32], kind: Kind) -> dict[str, NDArray[np.float64]]:
    """Name -> (N,). Of series per channel: mean, deviation, and correlation of neighbouring steps; NaN after the end.

    Of images (N, H, W): mean brightness, share of ink, and its centre; in colour (N, H, W, 3) of the mean of the three
    channels, and the mean and deviation of each.
    """
    if kind == "images":
        return _of_images(examples.astype(np.float64))
    found = {}
    for channel in range(examples.shape[2]):
        values = examples[:, :, channel].astype(np.float64)
        there = np.isfinite(values)
        count = np.maximum(there.sum(1), 1)
        mean = np.where(there, values, 0).sum(1) / count
        apart = np.where(there, values - mean[:, None], 0)
        power = np.square(apart).sum(1)
        found[f"mean of channel {channel}"] = mean
        found[f"deviation of channel {channel}"] = np.sqrt(power / count)
        found[f"lag-1 correlation of channel {channel}"] = (apart[:, 1:] * apart[:, :-1]).sum(1) / np.where(
            power > 0, power, 1
        )
    return found


def _of_images(pixels: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    if pixels.ndim == 4:
        colours = dict[str, NDArray[np.float64]]()
        for channel, name in enumerate(("red", "green", "blue")):
            values = pixels[..., channel]
            colours |= {f"mean of {name}": values.mean((1, 2)), f"deviation of {name}": values.std((1, 2))}
        return _of_images(pixels.mean(-1)) | colours
    ink = pixels.sum((1, 2))
    rows, columns = np.arange(pixels.shape[1]), np.arange(pixels.shape[2])
    return {
        "mean brightness": pixels.mean((1, 2)),
        "share of ink": (pixels > 127).mean((1, 2)),
        "height of the centre": (pixels.sum(2) * rows).sum(1) / np.maximum(ink, 1),
        "side of the centre": (pixels.sum(1) * columns).sum(1) / np.maximum(ink, 1),
    }
