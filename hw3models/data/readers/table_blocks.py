"""Series out of a long-form table of any size, piece by piece, for a model that is asked about them.

C channels
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.readers.long_tables import chunks, own_columns, whole_series
from hw3models.data.readers.tables import Part, column_faults, parse_pieces
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec


def table_blocks(path: Path, channels: int, spec: DataSpec, names: tuple[str, ...] = ()) -> Iterator[Part]:
    """The series of a table with the checks of `tables.parse`, but for labels; the rows of a series stand together.

    With `names` these columns are the channels, in that order, whatever others there are.

    Raises:
        DataError: what `tables.parse` refuses, or a series comes in two pieces.
    """
    seen = set[str]()

    def checked() -> Iterator[pd.DataFrame]:
        for number, chunk in enumerate(chunks(path, spec)):
            if not number:
                raise_faults(str(path), _column_faults(chunk, channels, spec, names))
            yield chunk

    pieces = whole_series(checked(), spec.sample_column)
    for part in parse_pieces(pieces, path, spec, labelled=False, channels=names):
        apart = part.apart or next((name for name in part.names if name in seen), None)
        if apart is not None:
            raise DataError(
                f"{path}: the rows of series {apart!r} do not stand together. Sort the table by {spec.sample_column!r}."
            )
        seen.update(part.names)
        yield part
    if not seen:
        raise DataError(f"{path}: the table has columns but no rows.")


def _column_faults(table: pd.DataFrame, channels: int, spec: DataSpec, names: tuple[str, ...]) -> list[str]:
    found = list(table.columns)
    faults = column_faults(table, spec, labelled=False)
    faults += [
        f"column {column!r} is missing; the table has {few(found)}.{suggestion(column, found)}"
        for column in names
        if column not in found
    ]
    columns = list(names) or [column for column in found if column not in own_columns(spec)]
    if not faults and len(columns) != channels:
        faults.append(f"the table has {len(columns)} features ({few(columns)}), but the model takes {channels}")
    return faults
