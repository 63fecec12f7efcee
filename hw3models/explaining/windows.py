"""Maps in windows: what is hidden at once, compared between seeds, and deleted.

A, B = cells of a map: steps and channels of series, rows and columns of images
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.specs import Kind

SHARE_OF_SERIES, SHARE_OF_IMAGE = 10, 7
"""A window is a tenth of a series, or a seventh of an image in each direction."""


class Window(NamedTuple):
    """Cells that belong together: so many steps of one channel, or so many rows and columns."""

    height: int
    width: int

    @property
    def stride(self) -> tuple[int, int]:
        """Half a window, so that windows overlap."""
        return max(1, self.height // 2), max(1, self.width // 2)


def window_of(kind: Kind, shape: tuple[int, ...], lengths: NDArray[np.int64] | None = None) -> Window:
    """The window for examples of `shape`; of series that differ in length the middle one counts."""
    if kind == "images":
        side = max(1, round(min(shape[:2]) / SHARE_OF_IMAGE))
        return Window(side, side)
    steps = shape[0] if lengths is None else float(np.median(lengths))
    return Window(max(1, round(steps / SHARE_OF_SERIES)), 1)


def blocks_of(cells: tuple[int, int], window: Window) -> NDArray[np.int64]:
    """(A, B): which block a cell is in. Blocks are windows side by side."""
    rows, columns = (np.arange(num) // size for num, size in zip(cells, window, strict=True))
    return np.array(rows[:, None] * (columns[-1] + 1) + columns, np.int64)


def block_means(maps: NDArray[np.floating], blocks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Maps (..., A, B) to (..., blocks): the mean over the cells that are not NaN; NaN where none is."""
    num, flat = int(blocks.max()) + 1, np.asarray(maps, np.float64).reshape(-1, blocks.size)
    there = np.isfinite(flat)
    is_in = (blocks.ravel()[:, None] == np.arange(num)).astype(np.float64)
    counts = there.astype(np.float64) @ is_in
    sums = np.where(there, flat, 0.0) @ is_in
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.reshape(*maps.shape[:-2], num)


def top_windows(maps: NDArray[np.floating], window: Window) -> NDArray[np.int64]:
    """Maps (n, A, B) to the first cell (n, 2) of the window, at any place, that the most stands in."""
    sums = _window_sums(np.nan_to_num(np.asarray(maps, np.float64)), window)
    # A window that reaches over the end of a series is none; a series shorter than a window has only such.
    there = _window_sums(np.isfinite(maps).astype(np.float64), window)
    sums[there < there.max(axis=(1, 2), keepdims=True) - 0.5] = -np.inf
    best = sums.reshape(len(sums), -1).argmax(axis=1)
    return np.stack(np.unravel_index(best, sums.shape[1:]), axis=1).astype(np.int64)


def _window_sums(maps: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """(n, A - height + 1, B - width + 1)"""
    views = np.lib.stride_tricks.sliding_window_view(maps, window, axis=(1, 2))  # type: ignore[call-overload]
    return np.array(views.sum(axis=(3, 4)))


def overlaps(tops: NDArray[np.int64], window: Window, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,): does the window that begins at `tops` (n, 2) hold a cell of `where` (n, A, B)?"""
    return np.array(
        [
            bool(place[row : row + window.height, column : column + window.width].any())
            for (row, column), place in zip(tops, where, strict=True)
        ]
    )
