"""What every reader hands over: arrays and labels, before splits and scaling.

N examples, T time steps, C channels, H x W pixels, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.specs import Kind, Task

PREDICT_THEM = "which `--task regression` predicts"
MAX_BYTES = 4 * 1024**3
"""Largest array that is read or made, so that a wrong file ends in a message and not in a full memory."""


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """What is known of N pictures beside their pixels: a network never sees it, and it may tell the label."""

    names: tuple[str, ...]
    """Paths within the data."""
    heights: NDArray[np.int64]
    """(N,), as they were in their files."""
    widths: NDArray[np.int64]
    num_bytes: NDArray[np.int64]
    """(N,) of the files."""
    formats: tuple[str, ...]
    modes: tuple[str, ...]
    """How colours are stored: `L`, `RGB`, `P` ..."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Labelled examples as they came from the source."""

    name: str
    kind: Kind
    features: NDArray[Any]
    """Images: uint8 (N, H, W), or (N, H, W, 3) in colour. Sequences: float32 (N, T, C), zero after the end of a
    shorter series."""
    labels: NDArray[np.int64]
    """(N,), indices into `class_names`."""
    class_names: tuple[str, ...]
    targets: NDArray[np.float64] | None = None
    """(N,) numbers to predict; None of classes. `labels` are then the ranges of numbers that splits are stratified
    by (`hw3models.data.targets`)."""
    lengths: NDArray[np.int64] | None = None
    """(N,) valid steps; None when all series have T steps."""
    test: NDArray[np.bool_] | None = None
    """(N,) True for the examples of the source's own test split; None where it has none."""
    validation: NDArray[np.bool_] | None = None
    """(N,) True for the examples of the source's own validation split; None where it has none."""
    notes: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    """How the files were read, in sentences, where more than one way is possible; no warnings, as notes are."""
    found_out: Mapping[str, str | int] = field(default_factory=dict)
    """Options of `DataSpec` that nobody gave and that the reader found out: a model remembers them."""
    channels: tuple[str, ...] = ()
    """Names of the C channels, where the source has them."""
    groups: NDArray[np.int64] | None = None
    """(N,), indices into `group_names`: whose example it is, or of which recording; None where nobody said."""
    group_names: tuple[str, ...] = ()
    """To the letter."""
    group_kind: str = "groups"
    """What the groups are, where no column was named: `recordings`."""
    pictures: PictureFacts | None = None
    """What is known of images that were files."""


def raw_sequences(
    name: str,
    series: Sequence[NDArray[np.float64]],
    labels: Sequence[str],
    *,
    test: NDArray[np.bool_] | None = None,
    notes: tuple[str, ...] = (),
    channels: tuple[str, ...] = (),
    groups: Sequence[str] | None = None,
) -> Raw:
    """Put N series of shape (T_i, C), all with the same C, into one array.

    Series of unequal length are padded with zeros at the end to the longest one, and `lengths` says how far
    each is valid. The end is padded, not the start, so that step t of the array is step t of the series.

    Raises:
        DataError: the padded array would be larger than `MAX_BYTES`.
    """
    names, codes = class_codes(labels)
    group_names, group_of = ((), None) if groups is None else group_codes(groups)
    lengths = np.array([len(one) for one in series], dtype=np.int64)
    longest, width = int(lengths.max()), series[0].shape[1]
    if (needed := len(series) * longest * width * 4) > MAX_BYTES:
        raise DataError(
            f"{name}: {len(series):,} series padded to the longest one ({longest:,} steps x {width} channels) need "
            f"{needed / 1024**3:.1f} GiB; the limit is {MAX_BYTES / 1024**3:.0f} GiB. Cut the longest series, or "
            "average neighbouring steps."
        )
    features = np.zeros((len(series), longest, width), np.float32)
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, which the checks report
        for row, one in zip(features, series, strict=True):
            row[: len(one)] = one
    if (shortest := int(lengths.min())) < longest:
        notes = (*notes, padding_note(lengths))
    return Raw(
        name=name,
        kind="sequences",
        features=features,
        labels=codes,
        class_names=names,
        lengths=lengths if shortest < longest else None,
        test=test,
        notes=notes,
        channels=channels,
        groups=group_of,
        group_names=group_names,
    )


