"""Generated and damaged data files: refused with the file and the place, or read. Nothing else."""

import io
import itertools
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bounds import read_file
from tests.fuzz.mutations import mutated

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def written(folder: Path, content: bytes, suffix: str) -> Path:
    path = folder / f"fuzzed{next(NUMBERS)}{suffix}"
    path.write_bytes(content)
    return path


def tried(folder: Path, content: bytes, suffix: str) -> bool:
    path = written(folder, content, suffix)
    try:
        return read_file(path, folder / "cache")
    finally:
        path.unlink()


def table(num: int = 24, steps: int = 5) -> pd.DataFrame:
    rows = [(s, t, s % 2 + t * t / 10, (t - 2) ** 2, "ab"[s % 2]) for s in range(num) for t in range(steps)]
    return pd.DataFrame(rows, columns=["sample", "time", "x", "z", "label"])


def as_npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def as_parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


CSV = table().to_csv(index=False).encode()
NPZ = as_npz(X=np.arange(480.0).reshape(24, 5, 4) % 7, y=np.arange(24) % 2)
PARQUET = as_parquet(table())
TS = (
    "@problemName Toy\n@timeStamps false\n@univariate false\n@dimensions 2\n@equalLength true\n@seriesLength 4\n"
    "@classLabel true a b\n@data\n" + "".join(f"1,2,{n},4:4,3,2,{n}:{'ab'[n % 2]}\n" for n in range(24))
).encode()


def test_the_files_are_read_when_nothing_is_changed(folder: Path) -> None:
    assert tried(folder, CSV, ".csv")
    assert tried(folder, NPZ, ".npz")
    assert tried(folder, PARQUET, ".parquet")
    assert tried(folder, TS, ".ts")


@given(mutated(CSV))
def test_damaged_csv(folder: Path, content: bytes) -> None:
    tried(folder, content, ".csv")


@given(mutated(NPZ))
def test_damaged_npz(folder: Path, content: bytes) -> None:
    tried(folder, content, ".npz")


@given(mutated(PARQUET))
def test_damaged_parquet(folder: Path, content: bytes) -> None:
    tried(folder, content, ".parquet")


@given(mutated(TS))
def test_damaged_ts(folder: Path, content: bytes) -> None:
    tried(folder, content, ".ts")


CELLS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.sampled_from(["", "NaN", "inf", "-inf", "null", "1e999", "0x10", "1,5", '"', '""', "\x00", "\x1b[2J", "<b>"]),
    st.text(max_size=8),
)  # fmt: skip
NAMES = st.one_of(st.sampled_from(["sample", "time", "label", "split", "x", "", "x", "Sample"]), st.text(max_size=6))


@given(st.lists(NAMES, max_size=7), st.lists(st.lists(CELLS, max_size=8), max_size=30), st.sampled_from(",;\t|"))
def test_tables_of_anything(folder: Path, names: list[str], rows: list[list[str]], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in (names, *rows))
    tried(folder, text.encode("utf-8", "surrogatepass"), ".csv")


COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-3, 30)), min_size=20, max_size=20),
    st.lists(st.one_of(st.none(), st.floats()), min_size=20, max_size=20),
    st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=20, max_size=20),
    st.lists(st.booleans(), min_size=20, max_size=20),
    st.lists(st.datetimes(), min_size=20, max_size=20),
    st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=20, max_size=20),
)


@given(st.dictionaries(st.sampled_from(["sample", "time", "label", "split", "x", "z"]), COLUMNS, max_size=6))
def test_parquet_of_any_types(folder: Path, columns: dict[str, list[Any]]) -> None:
    try:
        content = as_parquet(pd.DataFrame(columns))
    except (OverflowError, ValueError):
        return  # not a file that pandas can write
    tried(folder, content, ".parquet")


ARRAYS = st.one_of(
    st.builds(
        np.zeros, st.lists(st.integers(0, 6), max_size=4), st.sampled_from(["f8", "i4", "u1", "c8", "?", "S3", "U2"])
    ),
    st.lists(st.floats(), min_size=1, max_size=40).map(np.array),
    st.just(np.array([{"a": 1}, None], dtype=object)),
    st.just(np.zeros(3, [("a", "i4")])),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["X", "y", "X_test", "y_test", "x", "../evil"]), ARRAYS, max_size=4))
def test_npz_of_any_arrays(folder: Path, arrays: dict[str, Any]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=True)
    tried(folder, file.getvalue(), ".npz")


@given(st.lists(st.integers(0, 2**62), max_size=5), st.sampled_from(["<f8", "|O", "<f4", "|V8", "<U9"]), st.booleans())
def test_npz_whose_headers_promise_anything(folder: Path, shape: list[int], dtype: str, is_zeros: bool) -> None:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    # A bomb: 100 MiB of zeros in a few kilobytes.
    content += bytes(100 << 20) if is_zeros and not shape else b"x" * 64
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", content)
        archive.writestr("y.npy", content)
    tried(folder, file.getvalue(), ".npz")


HEADER = st.sampled_from(
    [
        "@problemName Toy", "@timeStamps false", "@timeStamps true", "@missing true", "@univariate true",
        "@univariate false", "@dimensions 2", "@dimensions -1", "@dimensions x", "@dimensions 99999999999",
        "@equalLength true", "@equalLength false", "@seriesLength 4", "@seriesLength 99999999999",
        "@classLabel true a b", "@classLabel false", "@classLabel true", "@targetLabel true", "@data", "@data @data",
        "@nonsense", "#comment", "", "@classLabel true " + "c" * 300,
    ]
)  # fmt: skip
LINES = st.one_of(
    st.sampled_from(["1,2,3,4:4,3,2,1:a", "1,2:3:b", ":::", "a", "?,1:?,2:a", "1,2,3:c", "(1,2),(2,3):a", "NaN:NaN:a"]),
    st.lists(CELLS, max_size=6).map(",".join),
    st.text(max_size=20),
)


@given(st.lists(HEADER, max_size=10), st.lists(LINES, max_size=12))
def test_ts_of_anything(folder: Path, header: list[str], lines: list[str]) -> None:
    tried(folder, "\n".join([*header, "@data", *lines]).encode("utf-8", "surrogatepass"), ".ts")


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", lambda: ("sample,time,label," + ",".join(f"c{n}" for n in range(10**6)) + "\n").encode()),
        (".csv", lambda: b"sample,time,label,x\n" + b"1," * 10**6),
        (".csv", lambda: b'sample,time,label,x\n1,1,a,"' + b"x" * 10**7),
        (".ts", lambda: TS.split(b"@data")[0] + b"@data\n" + b"1," * 10**6 + b"1:1:a\n"),
        (".ts", lambda: b"@classLabel true " + b"c " * 10**6 + b"\n@data\n1:a\n"),
        (".ts", lambda: TS.replace(b"2\n@equal", b"2\n@equal") + b"1:" * 10**6 + b"a\n"),
    ],
    ids=["columns", "cells", "open quote", "values", "classes", "dimensions"],
)
def test_a_million_of_something(folder: Path, suffix: str, content: Any) -> None:
    assert not tried(folder, content(), suffix)
