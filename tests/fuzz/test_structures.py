"""HDF5 and `.mat` of any structure, and damaged ones: read alike by all who read, or refused by name."""

import io
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from tests.fuzz.bounds import few, read_alike
from tests.fuzz.mutations import mutated

NUMBERS = itertools.count()
NAMES = st.one_of(
    st.sampled_from(
        [
            "X",
            "y",
            "x",
            "data",
            "labels",
            "label",
            "images",
            "X_train",
            "y_train",
            "X_test",
            "y_test",
            "train",
            "test",
            "groups",
            "a b",
            "a,b=c",
            "\u00e9",
            "e\u0301",
            "x" * 40,
            "#refs#",
            "values",
        ]
    ),
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=5),
)
SERIES = np.arange(12 * 7 * 3.0).reshape(12, 7, 3) % 11
Y = np.arange(12) % 2


def cells(values: list[Any]) -> Any:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


ARRAYS = st.one_of(
    st.sampled_from(
        [
            SERIES,
            SERIES.transpose(0, 2, 1),
            SERIES.T,
            Y,
            Y[:, None],
            Y[None],
            Y + 0.5,
            SERIES[:, :, 0],
            SERIES[:0],
            np.zeros((12, 0)),
            np.float64(3),
            SERIES.astype("f2"),
            SERIES.astype(">f8"),
            SERIES.astype("c16"),
            SERIES > 5,
            np.array([b"a", b"bb"] * 6),
            np.full((12, 7, 3), np.nan),
            np.where(SERIES > 9, np.inf, SERIES),
            np.zeros((12, 8, 8), np.uint8),
            np.zeros((2, 3, 4, 5, 6)),
        ]
    ),
    st.builds(np.zeros, st.lists(st.integers(0, 6), max_size=5), st.sampled_from(["f8", "i4", "u1", "?", "S3"])),
)
OF_MATLAB = st.one_of(
    ARRAYS,
    st.sampled_from(
        [cells(["a", "b"] * 6), cells([SERIES[n, : 2 + n % 5] for n in range(12)]), cells([{}, None]), "text"]
    ),
    st.dictionaries(st.sampled_from(["data", "label", "fs"]), ARRAYS, min_size=1, max_size=3),
)
TREES = st.recursive(
    ARRAYS, lambda inner: st.dictionaries(NAMES, st.one_of(inner, st.just("odd")), max_size=4), max_leaves=8
)
ODD = [
    "soft link",
    "dangling link",
    "external link",
    "text",
    "names",
    "compound",
    "reference",
    "empty",
    "chunks",
    "circle",
]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def put(group: Any, tree: Any, odd: Iterator[str]) -> None:
    """Write what was drawn below an HDF5 group."""
    for name, one in tree.items():
        if isinstance(one, dict):
            put(group.create_group(name), one, odd)
        elif isinstance(one, str):
            put_odd(group, name, next(odd))
        elif isinstance(one, np.ndarray) and one.dtype.kind == "U":
            group[name] = one.astype("S")
        else:
            group[name] = one


def put_odd(group: Any, name: str, what: str) -> None:
    if what == "soft link":
        group[name] = h5py.SoftLink("/X")
    elif what == "dangling link":
        group[name] = h5py.SoftLink("/nowhere")
    elif what == "external link":
        group[name] = h5py.ExternalLink("secret.h5", "/X")
    elif what == "text":
        group[name] = "words"
    elif what == "names":
        group.create_dataset(name, data=["a", "b"] * 6, dtype=h5py.string_dtype())
    elif what == "compound":
        group[name] = np.zeros(12, [("a", "i4"), ("b", "f8")])
    elif what == "reference":
        group.create_dataset(name, data=[group.ref] * 12, dtype=h5py.ref_dtype)
    elif what == "empty":
        group[name] = h5py.Empty("f8")
    elif what == "chunks":
        group.create_dataset(name, (12, 2**40), "f4", chunks=(1, 1024), fillvalue=1)
    else:
        group[name] = h5py.SoftLink(".")


@pytest.mark.parametrize("suffix", [".h5", ".mat"])
@few
@given(
    st.dictionaries(NAMES, TREES, max_size=5),
    st.lists(st.sampled_from(ODD), min_size=1),
    st.sampled_from(["", "X", "s"]),
)
def test_hdf5_of_any_structure(folder: Path, suffix: str, tree: dict[str, Any], odd: list[str], usual: str) -> None:
    """Beside what is usual: arrays of all series, or a dataset for each, or nothing."""
    if not (folder / "secret.h5").exists():
        with h5py.File(folder / "secret.h5", "w") as file:
            file["X"] = np.full((12, 7, 3), 77.0)
    path = folder / f"n{next(NUMBERS)}{suffix}"
    with h5py.File(path, "w") as file:
        if usual == "X":
            file["X"], file["y"] = SERIES, Y
        for number in range(12 if usual == "s" else 0):
            file[f"s{number}"] = SERIES[number, : 3 + number % 5]
            file[f"s{number}"].attrs["label"] = "ab"[number % 2]
        put(file, {name: one for name, one in tree.items() if name not in file}, itertools.cycle(odd))
    read_alike(path, folder / "cache")
    path.unlink()


@few
@given(st.dictionaries(NAMES.filter(lambda name: name[0] not in "_#"), OF_MATLAB, max_size=5), st.booleans())
def test_mat_of_any_structure(folder: Path, tree: dict[str, Any], is_whole: bool) -> None:
    file = io.BytesIO()
    try:
        savemat(file, {**tree, **({"X": SERIES, "y": Y} if is_whole else {})}, long_field_names=True)
    except Exception:
        return  # not a file that scipy can write
    path = folder / f"n{next(NUMBERS)}.mat"
    path.write_bytes(file.getvalue())
    read_alike(path, folder / "cache")
    path.unlink()


def whole(suffix: str) -> bytes:
    file = io.BytesIO()
    if suffix == ".mat":
        savemat(file, {"X": cells([SERIES[n, : 2 + n % 5] for n in range(12)]), "y": cells(["a", "b"] * 6)})
    else:
        with h5py.File(file, "w") as written:
            written.create_dataset("X", data=SERIES, chunks=(2, 7, 3), compression="gzip")
            written["y"] = Y
    return file.getvalue()


WHOLE = {suffix: whole(suffix) for suffix in (".mat", ".h5")}


@pytest.mark.parametrize("suffix", [".mat", ".h5"])
@few
@given(data=st.data())
def test_damaged_structures(folder: Path, suffix: str, data: st.DataObject) -> None:
    path = folder / f"n{next(NUMBERS)}{suffix}"
    path.write_bytes(data.draw(mutated(WHOLE[suffix])))
    read_alike(path, folder / "cache")
    path.unlink()


@pytest.mark.parametrize("suffix", [".mat", ".h5"])
def test_they_are_read_when_nothing_is_changed(folder: Path, suffix: str) -> None:
    path = folder / f"whole{suffix}"
    path.write_bytes(WHOLE[suffix])
    assert read_alike(path, folder / "cache")
