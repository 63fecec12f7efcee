"""A part of the data that is small enough to look at closely.

N examples, T time steps, C channels
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import take
from hw3models.data.raw import Raw

MOST_VALUES = 20_000_000
"""Numbers that are looked at closely."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Examples as numbers, with what belongs to them."""

    rows: NDArray[np.int64]
    """(N,) positions in the data, in their order."""
    values: NDArray[Any]
    """Series: float64 (N, T, C). Images: uint8 (N, H, W) or (N, H, W, 3)."""
    valid: NDArray[np.bool_]
    """(N, T, 1): not after the end of a shorter series; of images (N, 1, ...), True."""
    lengths: NDArray[np.int64]
    """(N,)."""
    labels: NDArray[np.int64]
    targets: NDArray[np.float64] | None
    """(N,) numbers to predict; None of classes."""
    is_train: NDArray[np.bool_]
    """Training and validation; the rest is for test."""
    channels: tuple[str, ...] = ()
    """Names of the C channels, where the source has them."""

    def channel(self, number: int) -> str:
        """What it is called in a sentence."""
        return f"channel {self.channels[number]!r}" if self.channels else f"channel {number}"

    def name(self, number: int) -> str:
        """Its name, or its number."""
        return repr(self.channels[number]) if self.channels else str(number)

    @property
    def counted(self) -> str:
        """For the end of a sentence with channels in it."""
        return "" if self.channels else " (counting from 0)"

    def channel_list(self, numbers: NDArray[np.int64], most: int = 6) -> str:
        """The same for several."""
        one = len(numbers) == 1
        shown = ", ".join(self.name(c) for c in numbers[:most])
        more = f" and {len(numbers) - most:,} more" if len(numbers) > most else ""
        return f"channel{'' if one else 's'} {shown}{more}"


def draw(raw: Raw, is_train: NDArray[np.bool_], *, seed: int = 0) -> Sample:
    """All of it, or as many examples as `MOST_VALUES` allow, drawn at random."""
    num = len(raw.labels)
    most = max(500, MOST_VALUES // max(1, int(np.prod(raw.features.shape[1:]))))
    rows = np.arange(num)
    if num > most:
        rows = np.sort(np.random.default_rng(seed).choice(num, most, replace=False))
    steps, values = raw.features.shape[1], take(raw.features, rows)
    lengths = np.full(len(rows), steps) if raw.lengths is None else raw.lengths[rows]
    valid = (np.arange(steps) < lengths[:, None])[..., None]
    if raw.kind == "images":
        valid = np.ones((len(rows), *(1 for _ in values.shape[1:])), bool)
    return Sample(
        rows=rows,
        values=values if raw.kind == "images" else values.astype(np.float64),
        valid=valid,
        lengths=lengths,
        labels=raw.labels[rows],
        targets=None if raw.targets is None else raw.targets[rows],
        is_train=is_train[rows],
        channels=raw.channels,
    )
