"""Generated series, written in the forms that people have: the same to training, check, predict and drift.

What is read is held against the arrays that were written, never against another reader.
"""

import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat, wavfile

from hw3models.checking import check_data
from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.preparation import read_raw
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.drift.reading import read_new
from hw3models.specs import DataSpec, FormOptions
from tests.tiny import manifest_of

NUMBERS = itertools.count()
CHANNELS = ("a", "b", "c")
WORDS = [("sit", "walk"), ("Sit", "sit"), ("0", "1"), ("01", "1"), ("NA", "b"), ("a b", "a")]


@dataclass(frozen=True)
class Series:
    """What is written."""

    values: Any
    """(N, T, C) float32."""
    labels: list[str]
    ids: list[str]
    """In the order of texts."""


@st.composite
def written(draw: st.DrawFn) -> Series:
    num, steps, channels = draw(st.integers(8, 12)), draw(st.integers(2, 7)), draw(st.integers(1, 3))
    words = draw(st.sampled_from(WORDS))
    values = np.random.default_rng(draw(st.integers(0, 2**16))).normal(size=(num, steps, channels))
    labels = [words[row % 2] for row in range(num)]
    # Two names for each number, which differ in case only.
    ids = sorted(("A" if row % 2 else "a") + f"{row // 2:03d}" for row in range(num))
    return Series(values.astype(np.float32), labels, ids)


def flat(one: Any) -> Any:
    return one[:, 0] if one.shape[1] == 1 else one


def frame(one: Any) -> pd.DataFrame:
    return pd.DataFrame(one.astype(np.float64), columns=list(CHANNELS[: one.shape[1]]))


def lvm(path: Path, one: Any) -> None:
    head = "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\n\t\nChannels\t1\n***End_of_Header***\t\n"
    rows = ["\t".join(["", *map(repr, map(float, row)), ""]) for row in one]
    path.write_text("\n".join([head + "\t".join(["X_Value", *CHANNELS[: one.shape[1]], "Comment"]), *rows]))


def h5_file(path: Path, one: Any) -> None:
    with h5py.File(path, "w") as file:
        file["signal"] = flat(one)


FILES: dict[str, Callable[[Path, Any], Any]] = {
    ".npy": lambda path, one: np.save(path, flat(one)),
    ".npz": lambda path, one: np.savez(path, series=flat(one)),
    ".mat": lambda path, one: savemat(path, {"val": flat(one)}),
    ".h5": h5_file,
    ".wav": lambda path, one: wavfile.write(path, 100, flat(one)),
    ".parquet": lambda path, one: frame(one).to_parquet(path, index=False),
    ".psv": lambda path, one: frame(one).to_csv(path, sep="|", index=False),
    ".lvm": lvm,
}


def files(suffix: str) -> Callable[[Path, Series, bool], Path]:
    def write(folder: Path, data: Series, labelled: bool) -> Path:
        for id, one in zip(data.ids, data.values, strict=True):
            FILES[suffix](folder / f"{id}{suffix}", one)
        if labelled:
            pd.DataFrame({"file": data.ids, "label": data.labels})[::-1].to_csv(folder / "labels.csv", index=False)
        return folder

    return write


def channels(suffix: str) -> Callable[[Path, Series, bool], Path]:
    def write(folder: Path, data: Series, labelled: bool) -> Path:
        for channel in range(data.values.shape[2]):
            values = data.values[:, :, channel]
            path = folder / f"{CHANNELS[channel]}{suffix}"
            np.save(path, values) if suffix == ".npy" else np.savetxt(path, values.astype(np.float64), fmt="%.17g")
        if labelled and suffix == ".npy":
            np.save(folder / "y.npy", np.array(data.labels))
        elif labelled:
            (folder / "y.txt").write_text("\n".join(data.labels) + "\n")
        return folder

    return write


def one_array(folder: Path, data: Series, labelled: bool) -> Path:
    np.save(folder / "X.npy", data.values)
    if labelled:
        np.save(folder / "y.npy", np.array(data.labels))
    return folder / "X.npy"


