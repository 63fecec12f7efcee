"""Parquet tables with a row for each series: a column for each step, or lists, a column for each channel.

| subject | label | x | y |     x and y hold lists of numbers: two channels; or one column holds lists of steps
| label | t0 | t1 | t2 | ... |   as in text files (`wide_tables`)

N series, T time steps, C channels
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from hw3models.data.axes import found_order, series_of
from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.readers.gathered import Floats, Gathered
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.table_limits import parquet_bytes, parquet_faults
from hw3models.data.readers.text_files import TextForm
from hw3models.data.readers.time_columns import time_parts
from hw3models.data.readers.wide_tables import Head, Rows, are_steps, gather_cells, labels_of, parts_in, texts_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls the numbers of its rows."""
_MOST_BYTES = 2 * 2**30
"""Cells beside lists, as texts, need some ten times what they need as numbers."""


def layout_of(path: Path, spec: DataSpec) -> str:
    """`lists` (a column of them for each channel), `wide` (a column for each step) or `long`: seen in the footer."""
    if spec.layout == "columns":
        raise DataError(
            f"{path}: `--layout columns` is for text tables. Turn this one: pandas.read_parquet(...).T.to_parquet(...)."
        )
    try:
        schema = parquet.read_schema(path)
    except (OSError, pyarrow.ArrowException):
        return "long"  # whose reader says what is wrong
    if spec.layout == "long" or (
        spec.layout == "auto" and {*(time_parts(spec) or (spec.time_column,))} <= set(schema.names)
    ):
        return "long"
    if _list_columns(schema, spec):
        return "lists"
    return "wide" if spec.layout == "wide" or are_steps(schema.names) else "long"


def numbers_in_lists(schema: pyarrow.Schema) -> list[str]:
    """Columns that hold numbers in lists, or in lists of lists."""
    found = []
    for field in schema:
        inner = field.type
        while _is_list(inner):
            inner = inner.value_type
        is_number = (
            pyarrow.types.is_floating(inner) or pyarrow.types.is_integer(inner) or pyarrow.types.is_boolean(inner)
        )
        if _is_list(field.type) and is_number:
            found.append(field.name)
    return found


def _list_columns(schema: pyarrow.Schema, spec: DataSpec) -> list[str]:
    found = [name for name in numbers_in_lists(schema) if name not in spec.ignore_columns]
    return [name for name in found if name in spec.feature_columns] if spec.feature_columns else found


def _is_list(kind: pyarrow.DataType) -> bool:
    types = pyarrow.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def gather(path: Path, spec: DataSpec, labelled: bool, width: int | None = None) -> Gathered:
    """The series of a table with a row for each.

    Raises:
        DataError: all faults together, with their rows.
    """
    raise_faults(str(path), parquet_faults(path))
    if layout_of(path, spec) == "lists":
        return _gather_lists(path, spec, labelled)
    if (needed := parquet_bytes(path)) > _MOST_BYTES:
        raise DataError(
            f"{path}: a row for each series needs {needed / 2**30:,.1f} GiB, the limit is {_MOST_BYTES / 2**30:.0f}. "
            "Write the series as an array: NAME.npy with NAME_labels.npy."
        )
    table = _table(path, None)
    head = Head(TextForm(separator=",", encoding="utf-8"), list(table.columns), [], known=True)
    found = gather_cells(path, as_texts(table), Rows(np.arange(1, len(table) + 1), "row"), head, spec, labelled, width)
    return Gathered(**{**vars(found), "form": found.form.replace(f", separated by {head.form.separated_by}", "")})


def as_texts(table: "pd.DataFrame") -> "pd.DataFrame":
    """All cells as texts; what is missing is empty."""
    texts: pd.DataFrame = table.apply(lambda column: column.map(_text)).astype("str")
    return texts


def _text(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell)  # NaN and NaT


def _table(path: Path, columns: list[str] | None) -> "pd.DataFrame":
    try:
        table: pd.DataFrame = parquet.read_table(path, columns=columns).to_pandas(ignore_metadata=True)
    except (OSError, pyarrow.ArrowException, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()}).") from error
    return table.drop(columns=[name for name in table.columns if _INDEX.fullmatch(name)])


