"""Examples without labels, in blocks: what the readers of files share.

Tables, `.npz` and `.npy` may be larger than memory; the rows of a series must stand together then.

N examples, T time steps, C channels
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.source import Block, Wanted, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec


def table_examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    """The series of a table in long form; label and split columns may be there and are not read."""
    # pandas costs a second to import; other formats do without it.
    from hw3models.data.readers.table_blocks import table_blocks

    path = path_of(spec.source)
    if wanted.kind == "images":
        size = " x ".join(map(str, wanted.shape))
        raise DataError(f"{path}: a table holds series, but the model takes images of {size}: `.npy` or `.npz`.")
    for part in table_blocks(path, wanted.shape[1], spec, wanted.channels):
        groups = None if part.groups is None else tuple(part.groups)
        yield padded(path, np.array(part.names, dtype=object), part.series, wanted)._replace(groups=groups)


def padded(path: Path, names: NDArray[Any], series: list[NDArray[np.float64]], wanted: Wanted) -> Block:
    """Series (T_i, C) as one array, NaN after the end."""
    steps, channels = wanted.shape
    for name, one in zip(names, series, strict=True):
        if one.shape[1] != channels:
            raise DataError(f"{path}: series have {one.shape[1]} channels, but the model takes {channels}.")
        if len(one) > steps or (len(one) < steps and not wanted.unequal_lengths):
            most = "at most " if wanted.unequal_lengths else ""
            raise DataError(f"{path}: series {str(name)!r} has {len(one)} steps, but the model takes {most}{steps}.")
    values = np.full((len(series), steps, channels), np.nan, np.float32)
    with np.errstate(over="ignore"):  # becomes infinite, which the model refuses
        for row, one in zip(values, series, strict=True):
            row[: len(one)] = one
    return Block(names, values)


def array_blocks(
    path: Path, parts: Iterator[NDArray[Any]], wanted: Wanted, groups: list[str] | None = None
) -> Iterator[Block]:
    """Rows (n, *shape), or series (n, T) of one channel, as the model takes them; they are numbered from 0."""
    first = 0
    for rows in parts:
        check_shape(path, rows.shape[1:], wanted)
        values = rows[:, :, None] if rows.ndim == 2 else rows
        if values.shape[1:] != wanted.shape:
            values = values.transpose(0, 2, 1)
        of_rows = None if groups is None else tuple(groups[first : first + len(rows)])
        if of_rows is not None and len(of_rows) < len(rows):
            raise DataError(f"{path}: there are more examples than groups ({len(groups or ()):,}). Name one for each.")
        with np.errstate(over="ignore"):
            yield Block(np.arange(first, first + len(rows)), values.astype(np.float32), of_rows)
        first += len(rows)


def check_shape(path: Path, shape: tuple[int, ...], wanted: Wanted) -> None:
    """Are examples of `shape` what the model takes? Those of one axis have one channel.

    Raises:
        DataError: they are not.
    """
    full = (*shape, 1) if len(shape) == 1 else shape
    is_turned = wanted.kind == "sequences" and len(shape) == 2 and shape[::-1] == wanted.shape  # (C, T): no doubt
    if full != wanted.shape and not is_turned:
        one, other = (" x ".join(map(str, sizes)) for sizes in (shape, wanted.shape))
        raise DataError(f"{path}: examples are {one}, but the model takes {other}.")
