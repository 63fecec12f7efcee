"""Examples without labels, block by block: what a trained model is asked about.

| file | holds |
|---|---|
| `.csv`, `.parquet` | long form as for training; label and split columns may be there and are not read |
| `.npz` | X (N, T, C), (N, T) or images (N, 28, 28); y is not needed |
| `.npy` | the same as one array |
| `.ts` | one file, with its labels or without |

Tables, `.npz` and `.npy` may be larger than memory; the rows of a series must stand together then.

N examples, T time steps, C channels
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from hw3models.data.blocks import BLOCK_BYTES
from hw3models.data.blocks import blocks as blocks_of
from hw3models.data.checks import raise_faults
from hw3models.data.readers.long_tables import table_blocks
from hw3models.data.readers.npy_files import open_npy
from hw3models.data.readers.npz_files import header_faults
from hw3models.data.readers.ts_files import read_series
from hw3models.errors import DataError
from hw3models.specs import Kind

SUFFIXES = (".csv", ".parquet", ".npz", ".npy", ".ts")


class Wanted(NamedTuple):
    """What a model takes."""

    kind: Kind
    shape: tuple[int, ...]
    """(28, 28), or (T, C)."""
    unequal_lengths: bool = False
    """Series may be shorter than T: they are padded with NaN at the end."""
    channels: tuple[str, ...] = ()
    """Columns of a table, in the model's order; without names all that are left, in the file's."""


class Block(NamedTuple):
    """Some examples."""

    ids: NDArray[Any]
    """(N,) names of the series, or numbers from 0."""
    examples: NDArray[np.float32]
    """(N, *shape)."""


def read_examples(
    path: Path, wanted: Wanted, *, sample_column: str = "sample", time_column: str = "time"
) -> Iterator[Block]:
    """All examples of the file in their order.

    Raises:
        DataError: no such file, not whole, or examples of another shape or type: the message says which.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: cannot be read; known are {', '.join(SUFFIXES)} files.")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    if suffix in (".csv", ".parquet"):
        if wanted.kind == "images":
            raise DataError(f"{path}: a table holds series, but the model takes images of 28 x 28: `.npy` or `.npz`.")
        for names, series in table_blocks(path, wanted.shape[1], sample_column, time_column, wanted.channels):
            yield _padded(path, names, series, wanted)
    elif suffix == ".ts":
        series = read_series(path)
        for start in range(0, len(series), 1024):
            names = np.arange(start, min(start + 1024, len(series)))
            yield _padded(path, names, series[start : start + 1024], wanted)
    else:
        yield from _arrays(path, wanted)


def _padded(path: Path, names: NDArray[Any], series: list[NDArray[np.float64]], wanted: Wanted) -> Block:
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


def _arrays(path: Path, wanted: Wanted) -> Iterator[Block]:
    first = 0
    for rows in _npz_rows(path) if path.suffix.lower() == ".npz" else _npy_rows(path):
        values = rows[:, :, None] if rows.ndim == 2 else rows
        if values.shape[1:] != wanted.shape:
            shape = " x ".join(map(str, rows.shape[1:]))
            raise DataError(f"{path}: examples are {shape}, but the model takes {' x '.join(map(str, wanted.shape))}.")
        with np.errstate(over="ignore"):
            yield Block(np.arange(first, first + len(rows)), values.astype(np.float32))
        first += len(rows)


def _npy_rows(path: Path) -> Iterator[NDArray[Any]]:
    array = open_npy(path)
    if array.dtype.kind not in "iufb" or array.ndim < 2:
        raise DataError(f"{path}: the array is {array.dtype} {array.shape}; numbers of two or more axes are needed.")
    if not array.flags.c_contiguous:
        raise DataError(f"{path}: the array is stored column by column (Fortran order); write it in C order.")
    for _, rows in blocks_of(array):
        yield rows


def _npz_rows(path: Path) -> Iterator[NDArray[Any]]:
    """X, out of the archive as it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "X" not in found:
                raise DataError(f"{path}: the array 'X' is missing; the file has {list(found) or 'none'}.")
            raise_faults(str(path), header_faults(archive, found["X"], "X", limit=None))
            with archive.open(found["X"]) as member:
                yield from _member_rows(path, member)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole `.npz` file ({error}). Write it with numpy.savez(path, X=...)."
        ) from error


def _member_rows(path: Path, member: Any) -> Iterator[NDArray[Any]]:
    formats: Any = npy_format
    version = formats.read_magic(member)
    read = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if fortran or len(shape) < 2:
        raise DataError(f"{path}: X is {dtype} {shape}; an array of two or more axes in C order is needed.")
    row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    size = max(1, BLOCK_BYTES // max(1, row_bytes))
    for start in range(0, shape[0], size):
        num = min(size, shape[0] - start)
        data = member.read(num * row_bytes)
        if len(data) != num * row_bytes:
            raise DataError(f"{path}: X ends after {start:,} of {shape[0]:,} examples: not a whole file.")
        yield np.frombuffer(data, dtype).reshape(num, *shape[1:])
