"""Structs of `.mat` files: fields by their paths, an element a series, channels side by side; as loadmat has them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read

N, T = 12, 20
X = np.random.default_rng(0).normal(size=(N, T, 2)).round(3)
Y = np.arange(N) % 2
NAMES = ["sit" if one else "walk" for one in Y]
LENGTHS = [12 + row % 8 for row in range(N)]


def cells(values: Any) -> Any:
    found = np.empty(N, object)
    for row in range(N):
        found[row] = values[row]
    return found


def elements(**fields: Any) -> Any:
    found = np.empty(N, dtype=[(name, object) for name in fields])
    for row in range(N):
        found[row] = tuple(values[row] for values in fields.values())
    return found


UNEQUAL = [X[row, : LENGTHS[row]] for row in range(N)]
FILES: dict[str, Any] = {
    "struct": {"data": {"X": X, "y": Y}, "fs": 50.0},
    "struct of cells": {"data": {"X": cells(UNEQUAL), "labels": cells(NAMES)}},
    "struct array": {"rec": elements(signal=UNEQUAL, label=NAMES, subject=[f"p{row % 3}" for row in range(N)])},
    "struct array of channels": {
        "rec": elements(
            time=[np.arange(T) * 0.02] * N,
            x=X[:, :, 0],
            y=X[:, :, 1],
            label=Y,
            subject=[f"p{row % 3}" for row in range(N)],
        )
    },
    "nested": {"ds": {"train": {"X": X[:8], "y": Y[:8]}, "test": {"X": X[8:], "y": Y[8:]}}},
}


@pytest.mark.parametrize("form", FILES)
def test_structs_are_found_out_and_remembered(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, FILES[form])
    raw = read(path)
    unequal = form in ("struct of cells", "struct array")
    for row, example in enumerate(raw.features):
        wanted = UNEQUAL[row] if unequal else X[row]
        np.testing.assert_array_equal(example[: len(wanted)], wanted.astype(np.float32))
    assert classes(raw) == (NAMES if unequal else [str(one) for one in Y])
    assert (raw.test is not None) == (form == "nested")
    assert raw.group_names == (("p0", "p1", "p2") if form.startswith("struct array") else ())
    # By the names that were found, and without the labels.
    again = read(path, arrays=str(raw.found_out["arrays"]))
    np.testing.assert_array_equal(again.features, raw.features)
    spec = DataSpec(source=str(path))
    source = find_source(str(path))
    assert source.is_labelled(spec)
    assert source.unlabelled is not None
    steps = raw.features.shape[1]
    [block] = source.unlabelled(spec, Wanted("sequences", (steps, 2), unequal_lengths=unequal))
    np.testing.assert_array_equal(np.nan_to_num(block.examples), raw.features[: 8 if form == "nested" else N])


def test_structs_of_version_7_3_are_the_same(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        struct = file.create_group("data")
        struct.create_dataset("X", data=X.T)
        struct.create_dataset("y", data=Y[None].astype(float))
    raw = read(tmp_path / "a.mat")
    np.testing.assert_array_equal(raw.features, X.astype(np.float32))
    assert raw.found_out["arrays"] == "X=data.X,y=data.y"
    np.testing.assert_array_equal(read(tmp_path / "a.mat", arrays="X=data/X,y=data/y").features, raw.features)
    with h5py.File(tmp_path / "b.mat", "w") as file:
        boxes, struct = file.create_group("#refs#"), file.create_group("rec")
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, values in {"signal": UNEQUAL, "label": Y[:, None].astype(float)}.items():
            references = np.empty((N, 1), dtype=h5py.ref_dtype)
            for row in range(N):
                references[row, 0] = boxes.create_dataset(f"{field}{row}", data=values[row].T).ref
            struct.create_dataset(field, data=references, dtype=h5py.ref_dtype)
    raw = read(tmp_path / "b.mat")
    for row, example in enumerate(raw.features):
        np.testing.assert_array_equal(example[: LENGTHS[row]], UNEQUAL[row].astype(np.float32))
    assert classes(raw) == [str(one) for one in Y]


def test_channels_of_several_arrays_are_put_side_by_side_by_name(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"acc": X[:, :, 0], "gyr": X[:, :, 1], "label": Y})
    raw = read(tmp_path / "a.mat", arrays="X=acc + gyr,y=label")
    np.testing.assert_array_equal(raw.features, X.astype(np.float32))
    savemat(tmp_path / "b.mat", {"acc": X[:, :, 0], "gyr": X[:, :9, 1], "label": Y})
    with pytest.raises(DataError, match=r"acc \(12, 20\), gyr \(12, 9\); arrays that are put side by side are"):
        read(tmp_path / "b.mat", arrays="X=acc+gyr,y=label")
    with pytest.raises(DataError, match=r"there is no array 'acc\+nope'; there are acc, gyr, label"):
        read(tmp_path / "b.mat", arrays="X=acc+nope,y=label")
    savemat(tmp_path / "c.mat", {"rec": elements(x=X[:, :, 0], z=X[:, :9, 1], label=Y)})
    with pytest.raises(DataError, match=r"element 1 has rec.x \(20, 1\), rec.z \(9, 1\); channels have the same steps"):
        read(tmp_path / "c.mat")


def test_several_structs_are_asked_for(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"walk": {"X": X, "y": Y}, "run": {"X": X, "y": Y}})
    with pytest.raises(
        DataError, match=r"it has the arrays walk.X .*run.y .*Say which are series and labels: `--arrays"
    ):
        read(tmp_path / "a.mat")
    assert len(read(tmp_path / "a.mat", arrays="X=run.X,y=run.y").labels) == N
