"""Arrays in files that may be larger than memory: read in blocks, without mapping their pages.

`np.memmap` says where the numbers are, and everything that looks at a few rows uses it as an array. What goes over all
rows comes here: pages that are touched through the map would count as memory of this process.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError

BLOCK_BYTES = 4 * 2**20


def is_on_disk(array: NDArray[Any]) -> bool:
    """Is it the map of a whole file?"""
    return isinstance(array, np.memmap) and array.filename is not None


def row_bytes(array: NDArray[Any]) -> int:
    """Bytes of one example."""
    return int(array.dtype.itemsize * np.prod(array.shape[1:], dtype=np.int64))


def block_rows(array: NDArray[Any]) -> int:
    """How many rows make a block."""
    return max(1, BLOCK_BYTES // max(1, row_bytes(array)))


def blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """(first row, rows) of one block after another."""
    size = block_rows(array)
    for start in range(0, len(array), size):
        yield start, read(array, start, min(start + size, len(array)))


def read(array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    """The rows start..stop; a copy where they come from disk.

    Raises:
        DataError: the file has become shorter, or cannot be read any more.
    """
    if not is_on_disk(array):
        return array[start:stop]
    assert isinstance(array, np.memmap)
    shape = (stop - start, *array.shape[1:])
    path = Path(str(array.filename))
    try:
        with path.open("rb") as file:
            file.seek(array.offset + start * row_bytes(array))
            rows = np.fromfile(file, array.dtype, int(np.prod(shape, dtype=np.int64)))
        return rows.reshape(shape)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: rows {start:,} to {stop:,} cannot be read ({error}). Prepare the data again."
        ) from error


def take(array: NDArray[Any], index: NDArray[np.int64], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The rows `index` in their order, block by block where they come from disk, into `out` where it is given."""
    if out is None:
        out = np.empty((len(index), *array.shape[1:]), array.dtype)
    if not is_on_disk(array):
        np.take(array, index, axis=0, out=out)
        return out
    size = block_rows(array)
    order = np.argsort(index, kind="stable")
    block_of = index[order] // size
    for members in np.split(order, np.flatnonzero(np.diff(block_of)) + 1) if len(order) else ():
        # No more of the block than what is wanted: single rows cost little.
        low, high = int(index[members].min()), int(index[members].max()) + 1
        out[members] = read(array, low, high)[index[members] - low]
    return out
