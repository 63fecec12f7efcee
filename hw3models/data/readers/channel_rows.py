"""Files whose rows are series, or belong to series: numbers of one channel, labels, groups, names of labels.

N rows, W numbers in each
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.raw import MAX_BYTES, label_texts
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.missing import MISSING_NUMBERS
from hw3models.data.readers.npy_files import open_npy
from hw3models.data.readers.text_files import SEPARATORS, TextForm, open_rows, open_text, rows_of, text_form, uneven_row
from hw3models.data.readers.wide_tables import (
    Head,
    Rows,
    is_number,
    labels_of,
    numbers_of,
    read_head,
    step_columns,
    text_frame,
    texts_of,
)
from hw3models.errors import DataError
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

NAMES_OF_LABELS = frozenset(
    ["activity_labels", "activity_names", "class_names", "label_names", "labels_names", "target_names"]
)
"""What tables that name labels are called, such as `1 WALKING`."""
PARQUET = ".parquet"
_MOST_BYTES = 256 * 2**20
"""Size of a file of labels."""
_IDS = frozenset({"id", "ids", "index", "sample", "sample_id", "series", "series_id", "case", "name", "row", ""})
_GROUPS = frozenset({"group", "groups", "subject", "subject_id", "user", "participant"})


class FileRows(NamedTuple):
    """The numbers of one file."""

    values: NDArray[Any]
    """(N, W), or (N, T, C) of an array."""
    names: tuple[str, ...] = ()
    """Names of the W columns, where it has a header."""
    ids: list[str] | None = None
    """N, where a column names or numbers the rows."""
    notes: tuple[str, ...] = ()


class RowLabels(NamedTuple):
    """What a file says of N rows."""

    labels: list[str] | None
    groups: list[str] | None
    ids: list[str] | None
    """N names or numbers of the rows."""
    said: str


def num_rows(path: Path) -> int:
    """Rows of an array, or lines of a text file that are not blank.

    Raises:
        DataError: it cannot be read.
        OSError: the same.
    """
    return _num_rows(path, state_of(path))


@lru_cache(maxsize=256)
def _num_rows(path: Path, _: FileState) -> int:
    if path.suffix.lower() == ".npy":
        array = open_npy(path)
        return len(array) if array.ndim else 0
    if path.suffix.lower() == PARQUET:
        return parquet_size(path)[0]
    form = text_form(path)
    try:
        with open_rows(path, form) as file:
            return sum(1 for number, line in enumerate(file) if number >= form.before and line.strip())
    except (EOFError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error


def parquet_size(path: Path) -> tuple[int, int]:
    """Rows and columns of a Parquet table.

    Raises:
        DataError: it cannot be read.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        found = parquet.read_metadata(path)
        return int(found.num_rows), int(found.num_columns)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()}).") from error


def _parquet_texts(path: Path) -> "tuple[pd.DataFrame, Rows, Head]":
    """A Parquet table as one of texts with a header."""
    from hw3models.data.readers.long_tables import parquet_table
    from hw3models.data.readers.wide_parquet import as_texts

    table = as_texts(parquet_table(path))
    return table, Rows(np.arange(1, len(table) + 1), "row"), Head(TextForm(), list(table.columns), [], known=True)


def num_labels(path: Path) -> int:
    """Rows of an array, or lines of a text file that are not blank, of labels: a label may hold spaces.

    Raises:
        DataError: it cannot be read.
        OSError: the same.
    """
    if path.suffix.lower() in (".npy", PARQUET) or (alone := _lines_alone(path, state_of(path))) is None:
        return num_rows(path)
    return len(alone)


