"""The figures of the homework parts."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hw3models.errors import SpecError
from hw3models.homework.parts import _BAND_NAMES, Series
from hw3models.specs import HomeworkPart


def draw(part: HomeworkPart) -> Figure | None:
    """The figure of a part, 6.4 x 3.4 in, transparent, text and axes in black; None where a figure says nothing.

    Raises:
        SpecError: the part lacks a series that its figure needs.
    """
    drawing = _DRAWINGS.get(part.part)
    if drawing is None or not part.series:
        return None
    figure = Figure(figsize=(6.4, 3.4), layout="constrained", facecolor="none")
    try:
        drawing(figure, part.series)
    except KeyError as error:
        raise SpecError(
            f"part {part.part} has no series {error} for its figure, only {', '.join(part.series)}. Solve it again."
        ) from error
    return figure


_BLUE, _RED, _GREEN = "#0072B2", "#D55E00", "#009E73"


def _plot_band(ax: Axes, series: Series, name: str, *, label: str, color: str, style: str) -> None:
    mean, lowest, highest = (series[f"{name}, {band}"] for band in _BAND_NAMES)
    ax.fill_between(series["epoch"], lowest, highest, color=color, alpha=0.2, linewidth=0)
    ax.plot(series["epoch"], mean, style, color=color, label=label)


def _bare(ax: Axes, x: str, y: str) -> None:
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def _draw_gradients(figure: Figure, series: Series) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, by in ((left, "probability"), (right, "logit")):
        for name, color, style in (("cross-entropy", _BLUE, "-"), ("MSE", _RED, "--")):
            ax.semilogy(series["p"], np.abs(series[f"{name} by {by}"]), style, color=color, label=name)
        _bare(ax, "probability p of the true digit", f"|gradient| by {by}")
    left.set_ylim(1e-6, 1e3)  # the legend has its place under the curves
    # matplotlib's own labels are formulas, which figures here show as they are written.
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    right.legend(frameon=False, loc="lower center")


def _draw_both_losses(figure: Figure, series: Series) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, start in ((left, "usual start"), (right, "confident wrong start")):
        _plot_band(ax, series, f"{start}, cross-entropy", label="cross-entropy", color=_BLUE, style="-")
        _plot_band(ax, series, f"{start}, MSE", label="MSE", color=_RED, style="--")
        _bare(ax, f"epoch, {start}", "validation accuracy" if ax is left else "")
        ax.yaxis.set_major_formatter(_percent)
    right.legend(frameon=False, loc="lower right")


def _draw_softmax_twice(figure: Figure, series: Series) -> None:
    left, right = figure.subplots(1, 2)
    for ax, what in ((left, "training loss"), (right, "accuracy")):
        _plot_band(ax, series, f"logits, {what}", label="logits", color=_BLUE, style="-")
        _plot_band(ax, series, f"Softmax layer, {what}", label="with a Softmax layer", color=_RED, style="--")
    left.axhline(series["floor"][0], color=_RED, linestyle=":", linewidth=1)
    last, floor = series["epoch"][-1], series["floor"][0]
    left.annotate(f"floor {floor:.3f}", (last, floor), xytext=(0, -3), textcoords="offset points", ha="right", va="top")
    left.set_ylim(bottom=0)
    _bare(left, "epoch", "training loss (nats)")
    _bare(right, "epoch", "validation accuracy")
    right.yaxis.set_major_formatter(_percent)
    right.legend(frameon=False, loc="lower right")


def _draw_backward(figure: Figure, series: Series) -> None:
    ax = figure.subplots()
    ax.plot(series["step"], series["without backward()"], "--", color=_RED, label="without backward()")
    ax.plot(series["step"], series["with backward()"], color=_BLUE, label="with backward()")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _bare(ax, "optimiser steps on one batch", "loss on the batch (nats)")
    ax.legend(frameon=False, loc="lower left")


def _draw_zero_grad(figure: Figure, series: Series) -> None:
    left, right = figure.subplots(1, 2)
    left.plot(series["calls"], series["norm ratio"], "o-", color=_RED)
    left.set_xticks(series["calls"])
    left.set_ylim(bottom=0)
    _bare(left, "calls of backward(), weights fixed", "norm of .grad / the first norm")
    right.plot(series["epoch"], series["without zero_grad()"], "--", color=_RED, label="without zero_grad()")
    right.plot(series["epoch"], series["with zero_grad()"], color=_BLUE, label="with zero_grad()")
    # Room for the legend above the highest peak.
    right.set_ylim(0, 1.35 * max(*series["with zero_grad()"], *series["without zero_grad()"]))
    _bare(right, "epoch", "training loss (nats)")
    right.legend(frameon=False, loc="upper left")


def _draw_batchnorm(figure: Figure, series: Series) -> None:
    ax = figure.subplots()
    train, held = series["train()"], series["eval()"]
    ax.axhline(series["true mean"][0], color=_GREEN, linestyle=":", label="true mean")
    ax.plot(range(len(train)), train, color=_BLUE, label="train(): moves")
    ax.plot(range(len(train) - 1, len(train) + len(held) - 1), held, "--", color=_RED, label="eval(): stays")
    ax.set_ylim(bottom=0)
    _bare(ax, "batches", "running mean of BatchNorm")
    ax.legend(frameon=False, loc="lower right")


def _draw_eval(figure: Figure, series: Series) -> None:
    ax = figure.subplots()
    marks = {"train(), sorted by class": (_RED, "s"), "train(), mixed batches": (_RED, "^"), "eval()": (_BLUE, "o")}
    for row, (name, (color, marker)) in enumerate(marks.items()):
        # Spread within the row, so that equal accuracies do not hide one another.
        height = row + np.linspace(-0.25, 0.25, len(series[name]))
        ax.plot(series[name], height, marker, color=color, markersize=4, alpha=0.7)
    ax.set_yticks(range(len(marks)), list(marks))
    ax.set_ylim(-0.6, len(marks) - 0.4)
    _bare(ax, "test accuracy, one mark per repeat", "")
    ax.xaxis.set_major_formatter(_percent)


def _percent(value: float, _position: object = None) -> str:
    return f"{value:.0%}"


_Drawing = Callable[[Figure, Series], None]


_DRAWINGS: dict[str, _Drawing] = {
    "1B": _draw_gradients,
    "1B-measured": _draw_both_losses,
    "1C": _draw_softmax_twice,
    "3b": _draw_backward,
    "3c": _draw_zero_grad,
    "3e": _draw_batchnorm,
    "3f": _draw_eval,
}
