"""Series as a reader found them, before lengths are made alike: what all forms of text and arrays become.

A reader fills in a `Gathered`; `finish` makes labelled examples of it, `examples` those without labels.

N series, T time steps, C channels
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw, raw_sequences
from hw3models.data.readers.timing import jump_note, on_grid, timing_note
from hw3models.data.readers.unlabelled import padded
from hw3models.data.readers.windows import cut, label_faults
from hw3models.data.source import Block, Wanted
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec

Floats = NDArray[np.float64]
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
PART_WORDS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""What people write for a part of a split."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """N series with what is known about them."""

    name: str
    where: str
    """What messages begin with."""
    form: str
    """How they were read, in a phrase."""
    series: list[Floats]
    """N of (T_i, C); NaN where a value is missing."""
    ids: list[str]
    """N names, or numbers from 0."""
    labels: list[str] | None = None
    """N; None where there are none, or one for each row."""
    row_labels: list[NDArray[Any]] | None = None
    """N of (T_i,) texts, where each row has a label of its own."""
    parts: list[Part] | None = None
    """N; None where the source has no split of its own."""
    groups: list[str] | None = None
    group_kind: str = "groups"
    times: list[Floats] | None = None
    """N of (T_i,), ascending."""
    begin: float = 0.0
    """What was taken away from all times, so that they begin at 0; seconds since 1970 of dates."""
    in_seconds: bool = False
    """Are the times seconds? Else they are numbers in a unit that nobody said."""
    even: bool = False
    """Has each series even steps, which may be others than those of the next one, as sound of several rates has?"""
    channels: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    """Names of the columns that are the steps, of a table with a row for each series and a header."""
    notes: tuple[str, ...] = ()
    found_out: Mapping[str, str] = field(default_factory=dict)
    """What was found out, see `Raw`."""

    def __len__(self) -> int:
        """N."""
        return len(self.series)


def together(found: Sequence[Gathered], parts: Sequence[Part]) -> Gathered:
    """Several files as one, each a part of the split.

    Raises:
        DataError: they differ in their channels, or in what they name.
    """
    first = found[0]
    found = [first, *(_in_order(first, other) for other in found[1:])]
    faults = []
    for other in found[1:]:
        mine, theirs = (one.series[0].shape[1] if one.series else 0 for one in (first, other))
        if unlike := _unlike(first, other):
            faults.append(unlike)
        elif mine != theirs:
            faults.append(f"{Path(first.where).name} has {mine} channels, but {Path(other.where).name} has {theirs}")
        if (first.groups is None) != (other.groups is None):
            faults.append(f"only one of {Path(first.where).name} and {Path(other.where).name} names groups")
        if first.in_seconds != other.in_seconds:
            faults.append(f"times are numbers in one of {Path(first.where).name} and {Path(other.where).name} only")
    raise_faults(str(Path(first.where).parent), faults)

    ids = [one.ids for one in found]
    if sum(map(len, ids)) > len(set().union(*ids)):  # numbered from 0 in each file, say: they are not the same series
        found = [replace(one, ids=[f"{Path(one.where).name}/{id}" for id in one.ids]) for one in found]
        first = found[0]

    def all_of(field: str) -> Any:
        values = [getattr(one, field) for one in found]
        return None if any(one is None for one in values) else [item for one in values for item in one]

    lists = {name: all_of(name) for name in ("series", "ids", "labels", "row_labels", "groups", "times")}
    split = [part for one, part in zip(found, parts, strict=True) for _ in range(len(one))]
    return replace(first, **lists, parts=split, notes=tuple(dict.fromkeys(note for one in found for note in one.notes)))


def _in_order(first: Gathered, other: Gathered) -> Gathered:
    """The channels, or the steps, of `other` in the order of `first`, where both have the same ones by their names."""
    if first.channels != other.channels and set(first.channels) == set(other.channels):
        order = [other.channels.index(name) for name in first.channels]
        return replace(other, series=[one[:, order] for one in other.series], channels=first.channels)
    if not first.channels and first.steps != other.steps and set(first.steps) == set(other.steps):
        order = [other.steps.index(name) for name in first.steps]
        return replace(other, series=[one[order] for one in other.series], steps=first.steps)
    return other


def _unlike(first: Gathered, other: Gathered) -> str:
    """Which columns only one of both has; empty where they are alike, or one goes on where the other ends."""
    mine, theirs = first.channels, other.channels
    if first.steps and other.steps:
        mine, theirs = first.steps, other.steps
        num = min(len(mine), len(theirs))
        if first.channels == other.channels and mine[:num] == theirs[:num]:
            return ""
    names = Path(first.where).name, Path(other.where).name
    for one, another, own, rest in ((*names, mine, theirs), (*names[::-1], theirs, mine)):
        if only := [name for name in own if name not in rest]:
            more = f" and {len(only) - 5:,} more" if len(only) > 5 else ""
            are = "columns" if len(only) > 1 else "column"
            return f"{one} has the {are} {', '.join(map(repr, only[:5]))}{more}, which {another} has not"
    return ""


def finish(found: Gathered, spec: DataSpec) -> Raw:
    """Labelled examples: on a grid and in windows where that was asked for, gaps at the end taken for the end.

    Raises:
        DataError: all faults together.
    """
    if not found.series:
        raise DataError(f"{found.where}: there are no series in it.")
    found = on_grid(found, spec)
    whole = spec.window is None and spec.resample is None
    jumps = jump_note(found.times, in_seconds=found.in_seconds) if whole else None
    said = (jumps or timing_note(found.times, in_seconds=found.in_seconds),)
    found = replace(found, notes=(*found.notes, *(note for note in said if note is not None)))
    if spec.window is not None:
        found = cut(found, spec)
    else:
        raise_faults(found.where, label_faults(found))
    found = without_tails(found)
    labels = found.labels or [str(rows[0]) for rows in found.row_labels or ()]
    if len(labels) != len(found):
        raise DataError(f"{found.where}: there are no labels. Name them: {_how_labels(spec)}.")
    parts = None if found.parts is None else np.array(found.parts)
    raw = raw_sequences(
        found.name,
        found.series,
        labels,
        test=None if parts is None or "test" not in parts else parts == "test",
        notes=(*([f"Read as {found.form}."] if found.form else ()), *found.notes),
        channels=found.channels,
        groups=found.groups,
    )
    validation = None if parts is None or "validation" not in parts else parts == "validation"
    return replace(raw, validation=validation, group_kind=found.group_kind, found_out=found.found_out)


def _how_labels(spec: DataSpec) -> str:
    return f"`--label-column NAME` says which column they are in (now {spec.label_column!r})"


def without_tails(found: Gathered) -> Gathered:
    """What is missing from some step to the end, in all channels, is not there: series are of unequal length.

    Where more series have gaps inside than missing ends, ends are gaps as well.
    """
    ends = [_end(one) for one in found.series]
    short = [end < len(one) for one, end in zip(found.series, ends, strict=True)]
    inside = sum(bool(np.isnan(one[:end]).any()) for one, end in zip(found.series, ends, strict=True))
    if not any(short) or inside > sum(short):
        return found
    if 0 in ends:
        one = found.ids[ends.index(0)]
        raise DataError(f"{found.where}: series {one!r} has no values at all. Leave it out.")
    note = (
        f"{sum(short):,} of {len(found):,} series end with missing values in all channels: they are taken for shorter "
        "series, and masked."
    )
    cut_off = [one[:end] for one, end in zip(found.series, ends, strict=True)]
    return replace(found, series=cut_off, notes=(*found.notes, note))


def _end(one: Floats) -> int:
    there = np.flatnonzero(~np.isnan(one).all(axis=1))
    return int(there[-1]) + 1 if len(there) else 0


def has_labels(gather: Callable[[bool], Gathered]) -> bool:
    """Have the files labels? They are read with them (`gather(True)`), else without.

    What can be read neither way has them, too: whoever reads it is told what is wrong.
    """
    try:
        found = gather(True)
    except DataError:
        return not _can_be_read(gather)
    return found.labels is not None or found.row_labels is not None


def _can_be_read(gather: Callable[[bool], Gathered]) -> bool:
    try:
        gather(False)
    except DataError:
        return False
    return True


def examples(found: Gathered, spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    """The same series without labels, as the model takes them.

    Raises:
        DataError: they do not fit the model.
    """
    if wanted.kind == "images":
        raise DataError(f"{found.where}: it holds series, but the model takes images.")
    found = on_grid(_by_name(found, wanted), spec)
    if spec.window is not None:
        found = cut(found, spec, labelled=False)
    elif found.series and max(map(len, found.series)) > wanted.shape[0]:
        longest = max(map(len, found.series))
        raise DataError(
            f"{found.where}: a series has {longest:,} steps, but the model takes {wanted.shape[0]:,}. If it is a "
            f"recording, give `--window {wanted.shape[0]}` (and `--stride`, as in training)."
        )
    if wanted.unequal_lengths:
        found = without_tails(found)
    for start in range(0, len(found), 1024):
        rows = slice(start, start + 1024)
        ids = np.array(found.ids[rows], dtype=object)
        groups = None if found.groups is None else tuple(found.groups[rows])
        yield padded(Path(found.where), ids, found.series[rows], wanted)._replace(groups=groups)


def for_model(spec: DataSpec, wanted: Wanted) -> DataSpec:
    """The same, with the model's channels by name: what else is in a table, text as well, is nobody's business."""
    return spec.model_copy(update={"feature_columns": wanted.channels}) if wanted.channels else spec


def _by_name(found: Gathered, wanted: Wanted) -> Gathered:
    """The model's channels in its order, where both sides have names."""
    if not wanted.channels or not found.channels or wanted.channels == found.channels:
        return found
    if missing := [name for name in wanted.channels if name not in found.channels]:
        raise DataError(
            f"{found.where}: channel {', '.join(map(repr, missing[:5]))} of the model is missing; there are "
            f"{few(found.channels)}."
        )
    order = [found.channels.index(name) for name in wanted.channels]
    return replace(found, series=[one[:, order] for one in found.series], channels=wanted.channels)


Gather = Callable[[Path, DataSpec, bool], Gathered]
"""One file to series: with labels, or without looking at them."""
