"""Series that end before others: from some step on nothing is there, in any channel.

That is unequal length, not a gap: filled, a flat end would be made up. It is masked instead (docs/decisions/0027).

N series, T time steps, C channels
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import blocks
from hw3models.data.raw import Raw

SHORTEST = 2
"""Steps that must be left: a series with fewer has gaps, not an end."""


def ends(values: NDArray[Any], lengths: NDArray[np.int64] | None = None) -> NDArray[np.int64] | None:
    """(N,) steps of series (N, T, C) up to the last with a value; None where nothing is missing at an end.

    Where more series have gaps inside than missing ends, ends are gaps as well, and nothing is an end.
    """
    if values.dtype.kind != "f" or 0 in values.shape:
        return None
    steps = values.shape[1]
    before = np.full(len(values), steps, np.int64) if lengths is None else lengths
    found, inside = before.copy(), 0
    for start, rows in blocks(values):
        valid = np.arange(steps) < before[start : start + len(rows), None]
        there = ~np.isnan(rows).all(axis=2) & valid
        last = steps - there[:, ::-1].argmax(axis=1)
        until = np.where(there.sum(axis=1) >= SHORTEST, last, before[start : start + len(rows)])
        found[start : start + len(rows)] = until
        inside += int((np.isnan(rows).any(axis=2) & (np.arange(steps) < until[:, None])).any(axis=1).sum())
    return None if inside > int((found < before).sum()) or np.array_equal(found, before) else found


def without_tails(raw: Raw) -> Raw:
    """The same examples, each up to its end: zero behind it, with a note where there was something to cut."""
    if raw.kind != "sequences" or raw.features.ndim != 3:
        return raw
    found = ends(raw.features, raw.lengths)
    if found is None:
        return raw
    features = np.array(raw.features)  # the raw data stay as they are, on disk as well
    features[np.arange(features.shape[1]) >= found[:, None]] = 0
    before = features.shape[1] if raw.lengths is None else raw.lengths
    note = tail_note(int((found < before).sum()), len(found))
    is_equal = bool((found == features.shape[1]).all())
    return replace(raw, features=features, lengths=None if is_equal else found, notes=(*raw.notes, note))


def tail_note(num: int, of: int) -> str:
    """For readers of a report: so many series end with missing values in all channels."""
    return (
        f"{num:,} of {of:,} series end with missing values in all channels: they were taken as shorter, and the rest "
        "is masked. Gaps before the end stay gaps."
    )
