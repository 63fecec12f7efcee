"""How large a table may be, seen from its first lines or its footer: before pandas asks for memory or time."""

import csv
from pathlib import Path

import pyarrow.parquet

from hw3models.data.raw import MAX_BYTES

MAX_COLUMNS = 10_000
"""pandas takes 4 minutes and 6 GiB for a header of a million columns."""
_MAX_LINE = 4 * 2**20


def csv_faults(path: Path) -> list[str]:
    """Of the header and the first row."""
    with path.open("rb") as file:
        lines = [file.readline(_MAX_LINE + 1), file.readline(_MAX_LINE + 1)]
    for number, line in enumerate(lines, 1):
        if len(line) > _MAX_LINE:
            return [f"line {number} is longer than {_MAX_LINE // 2**20} MiB; write a row per series and time step"]
    header, first = (_fields(line) for line in lines)
    if header > MAX_COLUMNS:
        return [f"the table has {header:,} columns, the limit is {MAX_COLUMNS:,}; steps of a series are rows"]
    if first > max(header, MAX_COLUMNS):
        return [f"line 2 has {first:,} fields, but the header {header:,} columns"]
    return []


def parquet_faults(path: Path) -> list[str]:
    """Of the footer: a file of a few kilobytes can hold billions of rows."""
    metadata = pyarrow.parquet.read_metadata(path)
    rows, columns = metadata.num_rows, metadata.num_columns
    if columns > MAX_COLUMNS:
        return [f"the table has {columns:,} columns, the limit is {MAX_COLUMNS:,}; steps of a series are rows"]
    if 8 * rows * columns > MAX_BYTES:
        size = 8 * rows * columns / 2**30
        limit = f"the limit is {MAX_BYTES / 2**30:.0f} GiB; write the series as one `.npy` array"
        return [f"{rows:,} rows of {columns} columns need {size:,.1f} GiB; {limit}"]
    return []


def _fields(line: bytes) -> int:
    try:
        return len(next(csv.reader([line.decode("utf-8-sig", "replace")]), []))
    except csv.Error:
        return line.count(b",") + 1
