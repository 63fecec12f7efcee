"""False alarms, coverage and power of every design, next to what they should be."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hw3models.plots.style import PALETTE, bare, new_figure, style
from hw3models.simulation.simulated import Calibration

_COLORS = ("blue", "green", "vermillion")


def calibration(found: Sequence[Calibration]) -> Figure:
    """Three panels over the designs (S seeds, n examples), a colour per kind of effects, bands where they must lie."""
    designs = list(dict.fromkeys((one.seeds, one.examples) for one in found))
    kinds = list(dict.fromkeys(one.effects for one in found))
    with style():
        figure = new_figure(8.0, 6.6)
        alarms, coverage, power = figure.subplots(3, 1, sharex=True)
        _panel(alarms, "false alarms, %", (3.5, 6.5))
        _panel(coverage, "coverage, %", (93.5, 96.5))
        _panel(power, "power less promise, points", (-5, 5))
        for number, kind in enumerate(kinds):
            color = PALETTE[_COLORS[number % len(_COLORS)]]
            for one in (one for one in found if one.effects == kind):
                x = designs.index((one.seeds, one.examples)) + 0.2 * (number - (len(kinds) - 1) / 2)
                for ax, share, shift in (
                    (alarms, one.false_alarms, 0.0),
                    (coverage, one.coverage, 0.0),
                    (power, one.power, one.promised),
                ):
                    ax.vlines(x, 100 * (share.low - shift), 100 * (share.high - shift), color=color)
                    ax.plot(x, 100 * (share.share - shift), "o", color=color, markersize=4)
            alarms.plot([], [], "o", color=color, markersize=4, label=kind)
        alarms.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(kinds), frameon=False)
        power.set_xticks(range(len(designs)), [f"S={seeds}\nn={examples:,}" for seeds, examples in designs])
    return figure


def _panel(ax: Axes, label: str, band: tuple[float, float]) -> None:
    bare(ax)
    ax.set_ylabel(label)
    ax.axhspan(*band, color="#000000", alpha=0.06, linewidth=0)