def padding_note(lengths: NDArray[np.int64]) -> str:
    """For readers of a report on series with these numbers of steps (N,), which are not all the same."""
    return (
        f"Series have {lengths.min()} to {lengths.max()} steps: the shorter ones are padded with zeros at the end, "
        "and the padding is masked."
    )


def label_codes(
    labels: NDArray[Any], where: str, task: Task = "classification"
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """What `class_codes` gives, for labels (N,) of any plain type and number: only the distinct ones become texts.

    Raises:
        DataError: they are measurements, not classes; the message begins with `where`.
    """
    distinct, codes = np.unique(labels, return_inverse=True)
    try:
        texts = label_texts(distinct, task)
    except ValueError as error:
        raise DataError(f"{where}: {error}.") from error
    names, of_distinct = class_codes(texts)
    return names, of_distinct[codes]


def class_codes(labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Distinct labels in order (as numbers if all are numbers, else as text), and (N,) indices into them."""
    try:
        # `nan` is neither smaller nor larger than a number: the order would be that of the set's hashes.
        are_numbers = not any(isnan(float(name)) for name in set(labels))
    except ValueError:
        are_numbers = False
    names = sorted(set(labels), key=lambda name: (float(name) if are_numbers else 0.0, name))
    index = {name: code for code, name in enumerate(names)}
    return tuple(names), np.array([index[label] for label in labels], dtype=np.int64)


def group_codes(groups: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Distinct groups in the order of their texts, and (N,) indices into them."""
    names = tuple(sorted(set(groups)))
    index = {name: code for code, name in enumerate(names)}
    return names, np.array([index[group] for group in groups], dtype=np.int64)


def group_texts(groups: NDArray[Any], num: int, what: str) -> tuple[list[str], list[str]]:
    """Names of the groups in an array, which must be one for each of `num` examples; and the faults of `what`."""
    if groups.shape != (num,):
        return [], [f"{what} has shape {groups.shape}; one group for each example, ({num},), is needed"]
    if groups.dtype.kind not in "iuUS":
        return [], [f"{what} has type {groups.dtype}; whole numbers or text are needed"]
    try:
        texts = _decoded(groups) if groups.dtype.kind == "S" else [str(value) for value in groups.tolist()]
    except ValueError as error:
        return [], [f"{what}: {error}"]
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty:
        return [], [f"{what} is empty for {len(empty):,} examples, the first is example {empty[0]} (counting from 0)"]
    return texts, []


def label_texts(values: NDArray[Any], task: Task = "classification") -> list[str]:
    """Class names for labels of any plain type; 1.0 and 1 are the same class. Of regression all digits of the numbers.

    Raises:
        ValueError: the labels are numbers with fractions, or not finite: measurements, not classes; or no text.
    """
    if values.dtype.kind == "f" and task == "regression":
        return [repr(value) for value in values.tolist()]
    if values.dtype.kind == "f":
        if not (np.isfinite(values) & (values == np.floor(values))).all():
            bad = values[~(np.isfinite(values) & (values == np.floor(values)))][0]
            raise ValueError(f"label {bad} is not a whole number; classes are needed, not measurements, {PREDICT_THEM}")
        return [str(int(value)) for value in values]
    if values.dtype.kind == "S":
        return _decoded(values)
    return [str(value) for value in values.tolist()]


def _decoded(values: NDArray[Any]) -> list[str]:
    """Texts of bytes. Others than UTF-8 are refused: with a mark instead of them two names would become one."""
    try:
        return [value.decode("utf-8") for value in values.tolist()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{error.object!r} is not UTF-8; write names as text") from error
