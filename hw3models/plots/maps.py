"""What an answer rests on: maps over series and images, and how the answer falls when parts are deleted.

T = time steps, C = channels, H x W pixels
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, PALETTE, bare, in_percent, new_figure, plain, style

FOR, AGAINST = PALETTE["vermillion"], PALETTE["blue"]
"""Colours of what speaks for an answer and against it."""
MOST_CHANNELS = 4
"""Channels that are drawn: those that most stands in."""
MOST_ROWS = 40
"""Channels of a mean map that have a row."""
_STRONGEST = 0.8
"""How opaque the strongest cell is: the line of a series stays legible on it."""

Corner = tuple[int, int]


def shade(values: NDArray[np.floating], limit: float) -> NDArray[np.float64]:
    """Cells (A, B) as RGBA (A, B, 4): the further from zero, the less transparent; NaN is nothing."""
    known = np.nan_to_num(np.asarray(values, np.float64))
    shares = np.clip(np.abs(known) / limit, 0, 1) if limit > 0 else np.zeros(known.shape)
    colours = np.where((known > 0)[..., None], to_rgb(FOR), to_rgb(AGAINST))
    return np.concatenate([colours, _STRONGEST * shares[..., None]], axis=-1)


def limit_of(values: NDArray[np.floating]) -> float:
    """Where the colours of a map end: all but its outermost hundredth."""
    known = np.abs(values[np.isfinite(values)])
    return float(np.quantile(known, 0.99)) if known.size else 0.0


def series_map(
    series: NDArray[np.floating],
    values: NDArray[np.floating],
    names: Sequence[str],
    *,
    top: Corner | None = None,
    window: int = 1,
    width: float = 4.4,
) -> Figure:
    """A series (T, C) over its map (T, C): the channels that most stands in, and the top window in a frame."""
    strength = np.nan_to_num(np.abs(values)).sum(axis=0)
    shown = sorted(int(c) for c in np.argsort(-strength, kind="stable")[:MOST_CHANNELS])
    limit = limit_of(values)
    with style():
        figure = new_figure(width, 0.5 + 0.6 * len(shown))
        panels = figure.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
        for channel, panel in zip(shown, panels, strict=True):
            line = series[:, channel]
            low, high = float(np.nanmin(line)), float(np.nanmax(line))
            air = 0.08 * (high - low) or 1.0
            edges = (-0.5, len(line) - 0.5, low - air, high + air)
            panel.imshow(shade(values[None, :, channel], limit), extent=edges, aspect="auto", interpolation="nearest")
            panel.plot(np.arange(len(line)), line, color=BLACK, linewidth=1.0)
            if top is not None and top[1] == channel:
                panel.add_patch(_frame((top[0] - 0.5, low - air), window, high - low + 2 * air))
            panel.set_xlim(edges[:2])
            panel.set_ylim(edges[2:])
            bare(panel)
            panel.set_ylabel(plain(names[channel], 10), rotation=0, ha="right", va="center")
            panel.set_yticks([])
            panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        total = values.shape[1]
        panels[-1].set_xlabel("step" if len(shown) == total else f"step; {len(shown)} of {total} channels")
        return figure


def image_map(
    image: NDArray[np.floating],
    values: NDArray[np.floating],
    *,
    ink: bool,
    top: Corner | None = None,
    window: tuple[int, int] = (1, 1),
) -> Figure:
    """An image (H, W) or (H, W, 3), and beside it, pale, the same under its map (H, W) with the top window."""
    with style():
        figure = new_figure(3.2, 1.65)
        for panel, strength in zip(figure.subplots(1, 2), (1.0, 0.35), strict=True):
            shown = np.clip(image, 0, 255) / 255
            panel.imshow(
                shown, cmap="gray_r" if ink else "gray", vmin=0, vmax=1, alpha=strength, interpolation="nearest"
            )
            panel.set_axis_off()
            if strength < 1:
                panel.imshow(shade(values, limit_of(values)), interpolation="nearest")
                if top is not None:
                    panel.add_patch(_frame((top[1] - 0.5, top[0] - 0.5), window[1], window[0]))
        return figure


def _frame(corner: tuple[float, float], width: float, height: float) -> Rectangle:
    return Rectangle(corner, width, height, fill=False, edgecolor=BLACK, linewidth=1.2)


def mean_map(values: NDArray[np.floating], names: Sequence[str] | None, width: float = 4.4) -> Figure:
    """The mean map of many examples: of series (T, C) a row for each channel (`names`), of images (H, W) as it is."""
    with style():
        if names is None:
            figure = new_figure(2.2, 2.2)
            panel = figure.subplots()
            panel.imshow(shade(values, limit_of(values)), interpolation="nearest")
            panel.set_xticks([])
            panel.set_yticks([])
            return figure
        rows = np.asarray(values)[:, :MOST_ROWS].T
        figure = new_figure(width, 0.6 + min(3.5, 0.2 * len(rows)))
        panel = figure.subplots()
        panel.imshow(shade(rows, limit_of(values)), aspect="auto", interpolation="nearest")
        bare(panel, x="step")
        step = -(-len(rows) // 20)
        panel.set_yticks(range(0, len(rows), step), [plain(name, 14) for name in names[: len(rows) : step]])
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        return figure


def deletion_curves(
    shares: Sequence[float],
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    width: float = 4.4,
    *,
    is_share: bool = True,
) -> Figure:
    """The probability of the answer while parts are deleted, a panel per method: (ranked, random), from 0% on.

    Not `is_share`: how far a number moves, in standard deviations.
    """
    with style():
        figure = new_figure(width, 2.1)
        panels = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
        x = 100 * np.array([0.0, *shares])
        most = 1.0 if is_share else max(1e-9, *(max(*ranked, *random) for ranked, random in curves.values()))
        for panel, (name, (ranked, random)) in zip(panels, curves.items(), strict=True):
            panel.plot(x, random, "--", color=BLACK)
            panel.plot(x, ranked, "-", color=FOR)
            _at_the_end(panel, x[-1], most, {"random": (random[-1], BLACK), "ranked": (ranked[-1], FOR)})
            bare(panel, x="% deleted", y=plain(name, 22), grid="y")
            panel.set_ylim(0, 1.02 if is_share else None)
            panel.set_xlim(0, x[-1] * 1.45)
            panel.set_xticks([0, 10, 30, 50])
        if is_share:
            in_percent(panels[0].yaxis, most=5)
        return figure


def _at_the_end(panel: Axes, x: float, most: float, lines: Mapping[str, tuple[float, str]]) -> None:
    """Names of lines beside their ends, not on each other; `most` is what the panel reaches to."""
    (upper, high), (lower, low) = sorted(lines.items(), key=lambda one: -one[1][0])
    apart = max(0.0, 0.11 * most - (high[0] - low[0])) / 2
    panel.text(1.02 * x, high[0] + apart, upper, color=high[1], va="center", fontsize=8.5)
    panel.text(1.02 * x, low[0] - apart, lower, color=low[1], va="center", fontsize=8.5)