def _gather_lists(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    schema = parquet.read_schema(path)
    columns = _list_columns(schema, spec)
    others = [field.name for field in schema if not pyarrow.types.is_nested(field.type)]
    return gather_lists(path, lambda: _table(path, [*columns, *others]), columns, others, spec, labelled)


def gather_lists(
    path: Path,
    read: "Callable[[], pd.DataFrame]",
    columns: list[str],
    others: list[str],
    spec: DataSpec,
    labelled: bool,
) -> Gathered:
    """The series of a table with lists of numbers in `columns`, and what is known of each in `others`.

    Raises:
        DataError: all faults together, with their rows.
    """
    label = _label(others, spec)
    faults = []
    if labelled and label is None:
        near = suggestion(spec.label_column, others)
        faults.append(f"column {spec.label_column!r} (`label_column`) is missing; the table has {few(others)}.{near}")
    if spec.group_column is not None and spec.group_column not in others:
        faults.append(f"column {spec.group_column!r} (`group_column`) is missing; the table has {few(others)}")
    raise_faults(str(path), faults)
    table = read()
    series, channels, how = _series(path, table, columns, spec, faults)
    texts = as_texts(table[others])
    rows = Rows(np.arange(1, len(table) + 1), "row")
    labels = labels_of(texts[label], rows, faults, spec.task) if labelled and label is not None else None
    groups = texts_of(texts[spec.group_column], rows, faults) if spec.group_column is not None else None
    parts = parts_in(texts["split"], rows, faults) if labelled and "split" in others else None
    names = next((name for name in (spec.sample_column, "sample", "id") if name in others and name != label), None)
    ids = list(map(str, range(len(table)))) if names is None else texts_of(texts[names], rows, faults)
    raise_faults(str(path), faults)
    return Gathered(
        name=path.stem,
        where=str(path),
        form=f"one row a series (`--layout wide`), {how}",
        series=series,
        ids=ids,
        labels=labels,
        parts=parts,
        groups=groups,
        channels=channels,
        found_out=_found_out(table, columns, series, label, spec),
    )


def _found_out(
    table: "pd.DataFrame", columns: list[str], series: list[Floats], label: str | None, spec: DataSpec
) -> dict[str, str]:
    """The column of labels, and the order of lists of lists, where nobody named them."""
    shapes = [() if (one := _numbers(cell)) is None else one.shape for cell in table[columns[0]]]
    found = {} if spec.axes is not None else found_order(shapes, series)
    return found if label in (None, spec.label_column) else {**found, "label_column": str(label)}


def _label(others: list[str], spec: DataSpec) -> str | None:
    """The column of labels; where nobody named it, the only one that is called as one."""
    if spec.label_column in others or spec.label_column != "label":
        return spec.label_column if spec.label_column in others else None
    known = likely("label_column", others) or [name for name in others if name == "y"]
    return known[0] if len(known) == 1 else None


def _series(
    path: Path, table: "pd.DataFrame", columns: list[str], spec: DataSpec, faults: list[str]
) -> tuple[list[Floats], tuple[str, ...], str]:
    """N series (T_i, C), the names of the channels, and how the lists were taken."""
    cells = {name: [_numbers(cell) for cell in table[name]] for name in columns}
    for name, own in cells.items():
        if wrong := [row for row, cell in enumerate(own, 1) if cell is None or cell.size == 0]:
            more = f" and in {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
            faults.append(f"column {name!r} holds no series of numbers in row {wrong[0]}{more}")
    raise_faults(str(path), faults)
    deep = [name for name in columns if any(cell is not None and cell.ndim == 2 for cell in cells[name])]
    if deep and len(columns) > 1:
        raise DataError(
            f"{path}: column {deep[0]!r} holds lists of lists beside other lists. Name one: "
            f"`--feature-columns {deep[0]}`."
        )
    if deep:
        name = columns[0]
        return _turned(path, name, [cell for cell in cells[name] if cell is not None], spec), (), f"lists in {name!r}"
    named = f"a list for each channel: {', '.join(columns[:8])}{', ...' if len(columns) > 8 else ''}"
    rows = list(zip(*(cells[name] for name in columns), strict=True))
    for number, row in enumerate(rows, 1):
        if len({len(cell) for cell in row if cell is not None}) > 1:
            told = ", ".join(f"{name} {len(cell)}" for name, cell in zip(columns, row, strict=True) if cell is not None)
            raise DataError(
                f"{path}: the lists of row {number} differ in length ({told}); channels have the same steps."
            )
    return [np.stack([cell for cell in row if cell is not None], axis=1) for row in rows], tuple(columns), named


def _numbers(cell: Any) -> NDArray[np.float64] | None:
    """(T,) or (T, C), NaN where a number is missing; None where it is neither."""
    if cell is None:
        return None
    try:
        flat = np.asarray(cell)
        found = flat.astype(np.float64) if flat.dtype != object else np.array([np.asarray(one, float) for one in cell])
    except (TypeError, ValueError):
        return None
    return found if found.ndim in (1, 2) else None


def _turned(path: Path, name: str, cells: list[NDArray[np.float64]], spec: DataSpec) -> list[Floats]:
    """(T_i, C) of lists of lists, in the order that is named, or that lengths tell."""
    if len({cell.ndim for cell in cells}) > 1:
        raise DataError(f"{path}: column {name!r} holds lists of numbers in some rows, and lists of lists in others.")
    return series_of(cells, spec.axes, f"{path}: column {name!r}")
