"""Which classes are taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hw3models.plots.style import BLACK, PALETTE, new_figure, plain, style

MOST_NUMBERS = 12
"""Classes up to which the cells hold numbers."""
MOST_COUNTS = 8
"""Classes up to which the cells hold counts as well."""
MOST_NAMES = 30
"""Classes up to which every row has its name."""


def confusion(counts: Sequence[Sequence[int]], class_names: Sequence[str]) -> Figure:
    """Rows true, columns predicted, each cell a share of its row in percent over its count; right answers blue, errors
    vermillion.

    Raises:
        ValueError: `counts` is not a square with one row per class.
    """
    table = np.asarray(counts, dtype=np.float64)
    size = len(class_names)
    if table.shape != (size, size):
        raise ValueError(f"`counts` must be {size} x {size}, one row per class, got {table.shape}.")
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    with style():
        side = 3.0 if size <= MOST_NUMBERS else 3.8
        figure = new_figure(side + 0.5, side + 0.1)
        ax = figure.subplots()
        ax.set_facecolor("none")
        for row, column in np.argwhere(shares >= 0.005):
            _draw_cell(ax, (int(row), int(column)), float(shares[row, column]), int(table[row, column]), size)
        ax.add_patch(Rectangle((-0.5, -0.5), size, size, fill=False, edgecolor=BLACK, alpha=0.3, linewidth=0.7))
        ax.set_xlim(-0.5, size - 0.5)
        ax.set_ylim(size - 0.5, -0.5)
        ax.set_aspect("equal")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0, pad=3)
        _name_axes(ax, class_names)
        return figure


def _draw_cell(ax: Axes, place: tuple[int, int], share: float, count: int, size: int) -> None:
    row, column = place
    # The square root makes rare errors visible; three quarters at most, so that text stays legible on it.
    color = PALETTE["blue"] if row == column else PALETTE["vermillion"]
    strength = 0.75 * (share if row == column else share**0.5)
    corner = (column - 0.48, row - 0.48)
    ax.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=color, alpha=round(strength, 2), linewidth=0, clip_on=False))
    if size <= MOST_NUMBERS:
        digits = 1 if size <= 5 else 0
        font_size = 9.0 if size <= 5 else 8.0 if size <= 8 else 7.0
        above = 0.14 if size <= MOST_COUNTS else 0.0
        ax.text(column, row - above, f"{100 * share:.{digits}f}", ha="center", va="center", fontsize=font_size)
        if size <= MOST_COUNTS:
            told = f"{count:,}" if size <= 5 else f"{count}"
            ax.text(column, row + 0.22, told, ha="center", va="center", fontsize=0.75 * font_size, alpha=0.75)


def _name_axes(ax: Axes, class_names: Sequence[str]) -> None:
    size = len(class_names)
    step = 1 if size <= MOST_NAMES else -(-size // 10)
    names = [plain(class_names[i], 12) for i in range(0, size, step)]
    are_long = max(len(name) for name in names) * size > 40
    font_size = 8.5 if size <= MOST_NUMBERS else 6.5
    ax.set_xticks(range(0, size, step), names, fontsize=font_size)
    ax.set_yticks(range(0, size, step), names, fontsize=font_size)
    if are_long and size > 1:
        for text in ax.get_xticklabels():
            text.set(rotation=45, ha="right", rotation_mode="anchor")
    ax.set_xlabel("predicted")
    ax.set_title("true", loc="left", pad=5, y=1.0)
