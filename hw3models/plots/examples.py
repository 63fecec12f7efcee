"""What the examples of a class look like."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, PALETTE, bare, new_figure, plain, style

PANELS = 4
"""Channels that are shown."""


def class_series(
    series: NDArray[np.float64], channels: list[int], limits: list[tuple[float, float]], names: tuple[str, ...] = ()
) -> Figure:
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
            bare(panel, x="step", y=plain(names[channel])[:24] if names else f"channel {channel}")
            panel.set_ylim(*limit)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(4))
        return figure


def class_images(images: NDArray[np.float64]) -> Figure:
    """The first images (n, 28, 28) of one class, in a row."""
    with style():
        figure = new_figure(0.55 * len(images), 0.6)
        for panel, image in zip(figure.subplots(1, len(images), squeeze=False)[0], images, strict=True):
            panel.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
            panel.set_axis_off()
        return figure
