"""A long-form table as every reader sees it: in pieces of rows, names to the letter, rows with their numbers.

Training, check, predict and drift all read through `chunks`; what a table means is in `tables`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet

from hw3models.data.checks import raise_faults
from hw3models.data.readers.label_tables import joiner
from hw3models.data.readers.missing import MISSING_NUMBERS
from hw3models.data.readers.table_limits import csv_faults, parquet_faults
from hw3models.data.readers.text_files import TextForm, rows_of, text_form, uneven_row, without_comments
from hw3models.data.readers.time_columns import time_parts, with_time
from hw3models.errors import DataError
from hw3models.specs import DataSpec

ROWS = 100_000
"""Rows of a chunk."""
SPLIT_COLUMN = "split"
"""What stands for a missing number in a CSV; in the columns of text it is text, so a class may be called NA."""
_COMMA = r"^([+-]?\d*),(\d+)$"
"""A number with a decimal comma, in a column that is read as text."""


def own_columns(spec: DataSpec) -> tuple[str, ...]:
    """Name the columns that are no features; not all need be there."""
    own = (spec.sample_column, spec.time_column, spec.label_column, SPLIT_COLUMN, *named_groups(spec))
    return (*own, *sample_parts(spec), *time_parts(spec))


def sample_parts(spec: DataSpec) -> tuple[str, ...]:
    """The columns that name a series together; nothing where one does."""
    parts = tuple(part.strip() for part in spec.sample_column.split(","))
    return parts if len(parts) > 1 and all(parts) else ()


def with_sample(table: pd.DataFrame, spec: DataSpec) -> pd.DataFrame:
    """The table with the names of its series as one column, `a/1` of `a` and `1`, where several name them."""
    parts = sample_parts(spec)
    if not parts or spec.sample_column in table.columns or not set(parts) <= set(table.columns):
        return table
    texts = []
    for part in parts:
        text, empty = table[part].astype("str"), table[part].isna()
        for mark in ("\\", "/"):  # two series never get one name
            text = text.str.replace(mark, "\\" + mark, regex=False)
        texts.append(text.mask(empty | (text.str.strip() == "")))
    joined = texts[0].str.cat(pd.concat(texts[1:], axis=1), sep="/")
    return table.assign(**{spec.sample_column: joined})


def with_joined(table: pd.DataFrame, spec: DataSpec) -> pd.DataFrame:
    """The table with the names of its series, and the times of its rows, as one column each."""
    return with_time(with_sample(table, spec), spec)


def named_groups(spec: DataSpec) -> tuple[str, ...]:
    """The column of the groups, where one was named."""
    return () if spec.group_column is None else (spec.group_column,)


def chunks(path: Path, spec: DataSpec, *, whole: bool = False, only: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """The table in parts of some `ROWS` rows, without blank lines; its index are the numbers of the rows.

    Of a CSV all columns but the features are text, to the letter. A table without rows is one part without any. What
    is read to be kept as a `whole` has a limit. Of a Parquet file `only` some columns may be read.

    Raises:
        DataError: it cannot be read.
    """
    with reading(path):
        if path.suffix.lower() == ".parquet":
            raise_faults(str(path), parquet_faults(path, whole=whole))
            parts = _parquet_chunks(path, only)
        else:
            parts = _csv_chunks(path, set(own_columns(spec)), spec.time_column)
        join = joiner(path, spec)
        for part in parts:
            yield join(with_joined(part, spec))


def parquet_table(path: Path) -> pd.DataFrame:
    """All of a Parquet table, as it is.

    Raises:
        DataError: it cannot be read.
    """
    with reading(path):
        raise_faults(str(path), parquet_faults(path, whole=True))
        return pd.concat(list(_parquet_chunks(path, None)), ignore_index=True)


def csv_names(path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        DataError: they cannot be read.
    """
    with reading(path):
        form = text_form(path)
        raise_faults(str(path), csv_faults(path, form))
        with rows_of(path, form) as file:
            names = [str(name).strip() for name in pd.read_csv(file, nrows=0, **form.pandas()).columns]
        if names[0].startswith("#") and (name := names[0].lstrip("# ")):
            names[0] = name  # as numpy.savetxt writes a header
        return names


def form_notes(path: Path) -> tuple[str, ...]:
    """How a text file is written, where that is not as usual; nothing of other files."""
    return () if path.suffix.lower() == ".parquet" else text_form(path).notes


def csv_header(path: Path) -> dict[str, Any]:
    """Arguments of `pandas.read_csv`: how the file is written, and the names of its columns.

    Raises:
        DataError: the names cannot be read.
    """
    return {**text_form(path).pandas(), "names": csv_names(path), "header": 0}


