"""Series out of a long-form table of any size, chunk by chunk; see `tables` for what is read whole.

T time steps, C channels
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.readers.table_limits import csv_faults, parquet_faults
from hw3models.errors import DataError
from hw3models.specs import DataSpec

ROWS = 100_000
"""Rows of a chunk."""
_NOT_FEATURES = ("label", "split")
Series = tuple[NDArray[Any], list[NDArray[np.float64]], tuple[str, ...] | None]
"""Names (N,), the values (T_i, C) of each, and the N groups where a column of them was named."""


def table_blocks(path: Path, channels: int, spec: DataSpec, names: tuple[str, ...] = ()) -> Iterator[Series]:
    """Names, values and groups of the series, sorted by time; the rows of a series must stand together.

    With `names` these columns are the channels, in that order, whatever others there are.

    Raises:
        DataError: a column is missing, is not numbers, or a series comes in two pieces.
    """
    seen, columns = set[str](), list[str]()

    def checked() -> Iterator[pd.DataFrame]:
        for chunk in chunks(path, () if spec.group_column is None else (spec.group_column,)):
            if len(chunk):
                columns[:] = _features(path, chunk, channels, spec, names)
                yield chunk

    for _, table in whole_series(checked(), spec.sample_column):
        yield _series(path, table, columns, spec, seen)
    if not seen:
        raise DataError(f"{path}: the table has columns but no rows.")


def whole_series(parts: Iterable[pd.DataFrame], sample: str) -> Iterator[tuple[int, pd.DataFrame]]:
    """The rows of `parts` in pieces that end where a series does, each with the number of its first row."""
    rest, row = None, 0
    for part in parts:
        if not len(part):
            continue
        table = part if rest is None else pd.concat([rest, part], ignore_index=True)
        # The last series may go on in the next part.
        codes, _ = pd.factorize(table[sample], use_na_sentinel=False)
        is_last = codes == codes[-1]
        begin = len(table) - int(np.argmin(is_last[::-1])) if not is_last.all() else 0
        if begin:
            yield row, table.iloc[:begin].reset_index(drop=True)
        rest, row = table.iloc[begin:], row + begin
    if rest is not None and len(rest):
        yield row, rest.reset_index(drop=True)


def chunks(path: Path, texts: tuple[str, ...] = ()) -> Iterable[pd.DataFrame]:
    """The table in parts of some `ROWS` rows; of a CSV the columns `texts` to the letter.

    Raises:
        DataError: it cannot be read.
    """
    with reading(path):
        if path.suffix.lower() == ".parquet":
            raise_faults(str(path), parquet_faults(path, whole=False))
            for batch in parquet_batches(path):
                yield only_columns(batch.to_pandas())
        else:
            raise_faults(str(path), csv_faults(path))
            as_text = dict.fromkeys(texts, str)
            with pd.read_csv(path, encoding="utf-8-sig", chunksize=ROWS, low_memory=False, converters=as_text) as parts:
                yield from parts


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What pandas and pyarrow raise about a table becomes a DataError."""
    try:
        yield
    except DataError:
        raise
    except (OSError, ValueError, ImportError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()}).") from error


def only_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Names are texts; an index that pandas has stored beside the columns becomes some: sample and time may be there.

    Raises:
        ValueError: its name is that of a column.
    """
    table = table.reset_index() if any(name is not None for name in table.index.names) else table
    return table.set_axis([str(name) for name in table.columns], axis="columns")


def parquet_batches(path: Path, columns: list[str] | None = None) -> Iterator[pyarrow.RecordBatch]:
    """Some `ROWS` rows at a time.

    What was read is not kept, as pyarrow would by default until all of the file is in memory.
    """
    yield from parquet.ParquetFile(path, pre_buffer=False, buffer_size=2**20).iter_batches(ROWS, columns=columns)


def _features(path: Path, table: pd.DataFrame, channels: int, spec: DataSpec, names: tuple[str, ...]) -> list[str]:
    found = [str(column) for column in table.columns]
    own = [spec.sample_column, spec.time_column, *([] if spec.group_column is None else [spec.group_column])]
    faults = [
        f"column {column!r} is missing; the table has {', '.join(found)}.{suggestion(column, found)}"
        for column in (*own, *names)
        if column not in found
    ]
    columns = list(names) or [column for column in found if column not in (*own, *_NOT_FEATURES)]
    if not faults and len(columns) != channels:
        faults.append(f"the table has {len(columns)} features ({', '.join(columns)}), but the model takes {channels}")
    if not faults:
        faults += [
            f"feature {column!r} has type {table[column].dtype}; numbers are needed"
            for column in columns
            if not pd.api.types.is_numeric_dtype(table[column])
        ]
    raise_faults(str(path), faults)
    return columns


def _series(path: Path, table: pd.DataFrame, columns: list[str], spec: DataSpec, seen: set[str]) -> Series:
    sample, time = spec.sample_column, spec.time_column
    codes, names = pd.factorize(table[sample], use_na_sentinel=False)
    changes = int((np.diff(codes) != 0).sum()) + 1
    texts = [str(name) for name in names]
    twice = next((name for name in texts if name in seen), None)
    if changes != len(names) or twice is not None:
        name = twice if twice is not None else str(names[codes[int(np.argmax(np.diff(codes) < 0)) + 1]])
        raise DataError(f"{path}: the rows of series {name!r} do not stand together. Sort the table by {sample!r}.")
    seen.update(texts)
    times = table[time].to_numpy()
    if times.dtype.kind == "O":
        times = pd.to_datetime(table[time], format="ISO8601", utc=True).to_numpy()
    order = np.lexsort((times, codes))
    values = table[columns].to_numpy(dtype=np.float64, na_value=np.nan)[order]
    ends = np.cumsum(np.bincount(codes))[:-1]
    groups = None if spec.group_column is None else _groups(path, table[spec.group_column], codes, texts)
    return np.array(texts, dtype=object), np.split(values, ends), groups


def _groups(path: Path, cells: "pd.Series[Any]", codes: NDArray[np.int64], names: list[str]) -> tuple[str, ...]:
    """One for each series.

    Raises:
        DataError: a series has none, or two.
    """
    _, first = np.unique(codes, return_index=True)
    texts = cells.astype("str").to_numpy(dtype=object)
    bad = cells.isna().to_numpy() | np.array([not text.strip() for text in texts])
    if bad.any():
        raise DataError(f"{path}: series {names[codes[int(bad.argmax())]]!r} has no group in column {cells.name!r}.")
    changed = texts != texts[first][codes]
    if changed.any():
        row = int(changed.argmax())
        raise DataError(
            f"{path}: series {names[codes[row]]!r} has two groups in column {cells.name!r}, "
            f"{texts[first[codes[row]]]!r} and {texts[row]!r}. Give each series one."
        )
    return tuple(texts[first].tolist())
