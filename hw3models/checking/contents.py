"""Classes, gaps, channels that say nothing, values that stand out.

N examples, T time steps, C channels
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hw3models.checking.findings import Finding
from hw3models.checking.sample import Sample
from hw3models.data.labels import NO_LABELS, spellings
from hw3models.data.raw import Raw
from hw3models.evaluation.wording import value

FEW = 20
"""Training examples of a class, under which scores say little."""
FEW_TEST = 10
"""Test examples of a class, under which scores of it say little."""
UNEVEN = 10.0
"""The largest class against the smallest."""
FEW_NUMBERS = 30
"""Test examples, under which the error of predicted numbers says little."""
FAR_OUT = 0.01
"""Share of the labels that should not make most of their variance."""
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
    few = [f"{names[k]!r} ({test[k]})" for k in np.flatnonzero((test > 0) & (test < FEW_TEST))]
    if few:
        shown = ", ".join(few[:_MOST]) + (f" and {len(few) - _MOST:,} more" if len(few) > _MOST else "")
        yield Finding(
            severity="warning",
            what=f"fewer than {FEW_TEST} test examples of class {shown}",
            do="what is said of a class rests on these: metrics that weigh classes alike (`balanced_accuracy`, "
            "`macro_f1`) decide little here",
        )
    absent = [names[k] for k in np.flatnonzero(test == 0)]
    if absent:
        yield Finding(
            severity="warning",
            what=f"no test example of class {named(absent)}",
            do="nothing is said about it: move some examples to the test split",
        )


def numbers(targets: NDArray[np.float64], is_train: NDArray[np.bool_]) -> Iterator[Finding]:
    """Numbers to predict: a few that weigh more than all others, one that most are, and test ones beyond training."""
    own, test = targets[is_train], targets[~is_train]
    squares = np.sort(np.square(own - own.mean()))[::-1]
    few = max(1, round(FAR_OUT * len(own)))
    if squares.sum() > 0 and (share := squares[:few].sum() / squares.sum()) > 0.5:
        furthest = own[np.abs(own - own.mean()).argmax()]
        yield Finding(
            severity="warning",
            what=f"{few:,} of {len(own):,} training labels make {100 * share:.0f}% of the variance; the furthest out "
            f"is {furthest:g}",
            do="are they measured right? if so, compare by `--metric mae`, or give the logarithm as the label",
        )
    values, counts = np.unique(own, return_counts=True)
    if len(values) > 1 and counts.max() > len(own) / 2:
        yield Finding(
            severity="warning",
            what=f"{100 * counts.max() / len(own):.0f}% of the training labels are {values[counts.argmax()]:g}",
            do="predict first whether it is that number, as a class, and the number of the others after it",
        )
    if beyond := int(((test < own.min()) | (test > own.max())).sum()):
        yield Finding(
            severity="note",
            what=f"{beyond:,} of {len(test):,} test labels lie beyond those of training, {own.min():g} to "
            f"{own.max():g}",
            do="nothing, if such numbers will come; baselines on trees never say them",
        )
    if len(test) < FEW_NUMBERS:
        yield Finding(
            severity="warning",
            what=f"there are {len(test):,} test examples, fewer than {FEW_NUMBERS}",
            do="intervals of RMSE say little: a single large error may be most of it",
        )


def gaps(sample: Sample, *, filled: bool) -> Iterator[Finding]:
    """Missing and infinite values; the former are only worth a note where they are `filled`."""
    missing = np.isnan(sample.values) & sample.valid
    if missing.any():
        series, channels = int(missing.any((1, 2)).sum()), np.flatnonzero(missing.any((0, 1)))
        yield Finding(
            severity="note" if filled else "error",
            what=f"{missing.sum():,} values are missing, in {series:,} of {len(sample.values):,} series; "
            f"{sample.channel_list(channels)}{sample.counted}",
            do="they will be filled, in training and prediction alike"
            if filled
            else "give `--missing interpolate` to every command, or leave these series out",
        )
    if (infinite := np.isinf(sample.values)).any():
        row, step, channel = (int(i) for i in np.argwhere(infinite)[0])
        yield Finding(
            severity="error",
            what=f"{infinite.sum():,} values are infinite (or beyond 3.4e38), the first in series {sample.rows[row]}, "
            f"step {step}, {sample.channel(channel)} (counting from 0)",
            do="find out what writes them; they cannot be used",
        )


def channels(sample: Sample) -> Iterator[Finding]:
    """Channels that are constant, copies of each other, or hold values that stand far out."""
    flat = np.where(sample.valid & np.isfinite(sample.values), sample.values, np.nan)
    low, high = np.nanmin(flat, axis=(0, 1)), np.nanmax(flat, axis=(0, 1))
    if len(constant := np.flatnonzero(low == high)):
        yield Finding(
            severity="warning",
            what=f"{sample.channel_list(constant)} {'is' if len(constant) == 1 else 'are'} the same everywhere"
            f"{sample.counted}",
            do="leave it out: it tells nothing",
        )
    copies = [
        f"{sample.name(b)} of {sample.name(a)}"
        for a in range(flat.shape[2])
        for b in range(a + 1, min(flat.shape[2], a + 65))
        if low[a] < high[a] and np.array_equal(flat[..., a], flat[..., b], equal_nan=True)
    ]
    if copies:
        yield Finding(
            severity="warning",
            what=f"channels that are copies: {', '.join(copies[:_MOST])}{sample.counted}",
            do="leave the copies out",
        )
    still = np.nanmax(flat, axis=1) == np.nanmin(flat, axis=1)
    if (dead := still.all(axis=1)).any():
        yield Finding(
            severity="warning",
            what=f"{dead.sum():,} series never change in any channel, the first is series {sample.rows[dead][0]}",
            do="were they recorded? leave them out if not",
        )
    yield from _outliers(flat, sample)


def _outliers(flat: NDArray[np.float64], sample: Sample) -> Iterator[Finding]:
    """More than 50 times the interquartile range off the median: scaling by mean and deviation then fails."""
    lower, middle, upper = np.nanpercentile(flat, (25, 50, 75), axis=(0, 1))
    spread = upper - lower
    far = np.nanmax(np.abs(flat - middle), axis=(0, 1)) > 50 * np.where(spread > 0, spread, np.inf)
    if far.any():
        yield Finding(
            severity="warning",
            what=f"{sample.channel_list(np.flatnonzero(far))} {'has' if far.sum() == 1 else 'have'} values more than "
            f"50 interquartile ranges from {'its' if far.sum() == 1 else 'their'} median{sample.counted}"
            f"{_often(flat[..., np.flatnonzero(far)])}",
            do="look whether they are errors: channels are scaled by mean and deviation, which they rule",
        )


def _often(far: NDArray[np.float64]) -> str:
    """One value that stands for missing ones, as -999 does, is there again and again."""
    values, counts = np.unique(far[np.isfinite(far)], return_counts=True)
    for end in (0, -1):
        if len(values) and counts[end] >= 10:
            return f"; {values[end]:g} is there {counts[end]:,} times: does it stand for a missing value?"
    return ""


def labels(names: tuple[str, ...]) -> Iterator[Finding]:
    """Classes that may be one in several spellings, or none."""
    same = spellings(names)
    if same:
        shown = "; ".join(", ".join(map(repr, one)) for one in same[:_MOST])
        yield Finding(
            severity="warning",
            what=f"classes that differ in case, spaces or the form of a number only: {shown}",
            do="if they are one class give `--merge-labels`",
        )
    if several := [name for name in names if _holds_others(name, names)]:
        yield Finding(
            severity="warning",
            what=f"class {named(several)} holds the names of other classes: several labels of one example?",
            do="each example has one class here, and a mixture is one of its own: keep one label, or leave them out",
        )
    if none := [name for name in names if name.strip().casefold() in NO_LABELS]:
        yield Finding(
            severity="warning",
            what=f"class {named(none)} looks like a label that is missing, and is a class of its own",
            do="leave these series out, unless it is a class",
        )


def _holds_others(name: str, names: tuple[str, ...]) -> bool:
    """Is it made of names of other classes, as `cat dog` and `cat|dog` are beside `cat` or `dog`?"""
    for mark in "|;,/+&":
        if mark in name:
            return any(part.strip() in names for part in name.split(mark))
    words = name.split()
    return len(words) > 1 and all(word in names for word in words)


def pictures(raw: Raw, sample: Sample) -> Iterator[Finding]:
    """Series with as many nameless channels as steps, and no value below zero, are likely pictures."""
    steps, channels = raw.features.shape[1:]
    if raw.channels or steps != channels or steps < 16 or np.nanmin(sample.values) < 0:
        return
    yield Finding(
        severity="warning",
        what=f"these look like pictures of {steps} x {channels}, and were read as series of {steps} steps",
        do="compare families for pictures if they are: `hw3 images` instead of `hw3 sequences`",
    )
