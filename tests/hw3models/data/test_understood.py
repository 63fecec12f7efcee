"""Ends of series, axes and spellings are found out, said, and decided by one option."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.checking import check_data
from hw3models.data import fetch, prepare
from hw3models.data.preparation import load_prepared, read_raw
from hw3models.data.raw import Raw
from hw3models.data.readers import table_limits
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
N, T, C = 60, 20, 2
X = RNG.normal(size=(N, T, C)).cumsum(axis=1).astype(np.float32)
Y = np.arange(N) % 3
LENGTHS = RNG.integers(8, T + 1, N)
LENGTHS[0] = T


def tailed() -> Any:
    values = X.copy()
    values[np.arange(T) >= LENGTHS[:, None]] = np.nan
    return values


def read(path: Path, **fields: Any) -> Raw:
    spec = DataSpec(source=str(path), **fields)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


def write(path: Path, values: Any) -> None:
    if path.suffix == ".npz":
        np.savez(path, X=values, y=Y)
    elif path.suffix == ".npy":
        np.save(path, values)
        np.save(path.with_name(f"{path.stem}_labels.npy"), Y)
    else:
        rows = {"sample": np.repeat(np.arange(N), T), "time": np.tile(np.arange(T), N), "label": np.repeat(Y, T)}
        frame = pd.DataFrame(rows | {"x": values[:, :, 0].ravel(), "y": values[:, :, 1].ravel()})
        frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.csv", "a.parquet", "large.parquet"])
def test_an_end_without_values_is_the_end_of_the_series(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("large"):
        monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    write(tmp_path / name, tailed())
    spec = DataSpec(source=str(tmp_path / name))
    found = load_prepared(prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path))
    assert found.lengths is not None
    np.testing.assert_array_equal(found.lengths, LENGTHS)
    np.testing.assert_array_equal(found.features, np.where(np.isnan(tailed()), 0, X))
    shorter = int((LENGTHS < T).sum())
    assert any(f"{shorter} of 60 series end with missing values in all channels" in note for note in found.notes)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.csv", "a.parquet"])
def test_gaps_before_the_end_stay_gaps(name: str, tmp_path: Path) -> None:
    values = tailed()
    values[0, 5] = np.nan
    write(tmp_path / name, values)
    spec = DataSpec(source=str(tmp_path / name))
    with pytest.raises(DataError, match=r"missing .*`--missing interpolate` fills gaps"):
        prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    raw = read(tmp_path / name, missing="interpolate")
    assert np.isnan(raw.features[0, 5]).all()
    assert raw.lengths is not None
    assert raw.lengths[0] == T


def test_a_model_that_is_asked_sees_the_same_end(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", tailed())
    [block] = read_examples(tmp_path / "a.csv", Wanted("sequences", (T, C), unequal_lengths=True, channels=("x", "y")))
    np.testing.assert_array_equal(block.examples, tailed())


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_channels_before_steps_are_asked_about(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, X.transpose(0, 2, 1).copy())
    with pytest.raises(DataError, match=r"looks like 2 channels of 20 steps\. Say which: `--axes NCT`"):
        read(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name, axes="NCT").features, X)
    assert read(tmp_path / name, axes="NTC").features.shape == (N, C, T)
    [block] = read_examples(tmp_path / name, Wanted("sequences", (T, C)))
    np.testing.assert_array_equal(block.examples, X)


@pytest.mark.parametrize("shape", [(60, 20, 30), (60, 12, 14), (60, 40, 64)])
def test_many_channels_that_do_not_follow_each_other_are_channels(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=shape).cumsum(axis=1), y=Y)
    assert read(tmp_path / "a.npz").features.shape == shape


def test_spellings_of_one_class_are_said_and_merged_where_that_is_asked(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", X=X, y=np.array(["sit", "sit ", "Sit", "1", "1.0", "walk", "NaN", "sit"])[np.arange(N) % 8]
    )
    spec = DataSpec(source=str(tmp_path / "a.npz"))
    found, _ = check_data(read(tmp_path / "a.npz"), spec)
    said = " | ".join(one.what for one in found.findings)
    assert "form of a number only: '1', '1.0'; 'Sit', 'sit', 'sit '" in said
    assert "class 'NaN' looks like a label that is missing" in said
    merged = read(tmp_path / "a.npz", merge_labels=True)
    assert merged.class_names == ("1", "NaN", "sit", "walk")
    assert merged.notes == ("Labels were merged: '1', '1.0' as '1'; 'Sit', 'sit', 'sit ' as 'sit'.",)
    assert (np.array(merged.class_names)[merged.labels] == "sit").sum() == sum(i % 8 in (0, 1, 2, 7) for i in range(N))


def test_a_folder_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder is empty\. Put pictures into it, a folder for each class"):
        prepare(spec := DataSpec(source=str(tmp_path)), fetch(spec, cache=tmp_path), cache=tmp_path)
