"""`.mat` of every version and HDF5: names, axes, cells; scipy and h5py write what is read."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import FormOptions
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read, series

X = series(10, 7, 3)
Y = np.arange(10) % 2
LABELS = ["01"[code] for code in Y]


def write(path: Path, **arrays: Any) -> Path:
    if path.suffix == ".mat":
        savemat(path, arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


@pytest.mark.parametrize("suffix", [".mat", ".h5", ".hdf5"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0)])
def test_names_and_axes_are_found_out_and_said(suffix: str, axes: tuple[int, ...], tmp_path: Path) -> None:
    raw = read(write(tmp_path / f"a{suffix}", data=X.transpose(axes), labels=Y))
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == LABELS
    assert "`--axes NTC` or `NCT` decides" in raw.notes[0]


def test_what_cannot_be_found_out_is_named(tmp_path: Path) -> None:
    wide = series(10, 3, 7)
    path = write(tmp_path / "a.h5", **{"rec/sig": wide, "rec/what": Y, "who": np.repeat([1, 2], 5)})
    with pytest.raises(DataError, match=r"it has the arrays rec/sig float32 \(10, 3, 7\), .*`--arrays X=NAME,y=NAME`"):
        read(path)
    asked = {"arrays": "X=rec/sig, y=rec/what, groups=who"}
    raw = read(path, **asked, axes="NTC")
    np.testing.assert_array_equal(raw.features, wide)
    assert raw.group_names == ("1", "2")
    assert read(path, **asked).features.shape == (10, 7, 3), "more steps than channels, where nobody says it"
    with pytest.raises(DataError, match=r"no array 'rec/sgi'.*Did you mean 'rec/sig'"):
        read(path, arrays="X=rec/sgi,y=rec/what")
    with pytest.raises(SpecError, match=r"`arrays` has 'Z=a'; `ROLE=NAME` is needed"):
        read(path, arrays="Z=a")


def test_parts_of_a_split_are_arrays_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", X_train=X, y_train=Y, X_val=X[:3], y_val=Y[:3], X_test=X[:4], y_test=Y[:4])
    raw = read(path)
    assert raw.test is not None
    assert raw.validation is not None
    assert (len(raw.labels), int(raw.validation.sum()), int(raw.test.sum())) == (17, 3, 4)
    [block] = read_examples(path, Wanted("sequences", (7, 3)))
    np.testing.assert_array_equal(block.examples, X)


def test_cells_of_matlab_are_series_of_unequal_length_with_names_of_classes(tmp_path: Path) -> None:
    cells, names = np.empty(10, dtype=object), np.empty(10, dtype=object)
    for row in range(10):
        cells[row], names[row] = X[row, : 4 + row % 3].astype(float), ["walk", "run"][row % 2]
    raw = read(write(tmp_path / "a.mat", data=cells, labels=names))
    assert raw.class_names == ("run", "walk")
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [4 + row % 3 for row in range(10)]
    np.testing.assert_array_equal(raw.features[4, :5], X[4, :5])


@needs_shared
def test_pictures_in_hdf5_do_no_harm() -> None:
    raw = read(SHARED / "data" / "images" / "usps" / "usps.h5", pair=False)
    assert len(raw.labels) == 7291 + 2007


@pytest.mark.parametrize("suffix", [".mat", ".h5"])
def test_what_is_wrong_is_said(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    for arrays, message in (
        ({"X": X, "y": Y[:9]}, r"there are 9 labels: no axis is as long"),
        ({"X": X, "y": np.eye(2)[Y]}, r"shape \(10, 2\); one label a series .*y\.argmax\(axis=1\)"),
        ({"X": X, "y": Y + 0.5}, r"label 0\.5 is not a whole number"),
        ({"X": X}, r"'X' has no labels beside it.*`--arrays X=NAME,y=NAME`"),
        ({"X": X[..., None], "y": Y}, r"'X' is float32 \(10, 7, 3, 1\); numbers \(series, steps\)"),
    ):
        with pytest.raises(DataError, match=message):
            read(write(path, **arrays))
    path.write_bytes(b"no such file" * 20)
    with pytest.raises(DataError, match=r"not a whole .* file"):
        read(path)


def test_a_model_reads_arrays_without_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", signal=X.transpose(0, 2, 1))
    [block] = read_examples(path, Wanted("sequences", (7, 3)), form=FormOptions(axes="NCT"))
    np.testing.assert_array_equal(block.examples, X)


def test_labels_of_hdf5_are_texts_of_any_length_and_enumerations_by_name(tmp_path: Path) -> None:
    words = np.array(["walk", "at rest"], dtype=object)[Y]
    with h5py.File(tmp_path / "texts.h5", "w") as file:
        file["X"] = X
        file.create_dataset("y", data=words, dtype=h5py.string_dtype())
    with h5py.File(tmp_path / "enum.h5", "w") as file:
        file["X"] = X
        file.create_dataset("y", data=Y, dtype=h5py.enum_dtype({"walk": 0, "at rest": 1}, basetype="i"))
    for name in ("texts", "enum"):
        assert classes(read(tmp_path / f"{name}.h5")) == words.tolist()


def test_numbers_that_are_in_other_files_are_not_read(tmp_path: Path) -> None:
    """No digest of this file would know them; and the file might be anybody's."""
    (tmp_path / "secret").write_bytes(X.tobytes())
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        outside = [(str(tmp_path / "secret"), 0, X.nbytes)]
        file.create_dataset("X", shape=X.shape, dtype=X.dtype, external=outside)
        file["y"] = Y
    write(tmp_path / "other.h5", X=X)
    layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "X", shape=X.shape)
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
        file["y"] = Y
    for name in ("outside", "virtual"):
        with pytest.raises(DataError, match=r"'X' has its numbers in other files\. Write them into this one\."):
            read(tmp_path / f"{name}.h5")


