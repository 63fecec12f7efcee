"""What all figures share: colours, type, bare axes.

Colours are those of Okabe and Ito (2008), which people with any kind of colour blindness can tell apart. Black
stands for the colour of the page's text (`to_svg` makes it `currentColor`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

BLACK = "#000000"
WHITE = "#FFFFFF"
"""The ground of the page: what covers a line in a hollow marker."""
PALETTE = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
}

_OF_FAMILY = {
    "mlp": PALETTE["blue"],
    "autoencoder": PALETTE["blue"],
    "cnn": PALETTE["vermillion"],
    "lstm": PALETTE["green"],
    "gru": PALETTE["purple"],
}

# Any: matplotlib's stubs want its hundreds of literal names.
RC: Any = {
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.6,
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "hw3",
    # A class may be called `$x$`: names are text, not formulas.
    "text.parse_math": False,
    "text.usetex": False,
}


drawing_lock = threading.RLock()
"""matplotlib is for one thread at a time; whoever draws holds this."""


@contextmanager
def style() -> Iterator[None]:
    """The settings of all figures, for as long as one is drawn or written."""
    with drawing_lock, matplotlib.rc_context(RC):
        yield


def family_color(name: str, *, is_baseline: bool = False) -> str:
    """The same colour for a family in every figure; baselines have the text's own."""
    return BLACK if is_baseline else _OF_FAMILY.get(name, PALETTE["orange"])


def new_figure(width: float, height: float) -> Figure:
    """Transparent, sizes in inches."""
    figure = Figure(figsize=(width, height), facecolor="none")
    # More room at the sides than matplotlib leaves: the reader's font may be wider than the one it measures.
    figure.set_layout_engine("constrained", w_pad=0.1)
    return figure


def bare(ax: Axes, *, x: str = "", y: str = "", grid: Literal["", "both", "x", "y"] = "") -> None:
    """Left and bottom spine only; `y` stands above the axis, where it is read without turning one's head."""
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set_alpha(0.45)
    ax.tick_params(length=3, pad=3)
    if x:
        ax.set_xlabel(x)
    if y:
        ax.set_title(y, loc="left", pad=7, y=1.0)
    if grid:
        ax.grid(axis=grid, color=BLACK, alpha=0.12, linewidth=0.6)


def in_percent(axis: Axis, most: int = 8) -> None:
    """Shares in 0..1 as percent, at round values, with the decimals that they need. Call it when limits are set."""
    low, high = sorted(axis.get_view_interval())
    span = high - low
    digits = 0 if span > 0.05 else 1 if span > 0.005 else 2
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{100 * value:.{digits}f}%"))


def plain(text: str, longest: int = 28) -> str:
    """A name from data as a label: one line of at most `longest` characters, all printable."""
    line = "".join(character if character.isprintable() else " " for character in text).strip() or "(empty)"
    if len(line) <= longest:
        return line
    # The end of a long name often tells it from the next: `left hand, rehearsal 12`.
    tail = (longest - 1) // 3
    return f"{line[: longest - 1 - tail]}…{line[len(line) - tail :]}"