def _csv_chunks(path: Path, texts: set[str], time: str) -> Iterator[pd.DataFrame]:
    header, form = csv_header(path), text_form(path)
    names = header["names"]
    options = {
        **header,
        "dtype": {column: "str" for column in names if column in texts},
        "keep_default_na": False,
        "na_values": {column: MISSING_NUMBERS for column in names if column not in texts},
        "skip_blank_lines": False,  # so that line numbers are right
        "low_memory": False,
        "chunksize": ROWS,
    }
    with rows_of(path, form) as file, pd.read_csv(file, **options) as parts:
        for part in parts:
            rows = part[~((part == "") | part.isna()).all(axis=1)]  # blank lines
            _refuse_comments(path, rows, form)
            if form.decimal == "," and time in names:
                rows = rows.assign(**{time: rows[time].str.replace(_COMMA, r"\1.\2", regex=True)})
            yield rows.set_axis(rows.index + form.before)


def _refuse_comments(path: Path, rows: pd.DataFrame, form: TextForm) -> None:
    """A line that begins with # and has nothing else than its first cell; pandas fills up what is missing."""
    if len(rows.columns) < 2:
        return
    short = rows[((rows.iloc[:, -1] == "") | rows.iloc[:, -1].isna()).to_numpy(dtype=bool)]
    rest = short.iloc[:, 1:]
    is_comment = short.iloc[:, 0].astype("str").str.startswith("#") & ((rest == "") | rest.isna()).all(axis=1)
    if is_comment.any():
        line = int(short.index[int(is_comment.to_numpy().argmax())]) + form.before + 2
        raise DataError(f"{path}: line {line} is a comment ({without_comments(path)}).")


def _parquet_chunks(path: Path, only: list[str] | None) -> Iterator[pd.DataFrame]:
    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
    row, named = 0, named_range(schema)
    for batch in parquet_batches(path, only):
        table = batch.to_pandas()
        rows = pd.RangeIndex(row, row + len(table))
        if named is not None:
            table.index = pd.Index(named["start"] + named["step"] * rows.to_numpy(), name=named["name"])
        yield only_columns(table).set_axis(rows)
        row += len(table)
    if not row:
        yield only_columns(schema.empty_table().to_pandas())


def named_range(schema: pyarrow.Schema) -> dict[str, Any] | None:
    """An index that is a column to pandas, and of which the file has nothing but begin and step."""
    indices = (schema.pandas_metadata or {}).get("index_columns", [])
    return next((one for one in indices if isinstance(one, dict) and one.get("name") is not None), None)


def row_names(path: Path, table: pd.DataFrame) -> Callable[[int], str]:
    """How the i-th row of a chunk is called in messages."""
    numbers = table.index.to_numpy()
    if path.suffix.lower() == ".parquet":
        return lambda i: f"row {numbers[i]} (counting from 0)"
    return lambda i: f"line {numbers[i] + 2}"


def whole_series(parts: Iterable[pd.DataFrame], sample: str) -> Iterator[pd.DataFrame]:
    """The rows of `parts` in pieces that end where a series does."""
    table = None
    for part in parts:
        if not len(part):
            continue
        if table is not None:
            # The last series may go on in the next part.
            codes, _ = pd.factorize(table[sample], use_na_sentinel=False)
            is_last = codes == codes[-1]
            begin = len(table) - int(np.argmin(is_last[::-1])) if not is_last.all() else 0
            if begin:
                yield table.iloc[:begin]
            part = pd.concat([table.iloc[begin:], part])
        table = part
    if table is not None:
        yield table


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What pandas and pyarrow raise about a table becomes a DataError."""
    try:
        yield
    except DataError:
        raise
    except pd.errors.ParserError as error:
        uneven = None if path.suffix.lower() == ".parquet" else uneven_row(path, text_form(path))
        raise DataError(f"{path}: cannot be read as a table ({uneven or str(error).strip()}).") from error
    except (OSError, EOFError, ValueError, ImportError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()}).") from error


def only_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Names are texts, and so are cells of bytes, as which some write text; an index that pandas has stored
    beside the columns becomes some: sample and time may be there.

    Raises:
        ValueError: its name is that of a column.
    """
    table = table.reset_index() if any(name is not None for name in table.index.names) else table
    table = table.set_axis([str(name) for name in table.columns], axis="columns")
    for place in range(table.shape[1]):
        cells = table.iloc[:, place]
        if cells.dtype == object and isinstance(next(iter(cells.dropna()), None), bytes):
            table.isetitem(place, cells.map(_decoded).to_numpy())
    return table


def _decoded(cell: object) -> object:
    return cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else cell


def parquet_batches(path: Path, columns: list[str] | None = None) -> Iterator[pyarrow.RecordBatch]:
    """Some `ROWS` rows at a time.

    What was read is not kept, as pyarrow would by default until all of the file is in memory.
    """
    yield from parquet.ParquetFile(path, pre_buffer=False, buffer_size=2**20).iter_batches(ROWS, columns=columns)