@lru_cache(maxsize=64)
def _lines_alone(path: Path, state: FileState) -> tuple[str, ...] | None:
    """The lines of a file with one cell in each, whatever spaces are in it; None of one with several columns."""
    if state.size > _MOST_BYTES:
        raise DataError(f"{path}: labels have at most {_MOST_BYTES // 2**20} MiB, this is larger. Is it a channel?")
    try:
        with open_text(path, text_form(path).encoding) as file:
            lines = [line.strip() for line in file if line.strip()]
    except (EOFError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error
    if any(mark in line for line in lines for mark in SEPARATORS):
        return None
    words = [line.split() for line in lines]
    if all(len(own) == 2 for own in words) and own_names([own[0] for own in words]) is None:
        return tuple(own[1] for own in words)  # numbers of rows before the labels
    return tuple(line.strip('"') for line in lines)


def read_rows(path: Path, spec: DataSpec) -> FileRows:
    """The numbers of a file, a series a row; of a table with a header also names, without indices.

    Raises:
        DataError: rows differ in length, cells are no numbers, or they are too many.
    """
    if path.suffix.lower() == ".npy":
        return FileRows(_array(path))
    if path.suffix.lower() == PARQUET:
        return _cells(path, *_parquet_texts(path), spec)
    head = read_head(path)
    width = len(head.first)
    if (needed := 8 * num_rows(path) * width) > MAX_BYTES:
        raise DataError(
            f"{path}: its numbers need {needed / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB. Write "
            "them as an array: NAME.npy with NAME_labels.npy."
        )
    if not head.has_header and (plain := _plain_numbers(path, head, width)) is not None:
        return FileRows(plain, notes=head.form.notes)
    table, lines = text_frame(path, head)
    return _cells(path, table, Rows(lines), head, spec)


def _array(path: Path) -> NDArray[Any]:
    array = open_npy(path)
    if (array.dtype == np.uint8 and array.ndim == 3) or array.ndim == 4:
        raise DataError(
            f"{path}: {array.dtype} {array.shape} are pictures. Write them as such: "
            "np.savez('data.npz', images=X, labels=y, test_images=..., test_labels=...)."
        )
    if array.dtype.kind not in "iufb" or array.ndim not in (2, 3) or 0 in array.shape:
        raise DataError(
            f"{path}: the array is {array.dtype} {array.shape}; numbers (series, steps) or (series, steps, channels) "
            "are needed."
        )
    if 8 * array.size > MAX_BYTES:
        raise DataError(
            f"{path}: {array.dtype} {array.shape} is too large to be put together. Write one float32 array with its "
            "labels beside it: NAME.npy and NAME_labels.npy."
        )
    return np.asarray(array, np.float64)


def _plain_numbers(path: Path, head: Head, width: int) -> NDArray[np.float64] | None:
    """All cells, quickly; None where some are no numbers, which others find and name."""
    import pandas as pd

    form = head.form
    try:
        with rows_of(path, form) as file, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row is longer than the first
            table = pd.read_csv(
                file,
                header=None,
                names=list(range(width)),
                index_col=False,
                dtype=np.float64,
                na_values=MISSING_NUMBERS,
                keep_default_na=False,
                **form.pandas(),
            )
    except (ValueError, OSError, EOFError, pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    values: NDArray[np.float64] = table.to_numpy()
    if np.isnan(values[:, -1]).any() and (wrong := uneven_row(path, form)):  # pandas fills up what is missing
        raise DataError(f"{path}: {wrong}.")
    return values


def _cells(path: Path, table: "pd.DataFrame", rows: Rows, head: Head, spec: DataSpec) -> FileRows:
    """Numbers out of texts, without the columns that name or number the rows."""
    names, ids = list(table.columns), None
    if head.has_header and names[0].strip().lower() in _IDS:
        ids = table[names[0]].str.strip().tolist()
        names = names[1:]
    plain = spec.model_copy(update={"feature_columns": (), "ignore_columns": ()})
    steps, _ = step_columns(table, head, plain, names, where=str(path))
    faults = list[str]()
    values = numbers_of(table[steps], rows, faults)
    raise_faults(str(path), faults)
    return FileRows(values, tuple(steps) if head.has_header else (), ids, head.form.notes)


def own_names(cells: list[str]) -> list[str] | None:
    """Names of rows; None where they are but their numbers, from 0 or 1."""
    counted = any(cells == [str(number + first) for number in range(len(cells))] for first in (0, 1))
    return None if counted else cells


def labels_in(path: Path, spec: DataSpec, num: int, what: str = "label") -> RowLabels:
    """The label of each of `num` rows, and their groups and names where the table has them.

    Raises:
        DataError: there are not as many, or it cannot be told which column is the label.
    """
    if path.suffix.lower() == ".npy":
        return RowLabels(_as_many(path, _array_labels(path, spec, num, what), num, what), None, None, path.name)
    if path.suffix.lower() == PARQUET:
        return _table_labels(path, *_parquet_texts(path), spec, num, what)
    if (alone := _lines_alone(path, state_of(path))) is not None:
        return RowLabels(_line_labels(path, list(alone), spec, num, what), None, None, path.name)
    head = read_head(path)
    head = replace(head, known=_has_header(head, num_rows(path), num))
    table, numbers = text_frame(path, head)
    return _table_labels(path, table, Rows(numbers), head, spec, num, what)


def _table_labels(
    path: Path, table: "pd.DataFrame", rows: Rows, head: Head, spec: DataSpec, num: int, what: str
) -> RowLabels:
    _as_many(path, table.index.tolist(), num, what)
    faults = list[str]()
    columns = [str(name) for name in table.columns]
    label, group, key = _columns(path, table, columns, head, spec, what)
    labels = labels_of(table[label], rows, faults, spec.task)
    groups = None if group is None else texts_of(table[group], rows, faults)
    raise_faults(str(path), faults)
    ids = None if key is None else table[key].str.strip().tolist()
    said = path.name if len(columns) == 1 else f"{label!r} of {path.name}"
    return RowLabels(labels, groups, ids, said if group is None else f"{said}, {group!r} as the group")


def _array_labels(path: Path, spec: DataSpec, num: int, what: str) -> list[str]:
    array = np.asarray(open_npy(path))
    array = array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
    if array.ndim != 1 or array.dtype.kind not in "iufbUS":
        one_hot = " Of a column for each class: y.argmax(axis=1)." if array.ndim == 2 else ""
        raise DataError(
            f"{path}: the array is {array.dtype} {array.shape}; one {what} a row, ({num},), is needed.{one_hot}"
        )
    try:
        return [text.strip() for text in label_texts(array, spec.task)]
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error


def _line_labels(path: Path, texts: list[str], spec: DataSpec, num: int, what: str) -> list[str]:
    import pandas as pd

    is_name = bool(likely("label_column", texts[:1])) or (is_number(texts[0]) and not any(map(is_number, texts[1:])))
    named = len(texts) == num + 1 or (len(texts) != num and is_name)
    texts = _as_many(path, texts[1:] if named else texts, num, what)
    faults, first = list[str](), 2 if named else 1
    labels = labels_of(pd.Series(texts, name=what), Rows(np.arange(first, num + first)), faults, spec.task)
    raise_faults(str(path), faults)
    return labels


def _has_header(head: Head, lines: int, num: int) -> bool:
    """The number of lines tells it; where that is another one than it should be, the first cells do."""
    if lines in (num, num + 1):
        return lines == num + 1
    first, below = head.first[-1], [row[-1] for row in head.rows]
    is_name = bool(likely("label_column", [first])) or (is_number(first) and not any(map(is_number, below)))
    return head.has_header or is_name


def _as_many(path: Path, found: list[Any], num: int, what: str) -> list[Any]:
    if len(found) != num:
        raise DataError(f"{path}: it has {len(found):,} {what}s, but there are {num:,} series. Give one for each row.")
    return found


def _columns(
    path: Path, table: "pd.DataFrame", columns: list[str], head: Head, spec: DataSpec, what: str
) -> tuple[str, str | None, str | None]:
    """The columns of labels, groups and names of rows."""
    if len(columns) == 1:
        return columns[0], None, None
    key = next((name for name in columns if name.strip().lower() in _IDS), None) if head.has_header else None
    if not head.has_header and own_names(table[columns[0]].str.strip().tolist()) is None:
        key = columns[0]
    group = spec.group_column if spec.group_column in columns else None
    if group is None:
        group = next((name for name in columns if name.strip().lower() in _GROUPS and what == "label"), None)
    rest = [name for name in columns if name not in (key, group)]
    if spec.label_column in rest and what == "label":
        return spec.label_column, group, key
    known = [name for name in likely("label_column", rest) or rest if name in rest] if what == "label" else rest
    if what == "label" and spec.label_column != DataSpec.model_fields["label_column"].default:
        known = []
    if len(known) == 1:
        return known[0], group, key
    named = ", ".join(map(repr, columns[:8]))
    raise DataError(
        f"{path}: its columns are {named}; which is the {what}?{suggestion(spec.label_column, columns)} Say "
        "`--label-column NAME`, or keep one column."
    )


def named_codes(path: Path, labels: Sequence[str]) -> dict[str, str] | None:
    """Code -> name of a table such as `1 WALKING`; None where it does not have all of the labels.

    Raises:
        DataError: it cannot be read.
    """
    with open_text(path, text_form(path).encoding) as file:
        rows = [re.split(r"[,;\t|]|\s+", line.strip(), maxsplit=1) for line in file if line.strip()]
    names = {code: name.strip().strip('"') for code, name in (row for row in rows if len(row) == 2)}
    fits = set(labels) <= set(names) and all(names.values()) and len(set(names.values())) == len(names)
    return names if fits else None
