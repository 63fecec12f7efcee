"""Sequences in `.npz` files, whole and hostile ones."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy_format

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6, 3))
Y = np.arange(40) % 2


def prepared(path: Path, **arrays: Any) -> Dataset:
    np.savez(path, **arrays)
    return read(path)


def read(path: Path) -> Dataset:
    spec = DataSpec(source=str(path))
    return load_prepared(prepare(spec, fetch(spec, cache=path.parent), cache=path.parent))


def test_series_without_a_test_split_get_one(tmp_path: Path) -> None:
    data = prepared(tmp_path / "toy.npz", X=X, y=Y)
    np.testing.assert_array_equal(data.features, X.astype(np.float32))
    np.testing.assert_array_equal(data.labels, Y)
    assert (data.name, data.class_names, len(data.test)) == ("toy", ("0", "1"), 10)


def test_the_file_s_own_test_split_is_kept(tmp_path: Path) -> None:
    data = prepared(tmp_path / "toy.npz", X=X, y=Y, X_test=X[:6] + 1, y_test=Y[:6])
    np.testing.assert_array_equal(data.features[data.test], (X[:6] + 1).astype(np.float32))


def test_two_dimensions_mean_one_channel_and_integers_become_floats(tmp_path: Path) -> None:
    data = prepared(tmp_path / "toy.npz", X=np.arange(200, dtype=np.int16).reshape(40, 5), y=Y)
    assert (data.features.shape, data.features.dtype) == ((40, 5, 1), np.float32)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["walk", "run"] * 20), ("run", "walk")),
        (np.array([b"walk", b"run"] * 20), ("run", "walk")),
        (np.array([1.0, -1.0] * 20), ("-1", "1")),
        (np.array([10, 9] * 20), ("9", "10")),
        (np.array([True, False] * 20), ("False", "True")),
    ],
)
def test_labels_of_any_plain_type_become_class_names(labels: Any, names: tuple[str, ...], tmp_path: Path) -> None:
    assert prepared(tmp_path / "toy.npz", X=X, y=labels).class_names == names


def test_not_finite_values_are_counted_and_the_first_is_placed(tmp_path: Path) -> None:
    broken = X.copy()
    broken[3, 2, 1], broken[7, 0, 0] = np.nan, np.inf
    with pytest.raises(DataError, match=r"X: 2 of 720 values are missing .* nan at series 3, step 2, channel 1"):
        prepared(tmp_path / "toy.npz", X=broken, y=Y)


def test_values_beyond_float32_are_refused(tmp_path: Path) -> None:
    large = X.copy()
    large[5, 1, 2] = 1e39
    with pytest.raises(DataError, match=r"inf at series 5, step 1, channel 2 .* beyond 3.4e38"):
        prepared(tmp_path / "toy.npz", X=large, y=Y)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"Xs": X, "y": Y}, r"the array 'X' is missing; the file has \['Xs', 'y'\]\. Did you mean 'Xs'\?"),
        ({"X": X}, r"the array 'y' is missing"),
        ({"X": X, "y": Y, "X_test": X}, "X_test and y_test belong together"),
        ({"X": X[0, 0], "y": Y}, r"X has shape \(3,\)"),
        ({"X": X[:0], "y": Y[:0]}, r"X has shape \(0, 6, 3\)"),
        ({"X": X, "y": Y[:39]}, "X has 40 series, but y has 39 labels"),
        ({"X": X, "y": np.eye(40)}, r"y has shape \(40, 40\); one label per series"),
        ({"X": X, "y": Y + 0.5}, "label 0.5 is not a whole number"),
        ({"X": X, "y": Y, "X_test": X[:, :4], "y_test": Y}, r"X are \(6, 3\) .* X_test are \(4, 3\)"),
        ({"X": X.astype(complex), "y": Y}, "X has type complex128; numbers are needed"),
        ({"X": np.array([X[0], X[1, :3]], dtype=object), "y": Y}, "X holds Python objects, which are not unpickled"),
        ({"X": X, "y": np.zeros(40, int)}, r"only one class \('0'\) was found"),
        ({"X": X, "y": np.array(["a", "\ud800"] * 20)}, r"class '\\ud800' holds half of a character"),
        ({"X": X[:, :1], "y": Y}, "40 series have fewer than 2 time steps, the first is series 0 .* with 1"),
        ({"X": X[:4], "y": np.array([0, 0, 0, 1])}, "class '1' has only 1 of the 3 examples needed"),
    ],
)
def test_faults_are_named(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        prepared(tmp_path / "toy.npz", **arrays)


def test_several_faults_come_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"X: 1 of .*X_test has shape \(2,\).*y_test has 40 labels"):
        prepared(tmp_path / "toy.npz", X=np.full((40, 1), np.nan)[:1], y=Y[:1], X_test=np.zeros(2), y_test=Y)


def _write_member(path: Path, shape: tuple[int, ...], data: bytes) -> None:
    """A file whose X claims `shape`, but holds `data`."""
    header, labels = io.BytesIO(), io.BytesIO()
    npy_format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    np.save(labels, Y)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", header.getvalue() + data)
        archive.writestr("y.npy", labels.getvalue())


def test_an_array_larger_than_memory_is_refused_by_its_header(tmp_path: Path) -> None:
    _write_member(tmp_path / "bomb.npz", (40, 10**6, 1000), b"\0" * 1000)
    with pytest.raises(DataError, match=r"X \(40, 1000000, 1000\) needs 298\.0 GiB; the limit is 4 GiB"):
        read(tmp_path / "bomb.npz")


def test_a_member_that_holds_more_than_its_header_says_is_refused(tmp_path: Path) -> None:
    _write_member(tmp_path / "bomb.npz", (40, 6, 3), b"\0" * 10**7)
    with pytest.raises(DataError, match="X should hold 5,760 bytes by its header, but holds 10,000,000"):
        read(tmp_path / "bomb.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 50])
def test_a_file_that_is_no_npz_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "toy.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"toy\.npz: not a whole `\.npz` file .* numpy\.savez"):
        read(tmp_path / "toy.npz")


def test_damage_anywhere_ends_in_a_message_or_does_no_harm(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "whole.npz", X=X, y=Y)
    whole = (tmp_path / "whole.npz").read_bytes()
    refused = 0
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "toy.npz").write_bytes(damaged)
        try:
            np.testing.assert_array_equal(read(tmp_path / "toy.npz").features, X.astype(np.float32))
        except DataError:
            refused += 1
    assert refused > 40


def _as_npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("names", [("X", "X.npy"), ("X.npy", "X"), ("X.npy", "X.npy"), ("y", "y.npy"), ("z", "z.npy")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_that_are_one_array_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    key = names[0].removesuffix(".npy")
    path = tmp_path / "two.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for other, array in (("X", X), ("y", Y)):
            if other != key:
                archive.writestr(f"{other}.npy", _as_npy(array))
        for name in names:
            archive.writestr(name, _as_npy({"X": X, "y": Y, "z": Y}[key]))
    with pytest.raises(DataError, match=f"two.npz: '{names[0]}' and '{names[1]}' are both the array '{key}'; keep one"):
        read(path)
    with pytest.raises(DataError, match="are both the array"):
        list(read_examples(path, Wanted("sequences", (6, 3))))


def test_an_array_without_the_suffix_is_read_and_labelled_as_well(tmp_path: Path) -> None:
    path = tmp_path / "plain.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in (("X", X), ("y", Y)):
            archive.writestr(name, _as_npy(array))
    np.testing.assert_array_equal(read(path).features, X.astype(np.float32))
    assert find_source(str(path)).is_labelled(DataSpec(source=str(path)))


@pytest.mark.parametrize("key", ["y", "groups"])
def test_names_that_are_no_text_do_not_become_one(key: str, tmp_path: Path) -> None:
    names = np.array([b"caf\xe9", b"caf\xe8"] * 20)
    with pytest.raises(DataError, match=rf"{key}: b'caf.xe9' is not UTF-8; write names as text"):
        prepared(tmp_path / "latin.npz", **({"X": X, "y": Y} | {key: names}))


def test_one_example_of_any_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """As 24 GB of zeros in a file of some MB would be: here 200 MB, in 200 KB."""
    header = io.BytesIO()
    npy_format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1, 25_000_000, 1)})
    path = tmp_path / "one.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", header.getvalue() + bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="examples are 25000000 x 1, but the model takes 6 x 3"):
            list(read_examples(path, Wanted("sequences", (6, 3))))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
