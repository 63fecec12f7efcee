"""What an autoencoder does: reconstructions, the map of a code of two numbers, and a walk through it.

Pictures are black ink on nothing, the darker the brighter the pixel was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hw3models.plots.style import bare, new_figure, plain, style

PER_ROW = 10
MOST_VECTOR_POINTS = 2000
"""A map of more points is drawn as pixels inside the SVG: each vector point costs about 100 bytes."""

# Paul Tol's `muted` scheme (2021) for up to ten classes: nine hues and the text's grey, middle tones that show on
# white and on black. Okabe and Ito's eight are too few for ten digits.
CLASS_COLORS = (
    "#5566CC", "#CC6677", "#44AA99", "#B8A030", "#88CCEE",
    "#AA4499", "#2E8B3D", "#E08A3C", "#A05070", "#8A8A8A",
)  # fmt: skip


def reconstructions(originals: NDArray[np.uint8], rebuilt: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Originals (m, H, W) or (m, H, W, 3) and under each what every family made of it; uint8, ten pictures to a row."""
    rows = {"original": originals, **rebuilt}
    num_blocks = -(-len(originals) // PER_ROW)
    height = 0.52 * len(rows) * num_blocks + 0.12 * num_blocks
    with style():
        figure = new_figure(6.4, max(0.6, height))
        axes = figure.subplots(num_blocks, 1, squeeze=False)[:, 0]
        for block, ax in enumerate(axes):
            part = slice(block * PER_ROW, (block + 1) * PER_ROW)
            strips = [_strip(images[part], PER_ROW) for images in rows.values()]
            _show(ax, np.concatenate(strips))
            side = originals.shape[1] + 2
            ax.set_yticks([side * (i + 0.5) for i in range(len(rows))], [plain(name) for name in rows])
        return figure


def code_map(codes: NDArray[Any], labels: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Where the test examples lie: codes (n, 2) coloured by class, each class named at its median and in the legend.

    Raises:
        ValueError: a code is not two numbers.
    """
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"`codes` must be (n, 2) to be drawn on a plane, got {codes.shape}.")
    with style():
        figure = new_figure(5.4, 4.2)
        ax = figure.subplots()
        is_many = len(codes) > MOST_VECTOR_POINTS
        for index, name in enumerate(class_names):
            own = codes[labels == index]
            ax.scatter(
                own[:, 0], own[:, 1], s=5 if is_many else 9, color=CLASS_COLORS[index % len(CLASS_COLORS)],
                alpha=0.55 if is_many else 0.75, linewidths=0, rasterized=is_many, label=_legend_name(name),
            )  # fmt: skip
        for index, name in enumerate(class_names):
            own = codes[labels == index]
            if len(own) and len(class_names) <= 20:
                x, y = np.median(own, axis=0)
                ax.text(x, y, plain(name, 12), ha="center", va="center", fontweight="bold")
        bare(ax, x="first number of the code", y="second number of the code")
        if len(class_names) <= 20:
            ax.legend(
                frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.1,
                markerscale=2.5 if is_many else 1.8,
            )  # fmt: skip
        return figure


def walk(pictures: NDArray[np.uint8], *, first: tuple[float, float], second: tuple[float, float]) -> Figure:
    """What the decoder draws over a grid of codes: pictures (rows, columns, H, W) or (..., 3).

    The highest second number is on top.
    """
    rows, columns = pictures.shape[:2]
    with style():
        figure = new_figure(5.4, 5.4 * rows / columns * 0.93)
        ax = figure.subplots()
        _show(ax, np.concatenate([_strip(row, columns) for row in pictures]))
        height, width = (size + 2 for size in pictures.shape[2:4])
        ax.set_xticks([width / 2, width * (columns - 0.5)], [f"{value:.2g}" for value in first])
        ax.set_yticks([height * (rows - 0.5), height / 2], [f"{value:.2g}" for value in second])
        ax.set_xlabel("first number of the code")
        ax.set_title("second number of the code", loc="left", pad=5, y=1.0)
        return figure


def _legend_name(name: str) -> str:
    """matplotlib leaves names with an underscore in front out of legends."""
    shown = plain(name, 18)
    return f"\u200b{shown}" if shown.startswith("_") else shown


def _strip(images: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Pictures (m, H, W) or (m, H, W, 3) side by side, two pixels apart, filled up to `length` with nothing."""
    colours = [(0, 0)] * (images.ndim - 3)
    padded = np.pad(images, ((0, length - len(images)), (1, 1), (1, 1), *colours))
    return np.concatenate(list(padded), axis=1)


def _show(ax: Axes, ink: NDArray[np.uint8]) -> None:
    """Black, as opaque as the ink: a page on a dark ground may invert it. Colours as they are."""
    picture = ink
    if ink.ndim == 2:
        picture = np.zeros((*ink.shape, 4), np.uint8)
        picture[..., 3] = ink
    ax.imshow(picture, interpolation="none", extent=(0, ink.shape[1], ink.shape[0], 0))
    ax.set_facecolor("none")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_xticks([])
