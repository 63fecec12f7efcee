"""Predicted against true numbers."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hw3models.plots.style import BLACK, new_figure, style

MOST_POINTS = 1_000
"""More are drawn at random from: a page that holds them all would be slow."""


def predicted_against_true(targets: NDArray[np.float64], predicted: NDArray[np.float64], *, color: str) -> Figure:
    """A point for each test example: true number (n,) to the right, the mean over seeds of (S, n) upwards, with a line
    from the lowest to the highest seed. On the diagonal a prediction is right.

    Raises:
        ValueError: the two are of different numbers of examples.
    """
    if predicted.shape[1:] != targets.shape:
        raise ValueError(f"`predicted` is {predicted.shape} for {targets.shape} `targets`.")
    if len(targets) > MOST_POINTS:
        rows = np.random.default_rng(0).choice(len(targets), MOST_POINTS, replace=False)
        targets, predicted = targets[rows], predicted[:, rows]
    mean, low, high = predicted.mean(axis=0), predicted.min(axis=0), predicted.max(axis=0)
    ends = np.array([min(targets.min(), mean.min()), max(targets.max(), mean.max())])
    room = 0.04 * (ends[1] - ends[0]) or 1.0
    with style():
        figure = new_figure(3.4, 3.2)
        ax = figure.subplots()
        ax.plot(ends, ends, color=BLACK, alpha=0.35, linewidth=0.8, zorder=1)
        if len(predicted) > 1:
            ax.vlines(targets, low, high, color=color, alpha=0.3, linewidth=0.8, zorder=2)
        ax.plot(targets, mean, "o", markersize=3.2, color=color, alpha=0.6, markeredgewidth=0, zorder=3)
        ax.set_xlim(ends[0] - room, ends[1] + room)
        ax.set_ylim(ends[0] - room, ends[1] + room)
        ax.set_aspect("equal")
        ax.set_xlabel("true")
        ax.set_ylabel("predicted")
        return figure