def long(suffix: str) -> Callable[[Path, Series, bool], Path]:
    def write(folder: Path, data: Series, labelled: bool) -> Path:
        steps = data.values.shape[1]
        tables = [frame(one).assign(id=id, time=range(steps)) for id, one in zip(data.ids, data.values, strict=True)]
        table, path = pd.concat(tables), folder / f"data{suffix}"
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path, index=False)
        if labelled:
            pd.DataFrame({"id": data.ids, "label": data.labels})[::-1].to_csv(folder / "labels.csv", index=False)
        return path

    return write


def h5_groups(folder: Path, data: Series, labelled: bool) -> Path:
    with h5py.File(folder / "data.h5", "w") as file:
        for id, one, label in zip(data.ids, data.values, data.labels, strict=True):
            file[f"{id}/data"] = flat(one)
            if labelled:
                file[id].attrs["label"] = label
    return folder / "data.h5"


def records(lines: bool, by_channel: bool) -> Callable[[Path, Series, bool], Path]:
    def write(folder: Path, data: Series, labelled: bool) -> Path:
        rows = []
        for id, one, label in zip(data.ids, data.values.astype(np.float64), data.labels, strict=True):
            own = {name: one[:, at].tolist() for at, name in enumerate(CHANNELS[: one.shape[1]])}
            values = own if by_channel else {"values": flat(one).tolist()}
            rows.append({"id": id, **({"label": label} if labelled else {}), **values})
        path = folder / ("data.jsonl" if lines else "data.json")
        path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
        return path

    return write


FORMS: dict[str, Callable[[Path, Series, bool], Path]] = {
    **{f"folder of {suffix}": files(suffix) for suffix in FILES},
    "channels .txt": channels(".txt"),
    "channels .npy": channels(".npy"),
    "X.npy and y.npy": one_array,
    "labels.csv beside .csv": long(".csv"),
    "labels.csv beside .parquet": long(".parquet"),
    "HDF5 groups": h5_groups,
    "JSON": records(lines=False, by_channel=False),
    "JSON lines": records(lines=True, by_channel=True),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=2 if os.environ.get("HW3_FUZZ") is None else 300)
@given(data=written())
def test_training_check_predict_and_drift_read_the_arrays_that_were_written(
    form: str, data: Series, folder: Path
) -> None:
    own = folder / f"case{next(NUMBERS)}"
    places = own / "labelled", own / "bare"
    for place in places:
        place.mkdir(parents=True)
    path, bare = (FORMS[form](place, data, place == places[0]) for place in places)
    spec = DataSpec(source=str(path), axes="NTC" if form in _WITH_AXES else None)
    trained = read_raw(spec, fetch(spec, cache=own), cache=own)
    np.testing.assert_array_equal(trained.features, data.values)
    assert [trained.class_names[code] for code in trained.labels] == data.labels
    prepared = load_prepared(prepare(spec, fetch(spec, cache=own), cache=own))
    np.testing.assert_array_equal(prepared.features, data.values)
    found, _ = check_data(trained, spec)
    assert (found.num_examples, found.class_names) == (len(data.labels), trained.class_names)

    model = manifest_of(data.values.shape[1:], trained.class_names, trained.channels, dict(trained.found_out))
    wanted = Wanted("sequences", model.shape, channels=model.channels)
    for place in (path, bare):
        options = FormOptions(
            axes=spec.axes, layout=trained.found_out.get("layout", "auto") if place == bare else "auto"
        )
        blocks = list(read_examples(place, wanted, form=options))
        np.testing.assert_array_equal(np.concatenate([block.examples for block in blocks]), data.values)
        if form not in _WITHOUT_NAMES:
            ids = [str(id).rpartition(".")[0] or str(id) for block in blocks for id in block.ids]
            assert ids == data.ids
        new = read_new(DataSpec(source=str(place), axes=spec.axes), model, cache=own)
        np.testing.assert_array_equal(new.examples, data.values)
        assert (None if new.classes is None else new.classes.tolist()) == (
            None if place == bare else trained.labels.tolist()
        )
    shutil.rmtree(own)


_WITHOUT_NAMES = {"channels .txt", "channels .npy", "X.npy and y.npy"}
_WITH_AXES = {*(f"folder of {suffix}" for suffix in (".npy", ".npz", ".mat", ".h5")), "HDF5 groups", "JSON"}
"""With few steps it is not told by sizes which axis is time."""
