"""What the examples of a class look like."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, PALETTE, bare, new_figure, style

PANELS = 4
"""Channels that are shown."""
INK = 64
"""The median pixel of grey images, of 255, under which most of a picture is empty."""


def class_series(series: NDArray[np.float64], channels: list[int], limits: list[tuple[float, float]]) -> Figure:
    """Series (n, T, C) of one class, NaN where nothing is: a panel per channel, three examples, the mean, and a band of
    one standard deviation. `limits` per channel are the same for all classes.
    """
    with style():
        figure = new_figure(1.9 * len(channels) + 0.4, 1.5)
        panels = figure.subplots(1, len(channels), squeeze=False)[0]
        steps = np.arange(series.shape[1])
        for panel, channel, limit in zip(panels, channels, limits, strict=True):
            values = series[:, :, channel]
            there = np.isfinite(values).any(axis=0)
            for one in values[:3]:
                panel.plot(steps, one, color=BLACK, alpha=0.3, linewidth=0.7)
            mean, spread = np.nanmean(values[:, there], axis=0), np.nanstd(values[:, there], axis=0)
            panel.fill_between(
                steps[there], mean - spread, mean + spread, color=PALETTE["blue"], alpha=0.2, linewidth=0
            )
            panel.plot(steps[there], mean, color=PALETTE["blue"])
            bare(panel, x="step", y=f"channel {channel}")
            panel.set_ylim(*limit)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(4))
        return figure


def are_ink(images: NDArray[np.uint8]) -> bool:
    """Are these bright strokes on nothing, as MNIST's, which are drawn as ink; or photographs?"""
    return images.ndim == 3 and bool(np.median(images) < INK)


def class_images(images: NDArray[np.uint8], *, ink: bool = True) -> Figure:
    """The first images (n, H, W) or (n, H, W, 3) of one class, in a row; what is `ink` is dark on white."""
    height, width = images.shape[1:3]
    with style():
        figure = new_figure(0.55 * len(images), max(0.6, min(2.0, 0.6 * height / width)))
        for panel, image in zip(figure.subplots(1, len(images), squeeze=False)[0], images, strict=True):
            panel.imshow(image, cmap="gray_r" if ink else "gray", vmin=0, vmax=255, interpolation="nearest")
            panel.set_axis_off()
        return figure