def test_references_to_arrays_are_no_labels(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X"] = X
        file.create_dataset("y", data=[file["X"].ref] * 10, dtype=h5py.ref_dtype)
    with pytest.raises(DataError, match=r"'y': a cell holds float32 .*; one number or text is needed"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("axes", ["NTC", "NCT"])
def test_cells_have_their_channels_along_the_axis_that_is_as_long_in_all(axes: str, tmp_path: Path) -> None:
    """Also where one has fewer steps than channels: it alone was turned round."""
    whole = [np.arange(3.0 * steps).reshape(steps, 3) + steps for steps in (2, 5, 3, 7, 4, 2)]
    cells = np.empty(6, dtype=object)
    cells[:] = [one.T if axes == "NCT" else one for one in whole]
    raw = read(write(tmp_path / "a.mat", X=cells, y=Y[:6]))
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [2, 5, 3, 7, 4, 2]
    for got, one in zip(raw.features, whole, strict=True):
        np.testing.assert_array_equal(got[: len(one)], one)


def test_cells_of_other_channels_or_axes_are_refused(tmp_path: Path) -> None:
    cells = np.empty(6, dtype=object)
    cells[:] = [np.zeros((4 + k % 2, 2 + k % 3)) for k in range(6)]
    with pytest.raises(DataError, match=r"cells of 'X' have 2, 3, 4 channels; as many in each are needed"):
        read(write(tmp_path / "a.mat", X=cells, y=Y[:6]))
    cells[:] = [np.zeros((4, 2)) if k else np.zeros((4, 2, 3)) for k in range(6)]
    with pytest.raises(DataError, match=r"cells of 'X' have the shapes \(4, 2\), \(4, 2, 3\); \(steps, channels\)"):
        read(write(tmp_path / "a.mat", X=cells, y=Y[:6]))


def test_a_model_finds_the_series_where_training_found_them(tmp_path: Path) -> None:
    """MATLAB has them along the last axis: labels, which it does not look at, say how many there are."""
    path = write(tmp_path / "a.mat", X=X.transpose(1, 2, 0), y=Y)
    raw = read(path)
    [block] = read_examples(path, Wanted("sequences", raw.features.shape[1:]))
    np.testing.assert_array_equal(block.examples, raw.features)


def test_an_array_without_anything_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", X=X, y=Y, images=h5py.Empty("u1"))
    np.testing.assert_array_equal(read(path).features, X)


def test_references_to_groups_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", X=X)
    with h5py.File(path, "a") as file:
        file.create_dataset("y", data=[file.ref] * 10, dtype=h5py.ref_dtype)
    with pytest.raises(DataError, match=r"a\.h5: 'y' cannot be read \(it refers to groups\)\. Write it again"):
        read(path)
