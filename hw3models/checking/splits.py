"""Do training and test examples come from the same time, the same recording, the same distribution?"""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from hw3models.checking.findings import Finding
from hw3models.checking.sample import Sample
from hw3models.data.blocks import read
from hw3models.data.raw import Raw
from hw3models.data.readers.time_columns import time_parts
from hw3models.data.readers.times import dates_of
from hw3models.data.source import path_of
from hw3models.data.sources import match
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from hw3models.stats.multiple_testing import holm

SMALLEST_SHIFT = 0.2
"""Kolmogorov-Smirnov distance of a shift that is worth a word."""
_PAIRS = 2000
"""Neighbouring series that are compared."""


def shift(sample: Sample) -> Iterator[Finding]:
    """Means of each channel in training and test series, by Kolmogorov and Smirnov, with Holm's correction at 1%."""
    values = np.where(sample.valid & np.isfinite(sample.values), sample.values, np.nan)
    means = np.nanmean(np.where(np.isnan(values).all(1, keepdims=True), 0.0, values), axis=1)
    train, test = means[sample.is_train], means[~sample.is_train]
    if min(len(train), len(test)) < 20:
        return
    tests = [ks_2samp(train[:, c], test[:, c]) for c in range(means.shape[1])]
    rejected = holm([float(one.pvalue) for one in tests], 0.01)
    far = [c for c, one in enumerate(tests) if rejected[c] and one.statistic >= SMALLEST_SHIFT]
    if far:
        worst = max(far, key=lambda c: float(tests[c].statistic))
        yield Finding(
            severity="warning",
            what=f"training and test series differ in the mean of {len(far)} of {len(tests)} channels, most in "
            f"{sample.channel(worst)} (distance {tests[worst].statistic:.2f}){sample.counted}",
            do="scores are then those of another distribution: say so, or draw the split anew",
        )


def overlap(raw: Raw, *, own_split: bool) -> Iterator[Finding]:
    """Windows cut from one recording: the end of a series is the beginning of the next one in the file."""
    if raw.kind != "sequences" or raw.lengths is not None or len(raw.labels) < 10:
        return
    start = max(0, (len(raw.labels) - _PAIRS) // 2)
    rows = read(raw.features, start, min(len(raw.labels), start + _PAIRS))
    shared = _shared_steps(rows)
    if raw.groups is not None:  # parts of one recording stay on one side, where it is named
        named = raw.groups[start : start + len(rows)]
        shared = np.where(named[1:] == named[:-1], 0, shared)
    if (shared > 0).mean() < 0.05:
        return
    steps = int(np.median(shared[shared > 0]))
    yield Finding(
        severity="warning" if own_split else "error",
        what=f"windows overlap: in {100 * (shared > 0).mean():.0f}% of {len(shared):,} neighbouring pairs the next "
        f"series begins with the last {steps} of {rows.shape[1]} steps of the one before",
        do="look that no recording is in both splits"
        if own_split
        else "a random split puts parts of one window on both sides: say which recording each is of (`--group-column`, "
        "or a file of groups), or cut windows that do not overlap",
    )


def _shared_steps(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n - 1,) by how many steps, 2 at least, the end of each series is the beginning of the next."""
    shared = np.zeros(len(rows) - 1, np.int64)
    steps = rows.shape[1]
    changes = (rows[:-1].max(axis=1) != rows[:-1].min(axis=1)).any(axis=1)
    for size in range(2, steps):
        candidate = (shared == 0) & changes & (rows[:-1, steps - size] == rows[1:, 0]).all(axis=1)
        for pair in np.flatnonzero(candidate):
            if np.array_equal(rows[pair, steps - size :], rows[pair + 1, :size]):
                shared[pair] = size
    return shared


def times(spec: DataSpec) -> Iterator[Finding]:
    """Where a table's times are absolute: do test series lie among training series in time?"""
    source = match(spec.source, spec.layout)
    if source is None or source.table is None:
        return
    import pandas as pd

    from hw3models.data.readers.long_tables import sample_parts, with_joined

    spec = source.columns(spec)
    try:
        columns = (sample_parts(spec) or (spec.sample_column,), time_parts(spec) or (spec.time_column,), ("split",))
        table = with_joined(source.table(path_of(spec.source), [*chain(*columns)]), spec)
    except (OSError, ValueError, DataError):
        return  # no split column, or no table in long form: nothing was said about time
    numbers = pd.to_numeric(table[spec.time_column], errors="coerce")
    if numbers.isna().any():
        numbers = dates_of(table[spec.time_column]).astype("int64")
    spans = numbers.groupby(table[spec.sample_column]).agg(["min", "max"])
    if spans["min"].nunique() < 0.5 * len(spans):
        return  # every series begins at its own zero
    is_test = table.groupby(spec.sample_column)["split"].first().str.strip().str.lower().reindex(spans.index) == "test"
    first, last = spans.loc[is_test, "min"].min(), spans.loc[~is_test, "max"].max()
    if is_test.any() and (~is_test).any() and first <= last:
        among = int((spans.loc[is_test, "min"] <= last).sum())
        yield Finding(
            severity="warning",
            what=f"{among:,} of {int(is_test.sum()):,} test series begin before the last training series ends",
            do="if the model is to foretell the future, test on later times only",
        )
