"""How large a table may be, seen from its first lines or its footer: before pandas asks for memory or time."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pyarrow.parquet

from hw3models.data.raw import MAX_BYTES
from hw3models.data.readers.text_files import TextForm, cells, open_rows, open_text, uneven_row
from hw3models.errors import DataError

MAX_COLUMNS = 10_000
"""pandas takes 4 minutes and 6 GiB for a header of a million columns."""
LARGE_BYTES = 256 * 2**20
"""Size of a Parquet table in memory from which on it is not read whole if its rows are in order."""
_MAX_LINE = 4 * 2**20


def csv_faults(path: Path, form: TextForm) -> list[str]:
    """What is wrong with the header and the first row."""
    with open_rows(path, form) as file:
        lines = [file.readline(_MAX_LINE + 1) for _ in range(form.before + 2)][form.before :]
    for number, line in enumerate(lines, form.before + 1):
        if len(line) > _MAX_LINE:
            return [f"line {number} is longer than {_MAX_LINE // 2**20} MiB; write a row per series and time step"]
    header, first = (len(cells(line, form.separator)) for line in lines)
    if header > MAX_COLUMNS:
        return [f"the table has {header:,} columns, the limit is {MAX_COLUMNS:,}; steps of a series are rows"]
    if first > max(header, MAX_COLUMNS):
        return [f"line {form.before + 2} has {first:,} fields, but the header {header:,} columns"]
    if first > header:  # pandas would take the first cells for an index
        return [f"the rows have more fields than the header has columns ({uneven_row(path, form)})"]
    return twice_faults(path, form, cells(lines[0], form.separator))


def twice_faults(path: Path, form: TextForm, names: list[str]) -> list[str]:
    """Columns of a text table that are there more than once; and what to do where a second line has more names."""
    faults = _twice(names)
    if not faults or form.mends.units is None:
        return faults
    with open_text(path, form.encoding) as file:
        below = cells(next(islice(file, form.mends.units, None), "").strip(), form.separator)
    joined = [f"{one}.{more}" if names.count(one) > 1 else one for one, more in zip(names, below, strict=False)]
    if len(set(joined)) < len(names):
        return faults
    line = f"line {form.mends.units + 1}"
    return [*faults, f"{line} has more names; write one header of both: {form.separator.join(joined)[:200]}"]


def parquet_bytes(path: Path) -> int:
    """Size of the table in memory, as its footer has it: a file of a few kilobytes can hold billions of rows."""
    metadata = pyarrow.parquet.read_metadata(path)
    return 8 * int(metadata.num_rows) * int(metadata.num_columns)


def is_large(path: Path) -> bool:
    """A Parquet table that should not be read whole.

    Raises:
        DataError: its footer cannot be read.
    """
    if path.suffix.lower() != ".parquet":
        return False
    try:
        return parquet_bytes(path) > LARGE_BYTES
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()}).") from error


def parquet_faults(path: Path, *, whole: bool = True) -> list[str]:
    """What is wrong with the footer; what is not read as a `whole` may have any number of rows."""
    names = pyarrow.parquet.read_schema(path).names
    if len(names) <= MAX_COLUMNS and (twice := _twice(names)):
        return twice
    columns = pyarrow.parquet.read_metadata(path).num_columns
    if columns > MAX_COLUMNS:
        return [f"the table has {columns:,} columns, the limit is {MAX_COLUMNS:,}; steps of a series are rows"]
    if whole and (needed := parquet_bytes(path)) > MAX_BYTES:
        limit = f"the limit is {MAX_BYTES / 2**30:.0f} GiB where the rows of a series do not stand together"
        return [
            f"{needed // columns // 8:,} rows of {columns} columns need {needed / 2**30:,.1f} GiB; {limit}: "
            "sort them by series"
        ]
    return []


def _twice(names: list[str]) -> list[str]:
    return [f"column {name!r} is there more than once" for name, times in Counter(names).items() if name and times > 1]
