"""How good the families are, with intervals; and what that costs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hw3models.plots.style import BLACK, WHITE, bare, in_percent, new_figure, plain, style

SHORTEST = 1e-3
"""Seconds of training below which a time is drawn as this: counting classes takes microseconds."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One family in a figure. Shares, such as accuracy, are in 0..1."""

    label: str
    mean: float
    low: float
    high: float
    per_seed: tuple[float, ...] = ()
    seconds: float = math.nan
    """Training time of one seed."""
    color: str = BLACK
    is_baseline: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the whisker; one that is not finite is drawn at the mean."""
        low = self.low if math.isfinite(self.low) else self.mean
        return low, self.high if math.isfinite(self.high) else self.mean


WIDE, NARROW = 9.4, 3.75
"""Inches of a figure that fills a page, and of one that fills a telephone."""


def intervals(
    marks: Sequence[Mark], *, metric: str, is_percent: bool, higher_is_better: bool = True, width: float = WIDE
) -> Figure:
    """A dot and its 95% whisker per family, best on top, single seeds as ticks below; baselines are hollow.

    A baseline far off, such as the majority class, is named at the edge: drawn to scale it would press the others
    together.
    """
    shown = [mark for mark in marks if math.isfinite(mark.mean)]
    shown.sort(key=lambda mark: mark.mean, reverse=not higher_is_better)
    limits = _limits(shown)
    with style():
        figure = new_figure(width, 0.75 + 0.31 * max(1, len(shown)))
        ax = figure.subplots()
        ax.set_xlim(*limits)
        for row, mark in enumerate(shown):
            if not _is_within(mark, limits):
                _point_beyond(ax, mark, row, limits, is_percent=is_percent)
                continue
            ax.plot(mark.ends, [row, row], color=mark.color, linewidth=2, solid_capstyle="butt")
            _dot(ax, mark, mark.mean, row)
            if len(mark.per_seed) > 1:
                rows = np.full(len(mark.per_seed), row - 0.3)
                ax.plot(mark.per_seed, rows, "|", color=mark.color, markersize=4, alpha=0.55)
        ax.set_yticks(range(len(shown)), [plain(mark.label) for mark in shown])
        ax.set_ylim(-0.65, max(1, len(shown)) - 0.4)
        bare(ax, x=metric, grid="x")
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        if is_percent:
            in_percent(ax.xaxis, most=4 if width < WIDE else 8)
        return figure


def cost_accuracy(marks: Sequence[Mark], *, metric: str, is_percent: bool, width: float = WIDE) -> Figure:
    """The metric with its whisker over the training seconds of one seed, on a logarithmic axis.

    Baselines far off are named at the edge, as in `intervals`.
    """
    marks = [mark for mark in marks if math.isfinite(mark.mean) and math.isfinite(mark.seconds)]
    limits = _limits(marks)
    shown = [mark for mark in marks if _is_within(mark, limits)]
    with style():
        figure = new_figure(width, 3.6)
        ax = figure.subplots()
        ax.set_xscale("log")
        ax.set_xlim(*_time_limits([_time(mark) for mark in marks] or [1.0]))
        ax.set_ylim(*limits)
        for mark in shown:
            ax.plot([_time(mark)] * 2, mark.ends, color=mark.color, linewidth=1.4)
            _dot(ax, mark, _time(mark), mark.mean)
        bare(ax, x="training time of one seed (logarithmic)", y=metric, grid="both")
        ax.xaxis.set_major_formatter(FuncFormatter(_seconds))
        ax.xaxis.minorticks_off()
        ax.yaxis.set_major_locator(MaxNLocator(6))
        if is_percent:
            in_percent(ax.yaxis)
        figure.draw_without_rendering()  # so that the axes are where they will be
        _name_points(ax, shown, [mark for mark in marks if mark not in shown], limits, is_percent=is_percent)
        return figure


def _limits(marks: Sequence[Mark]) -> tuple[float, float]:
    """Ends of the axis: all marks, less each baseline without which the axis is a quarter as long, or less."""
    if not marks:
        return 0.0, 1.0
    shown = list(marks)
    for extreme in sorted((mark for mark in marks if mark.is_baseline), key=lambda mark: _distance(mark, marks)):
        rest = [mark for mark in shown if mark is not extreme]
        if len(rest) >= 2 and _length(rest) <= _length(shown) / 4:
            shown = rest
    low, high = _extent(shown)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 0.05
    return low - room, high + room


def _distance(mark: Mark, marks: Sequence[Mark]) -> float:
    """Distance from the middle of all marks; negative, so that the farthest comes first."""
    return -abs(mark.mean - float(np.median([other.mean for other in marks])))


def _extent(marks: Sequence[Mark]) -> tuple[float, float]:
    return min(mark.ends[0] for mark in marks), max(mark.ends[1] for mark in marks)


def _length(marks: Sequence[Mark]) -> float:
    low, high = _extent(marks)
    return high - low


def _point_beyond(ax: Axes, mark: Mark, row: int, limits: tuple[float, float], *, is_percent: bool) -> None:
    is_low, value = mark.mean < limits[0], _value(mark, is_percent=is_percent)
    text = f"◂ {value}" if is_low else f"{value} ▸"
    ax.annotate(
        text, (limits[0] if is_low else limits[1], row), xytext=(4 if is_low else -4, 0), textcoords="offset points",
        ha="left" if is_low else "right", va="center", fontsize=8.5,
    )  # fmt: skip


def _is_within(mark: Mark, limits: tuple[float, float]) -> bool:
    return limits[0] <= mark.mean <= limits[1]


def _value(mark: Mark, *, is_percent: bool) -> str:
    return f"{100 * mark.mean:.1f}%" if is_percent else f"{mark.mean:.3g}"


def _dot(ax: Axes, mark: Mark, x: float, y: float) -> None:
    ax.plot(
        x, y, "s" if mark.is_baseline else "o", markersize=6 if mark.is_baseline else 7, zorder=4,
        color=mark.color, markerfacecolor=WHITE if mark.is_baseline else mark.color,
    )  # fmt: skip


def _time(mark: Mark) -> float:
    return max(SHORTEST, mark.seconds)


def _time_limits(times: Sequence[float]) -> tuple[float, float]:
    """Room for the names, and at least two powers of ten, so that there are ticks."""
    low, high = math.log10(min(times)), math.log10(max(times))
    half = max(1.0, 0.62 * (high - low) + 0.15)
    return 10.0 ** ((low + high) / 2 - half), 10.0 ** ((low + high) / 2 + half)


def _seconds(value: float, _position: int | None) -> str:
    if value < 1:
        return f"{1000 * value:g} ms"
    return f"{value:g} s" if value < 1000 else f"{value:,.0f} s"


Box = tuple[float, float, float, float]

LINE = 11.0
"""Points from one line of names to the next."""
LETTER = 5.6
"""Points that a letter takes: the reader's font is not known, and may be wider than matplotlib's."""


def _places(width: float) -> Iterator[tuple[float, float]]:
    """Where a name may stand beside its point, best first: offsets of its left end and middle, in points."""
    for line in range(30):
        for dy in {0.0: (0.0,)}.get(float(line), (line * LINE, -line * LINE)):
            near = 8.0 if line == 0 else 6.0
            yield near, dy
            yield -near - width, dy
            if line > 1:
                yield -width / 2, dy


def _name_points(
    ax: Axes, marks: Sequence[Mark], beyond: Sequence[Mark], limits: tuple[float, float], *, is_percent: bool
) -> None:
    """Write each name where it covers no other name or point, as near to its point as that allows.

    Those `beyond` the axis are named at its edge, with their value. Boxes are in points of the figure; the width of a
    name is estimated, since the reader's font is not known. A name that is far from its point has a line to it.
    """
    scale = 72 / ax.figure.dpi
    corners = [ax.transAxes.transform(corner) * scale for corner in ((0, 0), (1, 1))]
    (left, bottom), (right, top) = corners
    points = [ax.transData.transform((_time(mark), mark.mean)) * scale for mark in marks]
    ends = [[ax.transData.transform((1, end))[1] * scale for end in mark.ends] for mark in marks]
    taken: list[Box] = [
        (x - 5, min(y - 5, low), x + 5, max(y + 5, high)) for (x, y), (low, high) in zip(points, ends, strict=True)
    ]
    named = [(plain(mark.label), (x, y), (_time(mark), mark.mean)) for mark, (x, y) in zip(marks, points, strict=True)]
    for mark in beyond:
        is_low = mark.mean < limits[0]
        text = f"{'▾' if is_low else '▴'} {plain(mark.label)} {_value(mark, is_percent=is_percent)}"
        at = (_time(mark), limits[0] if is_low else limits[1])
        named.insert(0, (text, (ax.transData.transform(at)[0] * scale - 11, bottom + 7 if is_low else top - 7), at))
    for text, (x, y), at in named:
        width = LETTER * len(text)
        boxes = [(x + dx, y + dy - 5, x + dx + width, y + dy + 5) for dx, dy in _places(width)]
        inside = [box for box in boxes if left <= box[0] and box[2] <= right and bottom < box[1] and box[3] < top + 8]
        box = next((one for one in inside if not any(_overlap(one, other) for other in taken)), boxes[0])
        taken.append(box)
        middle = (box[1] + box[3]) / 2
        is_far = abs(middle - y) > 1.5 * LINE
        ax.annotate(
            text, at, xytext=(box[0] - left, middle - bottom), textcoords="axes points", ha="left", va="center",
            fontsize=8.5, in_layout=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.6, "alpha": 0.4, "shrinkB": 4} if is_far else None,
        )  # fmt: skip


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
