"""A Parquet table in long form that is larger than memory: written once, piece by piece, as an array in the cache.

From then on it is what a `.npy` file is (`npy_files`): features that stay on disk and are trained on in chunks. Row
groups themselves are no chunks: the rows of a series may begin in one and end in the next.

N series, T time steps, C channels
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
from filelock import FileLock
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from hw3models.data.blocks import BLOCK_BYTES
from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw, group_codes, label_codes, padding_note
from hw3models.data.readers.columns import Columns
from hw3models.data.readers.label_tables import joiner, label_table
from hw3models.data.readers.long_tables import (
    chunks,
    named_groups,
    named_range,
    only_columns,
    own_columns,
    parquet_batches,
    reading,
    sample_parts,
    whole_series,
    with_joined,
    with_sample,
)
from hw3models.data.readers.npy_files import open_npy
from hw3models.data.readers.table_limits import parquet_faults
from hw3models.data.readers.tables import (
    candidates,
    chosen,
    column_faults,
    looking,
    nested_fault,
    parse_pieces,
    piece_of,
)
from hw3models.data.tails import tail_note
from hw3models.errors import DataError
from hw3models.runtime.file_digests import file_digest
from hw3models.runtime.files import atomic_file
from hw3models.runtime.sums import load_arrays, save_arrays
from hw3models.specs import DataSpec

ROOM = 0.95
"""Share of the free disk that may be taken."""
_VERSION = 2


def read_large_table(path: Path, name: str, spec: DataSpec, *, digest: str, cache: Path) -> Raw | None:
    """The series of a table with `digest`, as an array on disk; None where rows of a series do not stand together.

    Columns mean what they mean in `tables.read_table`. What was written before is taken again.

    Raises:
        DataError: the faults of the first piece of the table that has any, with their rows; or the disk is too small.
    """
    named = (named_groups(spec), spec.feature_columns, spec.ignore_columns)
    means: tuple[Any, ...] = (_VERSION, digest, spec.sample_column, spec.time_column, spec.label_column, *named)
    with parquet.ParquetFile(path) as file:
        beside = label_table(path, spec, file.schema_arrow.names)
    if beside is not None:
        means = (*means, *map(file_digest, beside.paths))
    key = hashlib.sha256(repr(means).encode()).hexdigest()[:16]
    kept = _Kept(cache / "tables" / f"{key}.npy", cache / "tables" / f"{key}.npz")
    if (raw := kept.read(name)) is not None:
        return raw
    try:
        kept.array.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.array.with_suffix(".lock")):
            if (raw := kept.read(name)) is not None:
                return raw
            for left_behind in kept.array.parent.glob(f".{key}.*"):
                left_behind.unlink()  # by a command that was killed
            lengths = _lengths(path, spec, kept.array.parent)
            if lengths is None:
                return None
            _write(path, spec, lengths, kept)
    except OSError as error:
        raise DataError(
            f"{path}: its series cannot be written to {kept.array.parent} ({error}). Choose another cache (HW3_CACHE)."
        ) from error
    return kept.read(name)


class _Kept(NamedTuple):
    """What is in the cache."""

    array: Path
    """float32 (N, T, C)"""
    rest: Path
    """Labels, lengths, test split, groups and names: written last, so that while it is missing nothing is there."""

    def read(self, name: str) -> Raw | None:
        """None where it is not there, or not whole any more."""
        if (arrays := load_arrays(self.rest, self.array)) is None:
            return None
        features, names = open_npy(self.array), json.loads(bytes(arrays["names"]))
        labels, lengths, groups = arrays["labels"], arrays["lengths"], arrays.get("groups")
        is_equal = int(lengths.min()) == features.shape[1]
        return Raw(
            name=name,
            kind="sequences",
            features=features,
            labels=labels,
            class_names=tuple(names["classes"]),
            lengths=None if is_equal else lengths,
            test=arrays.get("test"),
            notes=(*names.get("notes", ()), *(() if is_equal else (padding_note(lengths),))),
            channels=tuple(names["channels"]),
            groups=groups,
            group_names=tuple(names.get("groups", ())),
        )


def _lengths(path: Path, spec: DataSpec, cache: Path) -> NDArray[np.int64] | None:
    """(N,) rows of each series; None where one comes in two pieces. Of the table only its column is read."""
    with reading(path):
        with parquet.ParquetFile(path) as file:
            schema, num_rows = file.schema_arrow, file.metadata.num_rows
        if named_range(schema) is not None:
            return None
        raise_faults(str(path), _schema_faults(path, schema, spec))
        # Each of those rows needs that much at least, and a file of kilobytes may have billions of them.
        # (The split may be missing.)
        _check_room(path, 4 * num_rows * (len(schema) - len(own_columns(spec))), cache)
        return _rows_of_series(path, spec)


def _rows_of_series(path: Path, spec: DataSpec) -> NDArray[np.int64] | None:
    keys: list[NDArray[np.uint64]] = []
    starts: list[NDArray[np.intp]] = []
    row, last = 0, None
    columns = list(sample_parts(spec)) or [spec.sample_column]
    for batch in parquet_batches(path, columns):
        table = with_sample(only_columns(batch.to_pandas()), spec)
        codes, names = pd.factorize(table[spec.sample_column], use_na_sentinel=False)
        if not len(codes):
            continue
        # Names are compared by a hash: millions of texts would be the largest thing in memory. They are hashed as
        # objects, since pandas cuts texts at a NUL; and 0.0, which equals -0.0, has one hash.
        plain = [name + 0 if isinstance(name, (float, np.floating)) else name for name in names]
        hashed = pd.util.hash_array(np.array([str(name) for name in plain], dtype=object), categorize=False)
        begins = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
        if hashed[codes[0]] == last:
            begins = begins[1:]
        keys.append(hashed[codes[begins]])
        starts.append(row + begins)
        row, last = row + len(codes), hashed[codes[-1]]
    found = np.concatenate(keys)
    if len(np.unique(found)) < len(found):
        return None
    return np.diff(np.append(np.concatenate(starts), row)).astype(np.int64)


def _schema_faults(path: Path, schema: pyarrow.Schema, spec: DataSpec) -> list[str]:
    raise_faults(str(path), parquet_faults(path, whole=False))
    empty = joiner(path, spec)(with_joined(only_columns(schema.empty_table().to_pandas()), spec))
    nested = [field.name for field in schema if pyarrow.types.is_nested(field.type)]
    wanted = {*own_columns(spec), *(spec.feature_columns or set(schema.names) - set(spec.ignore_columns))}
    return [*column_faults(empty, spec), *(nested_fault(name) for name in nested if name in wanted)]


def _write(path: Path, spec: DataSpec, lengths: NDArray[np.int64], kept: _Kept) -> None:
    channels, notes = _channels(path, spec)
    pieces = parse_pieces(whole_series(chunks(path, spec), spec.sample_column), path, spec, channels=channels)
    # A large table has rows, and so a first piece.
    first = next(pieces)
    shape = (len(lengths), int(lengths.max()), len(first.channels))
    _check_room(path, 4 * math.prod(shape), kept.array.parent)
    shortened, (labels, tests, groups) = 0, (list[NDArray[Any]](), list[NDArray[np.bool_] | None](), list[str]())
    with atomic_file(kept.array, is_ours=True) as out:
        head = {"descr": "<f4", "fortran_order": False, "shape": shape}  # as `np.save` writes float32
        npy_format.write_array_header_1_0(out, head)
        for part in chain((first,), pieces):
            for block in _padded(part.series, shape[1]):
                out.write(block.data)
            done = sum(map(len, labels))
            found = np.array([len(one) for one in part.series])
            if (found > lengths[done : done + len(found)]).any() or (
                not part.shortened and (found != lengths[done : done + len(found)]).any()
            ):
                raise DataError(f"{path}: its series were others when they were read again. Did it change meanwhile?")
            lengths[done : done + len(found)] = found
            shortened += part.shortened
            labels.append(part.labels)
            tests.append(part.test)
            groups += part.groups or ()
        # Before the array gets its name: labels that are none leave nothing.
        classes, codes = label_codes(np.concatenate(labels), f"{path}: column {spec.label_column!r}", spec.task)
    names: dict[str, Any] = {
        "classes": classes,
        "channels": first.channels,
        "notes": (*notes, *([tail_note(shortened, len(lengths))] * (shortened > 0))),
    }
    arrays: dict[str, NDArray[Any]] = {"lengths": lengths, "labels": codes}
    if groups:
        names["groups"], arrays["groups"] = group_codes(groups)
    arrays["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    if first.test is not None:
        arrays["test"] = np.concatenate([test for test in tests if test is not None])
    save_arrays(kept.rest, arrays, kept.array)


def _channels(path: Path, spec: DataSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Channels and notes, as `tables.channels_of` of the whole; the first piece says which columns to follow."""
    with parquet.ParquetFile(path) as file:
        empty = only_columns(file.schema_arrow.empty_table().to_pandas())
    names = candidates(empty, spec, where=str(path))
    if spec.feature_columns:
        return tuple(names), ()
    with looking(str(path)):
        first = Columns(names)
        first.look(piece_of(next(whole_series(chunks(path, spec), spec.sample_column)), spec))
        only = [column for column in empty.columns if column in {*own_columns(spec), *first.open}]
        followed = Columns(first.open)
        for table in whole_series(chunks(path, spec, only=only), spec.sample_column) if first.open else ():
            followed.look(piece_of(table, spec))
            if not followed.open:
                break
    return chosen(names, followed, spec, where=str(path))


def _padded(series: list[NDArray[np.float64]], steps: int) -> Iterator[NDArray[np.float32]]:
    """(n, steps, C), zero after the end of each: few at a time, as one among them may be a thousand times longer."""
    channels = series[0].shape[1]
    size = max(1, BLOCK_BYTES // (4 * steps * channels))
    for start in range(0, len(series), size):
        some = series[start : start + size]
        values = np.zeros((len(some), steps, channels), np.float32)
        with np.errstate(over="ignore"):  # becomes infinite, which the checks report
            for row, one in zip(values, some, strict=True):
                row[: len(one)] = one
        yield values


def _check_room(path: Path, needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > ROOM * free:
        raise DataError(
            f"{path}: its series need {needed / 2**30:,.1f} GiB in {folder}, where {free / 2**30:,.1f} GiB are free. "
            "Choose another cache (HW3_CACHE), or fewer series or steps."
        )
