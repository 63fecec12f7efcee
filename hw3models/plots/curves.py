"""Learning curves of one family, with their spread over the seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, PALETTE, bare, in_percent, new_figure, style

MOST_POINTS = 120
"""Points of a curve: more than the page has pixels for would only be weight."""

PerSeed = Sequence[Sequence[float | None]]
"""Per seed, the values of its epochs; a seed may have stopped early, and None is a value that was not finite."""


def learning_curves(
    train_loss: PerSeed,
    validation_loss: PerSeed | None = None,
    validation_accuracy: PerSeed | None = None,
    *,
    loss: str = "loss",
    color: str = PALETTE["blue"],
    accuracy_range: tuple[float, float] | None = None,
) -> Figure:
    """Loss, and accuracy beside it: the mean over the seeds still running, in a band from the lowest to the highest.

    `accuracy_range` makes the figures of several families comparable.
    """
    with style():
        figure = new_figure(5.4, 2.2)
        panels = figure.subplots(1, 2 if validation_accuracy else 1, squeeze=False)[0]
        curves = [("training", train_loss, "--", BLACK)]
        if validation_loss:
            curves.append(("validation", validation_loss, "-", color))
        for name, values, line, its_color in curves:
            _band(panels[0], values, name=name, line=line, color=its_color)
        bare(panels[0], x="epoch", y=loss, grid="y")
        _log_if_wide(panels[0], [values for _, values, _, _ in curves])
        panels[0].legend(frameon=False, loc="best", handlelength=1.8, borderaxespad=0)
        if validation_accuracy:
            _band(panels[1], validation_accuracy, name="validation", line="-", color=color)
            bare(panels[1], x="epoch", y="validation accuracy", grid="y")
            if accuracy_range is not None:
                panels[1].set_ylim(*accuracy_range)
            in_percent(panels[1].yaxis)
        for panel in panels:
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            panel.set_xlim(left=0)
        return figure


def _rectangle(values: PerSeed) -> NDArray[np.float64]:
    """(seeds, epochs), NaN after a seed has stopped and where a value was not finite."""
    table = np.full((len(values), max((len(row) for row in values), default=0)), np.nan)
    for row, of_seed in enumerate(values):
        table[row, : len(of_seed)] = [np.nan if value is None else value for value in of_seed]
    return table


def _band(ax: Axes, values: PerSeed, *, name: str, line: str, color: str) -> None:
    table = _rectangle(values)
    epochs = np.flatnonzero(np.isfinite(table).any(axis=0))
    if len(epochs) > MOST_POINTS:
        epochs = epochs[np.unique(np.linspace(0, len(epochs) - 1, MOST_POINTS).round().astype(int))]
    if not len(epochs):
        return
    part = table[:, epochs]
    # A point at the frame is not cut in half.
    alone: dict[str, Any] = {"marker": "o", "clip_on": False} if len(epochs) == 1 else {}
    ax.plot(epochs + 1, np.nanmean(part, axis=0), line, color=color, label=name, linewidth=1.4, **alone)
    if len(table) > 1:
        ax.fill_between(
            epochs + 1, np.nanmin(part, axis=0), np.nanmax(part, axis=0), color=color, alpha=0.18, linewidth=0
        )


def _log_if_wide(ax: Axes, curves: Sequence[PerSeed]) -> None:
    """A loss that falls by more than a factor of 20 is drawn on a logarithmic axis; otherwise the axis begins at 0."""
    values = np.concatenate([_rectangle(curve).ravel() for curve in curves])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    if values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")
        # Not matplotlib's own, which writes powers as formulas.
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
        ax.yaxis.minorticks_off()
    elif values.min() >= 0:
        ax.set_ylim(bottom=0)
