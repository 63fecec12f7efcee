"""What the examples of a class look like."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, PALETTE, bare, new_figure, plain, style

PANELS = 4
"""Channels that are shown."""
PER_ROW = 10
INK = 64
"""The median pixel of grey images, of 255, under which most of a picture is empty."""


def class_series(
    series: NDArray[np.float64],
    channels: list[int],
    limits: list[tuple[float, float]],
    names: Sequence[str] | None = None,
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
            bare(panel, x="step", y=plain(names[channel] if names else f"channel {channel}", 18))
            panel.set_ylim(*limit)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(4))
        return figure


def are_ink(images: NDArray[np.uint8]) -> bool:
    """Are these bright strokes on nothing, as MNIST's, which are drawn as ink; or photographs?"""
    return images.ndim == 3 and bool(np.median(images) < INK)


def class_images(images: NDArray[np.uint8], *, ink: bool = True) -> Figure:
    """Images (n, H, W) or (n, H, W, 3) of one class, ten in a row; what is `ink` is dark on white."""
    height, width = images.shape[1:3]
    rows = -(-len(images) // PER_ROW)
    columns = min(len(images), PER_ROW)
    gap = max(1, width // 14)
    sheet = np.full((rows * (height + gap), columns * (width + gap), *images.shape[3:]), 0 if ink else 255, np.uint8)
    for place, image in enumerate(images):
        top, left = (height + gap) * (place // PER_ROW), (width + gap) * (place % PER_ROW)
        sheet[top : top + height, left : left + width] = image
    with style():
        figure = new_figure(0.6 * columns, 0.6 * columns * sheet.shape[0] / sheet.shape[1])
        panel = figure.subplots()
        panel.imshow(sheet, cmap="gray_r" if ink else "gray", vmin=0, vmax=255, interpolation="nearest")
        panel.set_axis_off()
        return figure


def one_series(series: NDArray[np.float64], names: Sequence[str]) -> Figure:
    """A series (T, C), NaN where nothing is: its first channels, one below the other."""
    shown = min(PANELS, series.shape[1])
    with style():
        figure = new_figure(3.3, 0.5 + 0.5 * shown)
        panels = figure.subplots(shown, 1, squeeze=False, sharex=True)[:, 0]
        for channel, panel in enumerate(panels):
            panel.plot(np.arange(len(series)), series[:, channel], color=PALETTE["blue"], linewidth=1.1)
            bare(panel)
            panel.set_ylabel(plain(names[channel], 10), rotation=0, ha="right", va="center")
            panel.set_yticks([])
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panels[-1].set_xlabel("step" if shown == series.shape[1] else f"step; {shown} of {series.shape[1]} channels")
        return figure


def one_image(image: NDArray[np.uint8], *, ink: bool) -> Figure:
    """An image (H, W), or (H, W, 3); what is `ink` is dark on white."""
    with style():
        figure = new_figure(1.5, 1.5)
        panel = figure.subplots()
        panel.imshow(image, cmap="gray_r" if ink else "gray", vmin=0, vmax=255, interpolation="nearest")
        panel.set_axis_off()
        return figure


def class_means(
    means: Sequence[tuple[str, NDArray[np.float64]]], channels: Sequence[int], names: Sequence[str], width: float
) -> Figure:
    """The mean of each class (T, C), NaN where nothing is, one over the other: a panel per channel."""
    colors = [color for name, color in PALETTE.items() if name != "yellow"]
    with style():
        columns = min(len(channels), 2 if width > 5 else 1)
        rows = -(-len(channels) // columns)
        named = max(1, int(width // 1.8))
        figure = new_figure(width, 0.3 + 1.7 * rows + 0.2 * -(-len(means) // named))
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, channel, name in zip(panels, channels, names, strict=False):
            for k, (label, mean) in enumerate(means):
                style_of = ("-", "--", ":")[k // len(colors) % 3]
                panel.plot(mean[:, channel], style_of, color=colors[k % len(colors)], label=f" {plain(label, 18)}")
            bare(panel, x="step", y=plain(name, 24))
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(4))
        for panel in panels[len(channels) :]:
            panel.set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=named, frameon=False)
        return figure
