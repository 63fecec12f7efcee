"""Recordings cut into windows, so that windows of one recording never stand on both sides of a split.

A single recording is divided by time: windows that are neighbours are near copies, and drawn at random they would stand
on both sides.

T rows, B blocks of a recording, K classes
"""

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import MIN_TRAIN_PER_CLASS
from hw3models.data.readers.timing import HOLE, holes, usual_step
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    from hw3models.data.readers.gathered import Gathered, Part

MOST_BLOCKS = 40
WINDOWS_OF_BLOCK = 4
"""A block of a single recording is at least so many windows long."""


@dataclass
class _Cut:
    """Windows, and what was left out."""

    series: list[NDArray[np.float64]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    recording: list[int] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    mixed: int = 0
    unlabelled: int = 0
    with_gaps: int = 0
    in_holes: int = 0
    short: int = 0


def label_faults(found: "Gathered") -> list[str]:
    """Where the label changes within a series that is not cut into windows."""
    for number, rows in enumerate(found.row_labels or ()):
        changed = np.flatnonzero(rows != rows[0])
        if len(changed):
            row = int(changed[0])
            return [
                f"the label changes within series {found.ids[number]!r}, in its row {row + 1:,}: from "
                f"{str(rows[0])!r} to {str(rows[row])!r}; `--window 128 --stride 64` cuts recordings into windows of "
                "128 rows"
            ]
    return []


def cut(found: "Gathered", spec: DataSpec, *, labelled: bool = True) -> "Gathered":
    """Windows of `spec.window` steps, `spec.stride` apart, with their recording as the group where nobody named one.

    Raises:
        DataError: no window is left, or a single recording is too short to be divided.
    """
    assert spec.window is not None
    if labelled and found.labels is None and found.row_labels is None:
        raise DataError(
            f"{found.where}: nothing says the labels: there is no column {spec.label_column!r}. Name theirs with "
            f"`--label-column`; there are {few(found.channels)}."
        )
    stride = spec.stride or spec.window
    recordings = found.groups or found.ids
    alone = labelled and found.parts is None and len(set(recordings)) == 1 and len(found) == 1
    cuts = _blocks(found, spec.window) if alone else [np.array([0, len(one)]) for one in found.series]
    got, usual = _Cut(), None if found.times is None else usual_step(found.times)
    for number in range(len(found)):
        edges = cuts[number]
        if found.times is not None and usual:
            edges = np.union1d(edges, holes(found.times[number], usual) + 1)
            got.in_holes += len(edges) - len(cuts[number])
        blocks = np.searchsorted(cuts[number], edges[:-1], side="right") - 1
        before = len(got.series)
        for start, end, block in zip(edges[:-1], edges[1:], blocks, strict=True):
            _cut_stretch(found, number, (int(start), int(end), int(block)), spec, stride, got, labelled)
        got.short += len(got.series) == before and len(found.series[number]) < spec.window
    if not got.series or (got.mixed and len(set(got.labels)) < 2 and spec.mixed_windows == "drop"):
        longest = max(map(len, found.series))
        across = f" {got.in_holes:,} holes in time divide them," if got.in_holes else ""
        what = f"window of {spec.window} rows"
        left = f"every {what} that is left is of class {got.labels[0]!r}" if got.series else f"no {what} is left"
        raise DataError(
            f"{found.where}: {left}: the longest of {len(found):,} recordings has "
            f"{longest:,} rows,{across} {got.mixed:,} windows have more than one label. Give a shorter `--window`, or "
            "`--mixed-windows majority`."
        )
    return _as_series(found, spec, got, alone=alone, stride=stride, labelled=labelled)


def _cut_stretch(
    found: "Gathered",
    number: int,
    stretch: tuple[int, int, int],
    spec: DataSpec,
    stride: int,
    got: _Cut,
    labelled: bool,
) -> None:
    """Windows between two rows, in which nothing is missing."""
    assert spec.window is not None
    start, end, block = stretch
    for begin in range(start, end - spec.window + 1, stride):
        rows = slice(begin, begin + spec.window)
        if np.isnan(found.series[number][rows]).all(axis=1).any():
            got.with_gaps += 1
            continue
        if labelled:
            if found.row_labels is not None:
                label = _label(found.row_labels[number][rows], spec, got)
            else:
                label = None if found.labels is None else found.labels[number]
            if label is None:
                continue
            got.labels.append(label)
        got.series.append(found.series[number][rows])
        got.ids.append(f"{found.ids[number]}@{begin}")
        got.recording.append(number)
        got.block.append(block)


def _label(rows: NDArray[Any], spec: DataSpec, got: _Cut) -> str | None:
    values, counts = np.unique(rows.astype(str), return_counts=True)
    if any(not value.strip() for value in values):
        got.unlabelled += 1
        return None
    if len(values) > 1:
        got.mixed += 1
        if spec.mixed_windows == "drop":
            return None
    return str(values[int(counts.argmax())])


def _blocks(found: "Gathered", window: int) -> list[NDArray[np.int64]]:
    """Edges of stretches of one recording; no window lies in two of them."""
    rows = len(found.series[0])
    num = min(MOST_BLOCKS, max(4, rows // (WINDOWS_OF_BLOCK * window)))
    if rows // num < window:
        raise DataError(
            f"{found.where}: it is one recording of {rows:,} rows, which is divided by time, and {num} parts of it are "
            f"shorter than a window of {window}. Give a `--window` of {max(2, rows // num)} at most, or more "
            "recordings."
        )
    return [np.linspace(0, rows, num + 1).astype(np.int64)]


def _as_series(found: "Gathered", spec: DataSpec, got: _Cut, *, alone: bool, stride: int, labelled: bool) -> "Gathered":
    recordings = found.groups or found.ids
    groups = [recordings[number] for number in got.recording]
    kind = found.group_kind if found.groups is not None else "recordings"
    parts = None if found.parts is None else [found.parts[number] for number in got.recording]
    notes = [_said(found, spec, got, stride)]
    if alone:
        groups, kind = [f"block {block + 1:02d}" for block in got.block], "blocks of one recording"
        parts, how = by_time(got.labels, np.array(got.block), spec)
        notes.append(how)
    return replace(
        found,
        series=got.series,
        labels=got.labels if labelled else None,
        row_labels=None,
        ids=got.ids,
        groups=groups,
        group_kind=kind,
        parts=parts,
        times=None,
        notes=(*found.notes, *notes),
    )


def _said(found: "Gathered", spec: DataSpec, got: _Cut, stride: int) -> str:
    num = len(found)
    what = f"{num:,} recording{'s' if num > 1 else ''}"
    said = f"{what} cut into {len(got.series):,} windows of {spec.window} rows, {stride} apart"
    out = []
    if got.mixed:
        done = "left out" if spec.mixed_windows == "drop" else "given the label of most rows"
        out.append(f"{got.mixed:,} windows in which the label changes were {done}")
    if lost := _lost(found, got):
        out.append(f"no window is of class {', '.join(map(repr, lost[:5]))}: nothing is learned about it")
    if got.unlabelled:
        out.append(f"{got.unlabelled:,} windows with rows without a label were left out")
    if got.in_holes:
        out.append(f"no window lies across one of {got.in_holes:,} holes in time (of {HOLE:g} steps and more)")
    if got.with_gaps:
        out.append(f"{got.with_gaps:,} windows with rows in which everything is missing were left out")
    if got.short:
        out.append(f"{got.short:,} recordings are shorter than a window and were left out")
    return "; ".join([said, *out]) + "."


def _lost(found: "Gathered", got: _Cut) -> list[str]:
    """Classes of rows that no window has."""
    rows = {str(label) for own in found.row_labels or () for label in np.unique(own.astype(str)) if str(label).strip()}
    return sorted(rows - set(got.labels)) if got.labels else []


def by_time(labels: list[str], blocks: NDArray[np.int64], spec: DataSpec) -> "tuple[list[Part], str]":
    """The part of each window of one recording, and how it was divided, in a sentence.

    The latest stretch of blocks is for test, and the one before it for validation, as long as all classes are on both
    sides; else the stretch moves to earlier times. Where no stretch has them, the last blocks of each class are for
    test.
    """
    names = np.unique(blocks)
    num_test = max(1, round(spec.test_fraction * len(names)))
    num_val = max(1, round(spec.validation_fraction * (len(names) - num_test))) if spec.validation_fraction else 0
    values = np.array(labels)
    classes = set(labels)
    for begin in range(len(names) - num_test, num_val - 1, -1):
        test = np.isin(blocks, names[begin : begin + num_test])
        validation = np.isin(blocks, names[begin - num_val : begin])
        train = values[~test & ~validation]
        if set(values[test]) == classes and all((train == one).sum() >= MIN_TRAIN_PER_CLASS for one in classes):
            last = "the last" if begin == len(names) - num_test else "the latest that has all classes,"
            return _parts(test, validation), (
                f"It is one recording, divided by time into {len(names)} blocks: {last} {num_test} of them are for "
                f"test, the {num_val} before them for validation; nothing was drawn at random."
            )
    return _each_class(values, blocks, spec)


def _each_class(values: NDArray[Any], blocks: NDArray[np.int64], spec: DataSpec) -> "tuple[list[Part], str]":
    """Whole blocks by their commonest class: the last of each class for test, those before them for validation."""
    names = np.unique(blocks)
    commonest = []
    for name in names:
        found, counts = np.unique(values[blocks == name], return_counts=True)
        commonest.append(str(found[counts.argmax()]))
    test, validation = list[int](), list[int]()
    for label in sorted(set(commonest)):
        own = names[np.array(commonest) == label]
        num_test = min(len(own) - 1, max(1, math.ceil(spec.test_fraction * len(own))))
        rest = len(own) - num_test
        num_val = min(rest - 1, round(spec.validation_fraction * rest))
        test += own[len(own) - num_test :].tolist() if num_test else []
        validation += own[rest - num_val : rest].tolist() if num_val > 0 else []
    return _parts(np.isin(blocks, test), np.isin(blocks, validation)), (
        f"It is one recording, divided by time into {len(names)} blocks. No stretch of it has all classes, so the last "
        f"blocks of each class are for test ({len(test)}) and those before them for validation ({len(validation)}); "
        "nothing was drawn at random."
    )


def _parts(test: NDArray[np.bool_], validation: NDArray[np.bool_]) -> "list[Part]":
    return ["test" if t else "validation" if v else "train" for t, v in zip(test, validation, strict=True)]
