"""Recordings cut into windows: nothing of one recording on both sides, and what was dropped is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec, FormOptions
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read

NAMES = {"sample_column": "user", "time_column": "timestamp", "label_column": "activity"}


def recording(rows: int, labels: list[str], **columns: Any) -> pd.DataFrame:
    """Values that tell the row, and stretches of labels."""
    table = pd.DataFrame({"time": np.arange(rows) * 20, "x": np.arange(rows, dtype=float) ** 2})
    return table.assign(label=np.repeat(labels, rows // len(labels)), **columns)


def write(folder: Path, tables: list[pd.DataFrame]) -> Path:
    pd.concat(tables).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@needs_shared
def test_windows_of_the_published_shape_are_those_of_a_plain_loop() -> None:
    path = SHARED / "field" / "21-one-recording" / "phone.csv"
    raw = read(path, **NAMES, window=32, stride=16)
    table, expected = pd.read_csv(path), []
    for _, own in table.groupby("user"):
        for start in range(0, len(own) - 31, 16):
            rows = own.iloc[start : start + 32]
            if rows["activity"].nunique() == 1:
                expected.append(
                    (rows[["x", "y", "z"]].to_numpy(np.float32), rows["activity"].iloc[0], rows["user"].iloc[0])
                )
    assert raw.features.shape == (len(expected), 32, 3)
    np.testing.assert_array_equal(raw.features, np.stack([one for one, _, _ in expected]))
    assert classes(raw) == [label for _, label, _ in expected]
    assert raw.groups is not None
    assert [raw.group_names[code] for code in raw.groups] == [str(user) for _, _, user in expected]
    assert raw.group_kind == "recordings"


def test_windows_of_one_recording_stand_on_one_side(tmp_path: Path) -> None:
    path = write(tmp_path, [recording(40, ["a", "b"], sample=f"r{number}") for number in range(12)])
    spec = DataSpec(source=str(path), window=8, stride=4)
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    data = load_prepared(report)
    assert (report.num_groups, data.features.shape[1:]) == (12, (8, 1))
    assert data.groups is not None
    sides = [set(data.groups[part]) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 12
    assert any("12 groups (recordings)" in note for note in report.notes)


def test_windows_across_a_change_of_label_are_dropped_or_decided_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, [recording(30, ["a", "b", "c"], sample=f"r{number}") for number in range(4)])
    dropped = read(path, window=6, stride=3)
    # Of 9 windows each, those that begin in rows 6, 9, 15, 18 hold a change, but for the one that begins at 9 or 18..
    starts = [s for s in range(0, 25, 3) if s // 10 == (s + 5) // 10]
    assert dropped.features[: len(starts), 0, 0].tolist() == [start**2 for start in starts]
    mixed = 9 - len(starts)
    assert any(f"{4 * mixed} windows in which the label changes were left out" in note for note in dropped.notes)
    kept = read(path, window=6, stride=3, mixed_windows="majority")
    assert len(kept.labels) == 36
    assert classes(kept)[2:4] == ["a", "b"]  # rows 6 to 11, and 9 to 14


def test_holes_in_time_and_short_recordings_are_left_out_and_counted(tmp_path: Path) -> None:
    holed = recording(40, ["a", "b"], sample="r0")
    holed.loc[20:, "time"] += 1000
    others = [recording(40, ["a", "b"], sample=f"r{number}") for number in range(1, 4)]
    raw = read(write(tmp_path, [holed, *others, recording(4, ["a"], sample="r9")]), window=8, stride=8)
    assert raw.features[:4, 0, 0].tolist() == [0, 64, 400, 784]
    assert any(
        "no window lies across one of 1 holes" in note and "1 recordings are shorter" in note for note in raw.notes
    )


def test_a_single_recording_is_divided_by_time_and_no_row_is_on_two_sides(tmp_path: Path) -> None:
    path = write(tmp_path, [recording(4000, ["a", "b"] * 20)])
    raw = read(path, window=10, stride=5)
    assert raw.test is not None
    assert raw.validation is not None
    rows = {name: raw.features[part, :, 0] for name, part in (("test", raw.test), ("validation", raw.validation))}
    rows["train"] = raw.features[~raw.test & ~raw.validation, :, 0]
    assert rows["train"].max() < rows["validation"].min()
    assert rows["validation"].max() < rows["test"].min()
    assert abs(len(rows["test"]) / len(raw.labels) - 0.25) < 0.03
    assert "blocks of one recording" in raw.group_kind
    assert any("the last 10 of them are for test, the 3 before them for validation" in note for note in raw.notes)


def test_where_no_stretch_has_all_classes_the_end_of_each_is_for_test(tmp_path: Path) -> None:
    raw = read(write(tmp_path, [recording(3000, ["a", "b", "c"])]), window=10, stride=10)
    assert raw.test is not None
    assert set(raw.labels[raw.test]) == set(raw.labels[~raw.test]) == {0, 1, 2}
    assert not set(raw.features[raw.test].reshape(-1)) & set(raw.features[~raw.test].reshape(-1))
    assert raw.groups is not None
    assert len(np.flatnonzero(np.diff(raw.test.astype(int)))) <= 6, "three stretches"
    assert any("No stretch of it has all classes" in note for note in raw.notes)


@needs_shared
def test_one_recording_as_arff_and_one_with_stamps_are_divided_by_time() -> None:
    eeg = read(SHARED / "data" / "series" / "eeg_eye_state" / "EEG Eye State.arff", window=128, stride=64)
    assert eeg.features.shape[1:] == (128, 14)
    assert eeg.channels[:3] == ("AF3", "F7", "F3")
    assert eeg.test is not None
    options = {"label_column": "Occupancy", "window": 16, "stride": 8, "mixed_windows": "majority"}
    room = read(SHARED / "data" / "series" / "occupancy" / "datatraining.txt", **options, resample="5min")
    assert room.channels == ("Temperature", "Humidity", "Light", "CO2", "HumidityRatio")
    assert any("times in 'date'" in note for note in room.notes)
    assert any("'' numbers the rows" in note for note in room.notes)
    assert any("divided by time into 25 blocks" in note for note in room.notes)


def test_a_model_is_asked_about_windows_of_unlabelled_recordings(tmp_path: Path) -> None:
    path = write(tmp_path, [recording(20, ["a"], sample=f"r{number}").drop(columns="label") for number in range(2)])
    wanted = Wanted("sequences", (8, 1), channels=("x",))
    [block] = read_examples(path, wanted, form=FormOptions(window=8, stride=4))
    assert list(block.ids[:2]) == ["r0@0", "r0@4"]
    assert block.groups == ("r0",) * 4 + ("r1",) * 4


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, DataError, r"changes within a series.*`--window 128 --stride 64` cuts recordings"),
        ({"window": 500}, DataError, r"no window of 500 rows is left: the longest of 3 recordings has 40 rows"),
        ({"window": 8, "resample": "20parsec"}, SpecError, r"`resample` is '20parsec'; a time step such as 20ms"),
        ({"window": 8, "label_column": "lable"}, DataError, r"column 'lable' .* Did you mean 'label'\?"),
        ({"window": 8, "resample": "20h"}, SpecError, r"the times are numbers without a unit, 20 apart"),
    ],
)
def test_what_cannot_be_cut_is_refused(options: Any, error: type[Exception], message: str, tmp_path: Path) -> None:
    path = write(tmp_path, [recording(40, ["a", "b"], sample=f"r{number}") for number in range(3)])
    with pytest.raises(error, match=message):
        read(path, **options)


def test_a_recording_whose_labels_nobody_named_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path, [recording(40, ["a", "b"]).assign(Occupied=np.arange(40) // 20).drop(columns="label")])
    with pytest.raises(
        DataError, match=r"says the labels: there is no column 'label'.*`--label-column`; there are x, Occ"
    ):
        read(path, window=8)
    assert read(path, window=4, label_column="Occupied").class_names == ("0", "1")


def test_a_class_that_no_window_has_is_said_and_one_class_alone_is_refused(tmp_path: Path) -> None:
    rare = recording(60, ["a", "b"])
    rare.loc[[10, 40], "label"] = "c"
    raw = read(write(tmp_path, [rare.assign(sample=f"r{number}") for number in range(4)]), window=5)
    assert any("no window is of class 'c': nothing is learned about it" in note for note in raw.notes)
    flickers = [recording(40, ["a", "b"] * 20, sample="r0"), recording(40, ["a"], sample="r1")]
    with pytest.raises(DataError, match=r"every window of 8 rows that is left is of class 'a'.*5 windows have"):
        read(write(tmp_path, flickers), window=8)


def test_several_columns_name_a_recording_and_channels_are_those_of_all_tables(tmp_path: Path) -> None:
    tables = [recording(40, ["a", "b"], who=f"p{n // 3}", trial=n % 3, device=n % 2, y=1.0) for n in range(9)]
    names = {"sample_column": "who,trial", "group_column": "who", "window": 8}
    raw = read(write(tmp_path, tables), **names)
    assert (raw.channels, raw.group_names, len(raw.labels)) == (("x",), ("p0", "p1", "p2"), 36)
    assert any(
        "'y' is the same everywhere" in note and "'device' is the same within each" in note for note in raw.notes
    )
    assert read(tmp_path / "a.csv", **names, feature_columns="y,x").channels == ("y", "x")
    assert read(tmp_path / "a.csv", **names, ignore_columns="y,device").channels == ("x",)
    with pytest.raises(DataError, match=r"column 'xx' \(`feature_columns`\) is missing"):
        read(tmp_path / "a.csv", **names, feature_columns="xx")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_recording_with_a_label_in_each_row_is_labelled_and_one_without_is_not(suffix: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": np.arange(64), "x": np.sin(np.arange(64.0)), "label": ["a", "b"] * 32})
    for name, one in (("with", frame), ("without", frame.drop(columns="label"))):
        path = tmp_path / f"{name}{suffix}"
        one.to_csv(path, index=False) if suffix == ".csv" else one.to_parquet(path)
        spec = DataSpec(source=str(path), window=8, stride=8)
        assert find_source(spec.source, spec.layout).is_labelled(spec) == (name == "with")
