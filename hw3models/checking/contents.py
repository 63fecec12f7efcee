"""Classes, gaps, channels that say nothing, values that stand out.

N examples, T time steps, C channels
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hw3models.checking.findings import Finding
from hw3models.checking.sample import Sample
from hw3models.evaluation.wording import value

FEW = 20
"""Training examples of a class, under which scores say little."""
UNEVEN = 10.0
"""The largest class against the smallest."""
_MOST = 6
"""Names in one sentence."""


def named(names: list[str]) -> str:
    """The first few, and how many more."""
    shown = ", ".join(repr(name) for name in names[:_MOST])
    return shown + (f" and {len(names) - _MOST:,} more" if len(names) > _MOST else "")


def classes(names: tuple[str, ...], train: NDArray[np.int64], test: NDArray[np.int64]) -> Iterator[Finding]:
    """Balance, and classes with few examples."""
    few = [names[k] for k in np.flatnonzero(train < FEW)]
    if few:
        yield Finding(
            severity="warning",
            what=f"fewer than {FEW} training examples of class {named(few)}",
            do="collect more, or expect wide intervals; `--resampling both` says how much the split matters",
        )
    if train.min() > 0 and train.max() / train.min() > UNEVEN:
        share = value("accuracy", float(test.max() / max(1, test.sum())))
        yield Finding(
            severity="warning",
            what=f"the largest class has {train.max() / train.min():.0f} times the examples of the smallest; always "
            f"saying the largest is right in {share} of the test split",
            do="compare by `--metric balanced_accuracy` or `macro_f1`",
        )
    absent = [names[k] for k in np.flatnonzero(test == 0)]
    if absent:
        yield Finding(
            severity="warning",
            what=f"no test example of class {named(absent)}",
            do="nothing is said about it: move some examples to the test split",
        )


def gaps(sample: Sample, *, filled: bool) -> Iterator[Finding]:
    """Missing and infinite values; the former are only worth a note where they are `filled`."""
    missing = np.isnan(sample.values) & sample.valid
    if missing.any():
        series, channels = int(missing.any((1, 2)).sum()), np.flatnonzero(missing.any((0, 1)))
        yield Finding(
            severity="note" if filled else "error",
            what=f"{missing.sum():,} values are missing, in {series:,} of {len(sample.values):,} series; channels "
            f"{', '.join(map(str, channels[:_MOST]))}{' and more' if len(channels) > _MOST else ''} (counting from 0)",
            do="they will be filled, in training and prediction alike"
            if filled
            else "give `--missing interpolate` to every command, or leave these series out",
        )
    if (infinite := np.isinf(sample.values)).any():
        row, step, channel = (int(i) for i in np.argwhere(infinite)[0])
        yield Finding(
            severity="error",
            what=f"{infinite.sum():,} values are infinite (or beyond 3.4e38), the first in series {sample.rows[row]}, "
            f"step {step}, channel {channel} (counting from 0)",
            do="find out what writes them; they cannot be used",
        )


def channels(sample: Sample) -> Iterator[Finding]:
    """Channels that are constant, copies of each other, or hold values that stand far out."""
    flat = np.where(sample.valid & np.isfinite(sample.values), sample.values, np.nan)
    low, high = np.nanmin(flat, axis=(0, 1)), np.nanmax(flat, axis=(0, 1))
    if len(constant := np.flatnonzero(low == high)):
        yield Finding(
            severity="warning",
            what=f"channel {', '.join(map(str, constant[:_MOST]))} is the same everywhere (counting from 0)",
            do="leave it out: it tells nothing",
        )
    copies = [
        f"{b} of {a}"
        for a in range(flat.shape[2])
        for b in range(a + 1, min(flat.shape[2], a + 65))
        if low[a] < high[a] and np.array_equal(flat[..., a], flat[..., b], equal_nan=True)
    ]
    if copies:
        yield Finding(
            severity="warning",
            what=f"channels that are copies: {', '.join(copies[:_MOST])} (counting from 0)",
            do="leave the copies out",
        )
    still = np.nanmax(flat, axis=1) == np.nanmin(flat, axis=1)
    if (dead := still.all(axis=1)).any():
        yield Finding(
            severity="warning",
            what=f"{dead.sum():,} series never change in any channel, the first is series {sample.rows[dead][0]}",
            do="were they recorded? leave them out if not",
        )
    yield from _outliers(flat)


def _outliers(flat: NDArray[np.float64]) -> Iterator[Finding]:
    """More than 50 times the interquartile range off the median: scaling by mean and deviation then fails."""
    lower, middle, upper = np.nanpercentile(flat, (25, 50, 75), axis=(0, 1))
    spread = upper - lower
    far = np.nanmax(np.abs(flat - middle), axis=(0, 1)) > 50 * np.where(spread > 0, spread, np.inf)
    if far.any():
        yield Finding(
            severity="warning",
            what=f"channel {', '.join(map(str, np.flatnonzero(far)[:_MOST]))} has values more than 50 interquartile "
            "ranges from its median (counting from 0)",
            do="look whether they are errors: channels are scaled by mean and deviation, which they rule",
        )
