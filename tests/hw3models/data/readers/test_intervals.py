"""Labels of stretches of time: windows within one have its label, all others are dropped and counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read

NUM, T, STEP = 6, 200, 0.02
STRETCHES = ((0, 70, "walk"), (70, 120, "sit"), (140, 200, "walk"))
"""Rows of each recording, the last one not within; nothing from 120 to 140."""
X = np.random.default_rng(0).normal(size=(NUM, T, 2)).astype(np.float32).round(3)
WINDOWS = [(row, begin) for row in range(NUM) for begin in range(0, T, 10)]
INSIDE = [(row, at, name) for row, at in WINDOWS for begin, end, name in STRETCHES if begin <= at and at + 10 <= end]


def wanted(width: int = 10) -> tuple["np.ndarray[tuple[int, int, int], np.dtype[np.float32]]", list[str]]:
    """Cut by hand."""
    return np.stack([X[row, at : at + width] for row, at, _ in INSIDE]), [name for *_, name in INSIDE]


def table(**names: str) -> pd.DataFrame:
    rows = [(f"r{row}", begin * STEP, end * STEP, label) for row in range(NUM) for begin, end, label in STRETCHES]
    return pd.DataFrame(rows, columns=["recording", "start", "end", "label"]).rename(columns=names)


def files(folder: Path, *, begin: float = 0.0, form: str = "{}.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for row, values in enumerate(X):
        own = pd.DataFrame(values, columns=["x", "y"])
        own.insert(0, "time", (begin + np.arange(T) * STEP).round(6))
        own.to_csv(folder / form.format(f"r{row}"), index=False)
    return folder


def check(folder: Path, **options: str) -> tuple[str, ...]:
    raw = read(folder, window=10, **options)
    features, labels = wanted()
    np.testing.assert_array_equal(raw.features, features)
    assert classes(raw) == labels
    assert raw.group_kind == "recordings"
    return raw.notes


TABLES = {
    "named": table(),
    "file and activity": table(recording="file", start="start_time", end="end_time", label="activity"),
    "paths": table().assign(recording=lambda own: own["recording"] + ".csv"),
    "duration": table().assign(duration=lambda own: own["end"] - own["start"]).drop(columns="end"),
    "milliseconds": table(start="start_ms", end="end_ms").assign(
        start_ms=lambda own: 1000 * own["start_ms"], end_ms=lambda own: 1000 * own["end_ms"]
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_windows_in_a_stretch_have_its_label(form: str, tmp_path: Path) -> None:
    before = fetch(DataSpec(source=str(files(tmp_path))), cache=tmp_path).digest
    TABLES[form].to_csv(tmp_path / "annotations.csv", index=False)
    notes = check(tmp_path)
    said = f"Labels of 18 stretches of time in annotations.csv{' (in milliseconds)' * (form == 'milliseconds')}: "
    assert f"{said}1,080 of 1,200 rows have one." in notes
    assert "6 recordings cut into 108 windows of 10 rows, 10 apart; 12 windows with rows without a label" in notes[-1]
    assert fetch(DataSpec(source=str(tmp_path)), cache=tmp_path).digest != before
    source = find_source(str(tmp_path))
    assert source.is_labelled(DataSpec(source=str(tmp_path), window=10))


def test_windows_across_a_border_are_dropped_and_counted(tmp_path: Path) -> None:
    files(tmp_path)
    table().assign(end=lambda own: own["end"].replace(70 * STEP, 75 * STEP)).assign(
        start=lambda own: own["start"].replace(70 * STEP, 75 * STEP)
    ).to_csv(tmp_path / "labels.csv", index=False)
    raw = read(tmp_path, window=10)
    assert "6 windows in which the label changes were left out; 12 windows with rows without a label" in raw.notes[-1]
    assert len(raw.labels) == 102


def test_elan_writes_tabs_and_three_forms_of_a_time(tmp_path: Path) -> None:
    own = table()
    elan = {"Tier": "activity"}
    for name, column in (("Begin", "start"), ("End", "end")):
        elan[f"{name} Time - hh:mm:ss.ms"] = pd.to_datetime(own[column], unit="s").dt.strftime("%H:%M:%S.%f").str[:-3]
        elan[f"{name} Time - ss.msec"] = own[column]
    pd.DataFrame({**elan, "Annotation": own["label"], "File": own["recording"]}).to_csv(
        files(tmp_path) / "export.txt", sep="\t", index=False
    )
    check(tmp_path)


def test_hapt_counts_rows_from_one_and_has_a_file_for_each_sensor(tmp_path: Path) -> None:
    folder, lines = tmp_path / "RawData", list[str]()
    folder.mkdir()
    for row, values in enumerate(X):
        for sensor, place in (("acc", 0), ("gyro", 1)):
            name = f"{sensor}_exp{row + 1:02d}_user{row // 2 + 1:02d}.txt"
            np.savetxt(folder / name, values[:, [place, place]], fmt="%.3f")
        lines += [f"{row + 1} {row // 2 + 1} {len(name)} {begin + 1} {end}" for begin, end, name in STRETCHES]
    (folder / "labels.txt").write_text("\n".join(lines))
    raw = read(folder, window=10, file_pattern="*_{group}")
    features, labels = wanted()
    np.testing.assert_array_equal(raw.features[:, :, [0, 2]], features)
    assert classes(raw) == [str(len(one)) for one in labels]
    assert raw.group_names == ("user01", "user02", "user03")
    (tmp_path / "activity_labels.txt").write_text("4 WALKING\n3 SITTING\n")
    raw = read(folder, window=10, file_pattern="*_{group}")
    assert classes(raw) == [{"walk": "WALKING", "sit": "SITTING"}[one] for one in labels]
    assert any("in labels.txt, named in activity_labels.txt (rows, counted from 1): " in note for note in raw.notes)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_one_table_of_all_recordings_has_one_of_stretches_beside(suffix: str, tmp_path: Path) -> None:
    begin = 1_700_000_000.0  # times since 1970 in both tables
    rows = pd.DataFrame(X.reshape(-1, 2), columns=["x", "y"])
    rows.insert(0, "recording", np.repeat([f"r{row}" for row in range(NUM)], T))
    rows.insert(1, "time", np.tile((begin + np.arange(T) * STEP).round(2), NUM))
    path = tmp_path / f"data{suffix}"
    rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path, index=False)
    own = table().assign(start=lambda one: one["start"] + begin, end=lambda one: one["end"] + begin)
    own.to_csv(tmp_path / "data_labels.csv", index=False)
    check(path)
    check(path, manifest=str(tmp_path / "data_labels.csv"))
    with pytest.raises(DataError, match=r"data_labels.csv says the labels of stretches of time.* `--window 128 --stri"):
        read(path)


def test_dates_of_rows_and_seconds_of_stretches_begin_together(tmp_path: Path) -> None:
    for row, values in enumerate(X):
        own = pd.DataFrame(values, columns=["x", "y"])
        own.insert(0, "time", pd.date_range(f"2024-01-0{row + 1} 10:00", periods=T, freq="20ms").astype(str))
        own.to_csv(tmp_path / f"r{row}.csv", index=False)
    table().to_csv(tmp_path / "labels.csv", index=False)
    check(tmp_path)


def test_what_is_wrong_with_stretches_is_told(tmp_path: Path) -> None:
    files(tmp_path)
    beside = tmp_path / "labels.csv"
    table().assign(start=lambda own: 1000 * own["start"], end=lambda own: 1000 * own["end"]).to_csv(beside, index=False)
    with pytest.raises(DataError, match=r"its last stretch ends at 4000. Recordings have times from 0 to 3.98. Write"):
        read(tmp_path, window=10)
    table().assign(start=0.0).to_csv(beside, index=False)
    with pytest.raises(DataError, match=r"in 'r0.csv' stretches of 'walk' and 'sit' overlap \(from 0 on\)"):
        read(tmp_path, window=10)
    table().assign(recording="q").to_csv(beside, index=False)
    with pytest.raises(DataError, match=r"labels.csv: its recordings are q, ..., but there are r0.csv, r1.csv"):
        read(tmp_path, window=10)
    table().drop(columns="recording").to_csv(beside, index=False)
    with pytest.raises(DataError, match=r"there are 6 recordings, and no column says of which a stretch is"):
        read(tmp_path, window=10)
    table().to_csv(beside, index=False)
    with pytest.raises(DataError, match=r"the label changes within series 'r0.csv', .* `--window 128 --stride 64`"):
        read(tmp_path)
    table().to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(DataError, match=r"events.csv, labels.csv may all be labels of stretches .*`--manifest NAME`"):
        read(tmp_path, window=10)


def test_a_table_with_a_row_for_each_recording_says_the_label_of_all_of_it(tmp_path: Path) -> None:
    files(tmp_path)
    rows = [f"r{row}.csv,0.1,0.5,{'ab'[row % 2]}" for row in range(NUM)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,start,end,label", *rows]))
    raw = read(tmp_path)
    assert classes(raw) == ["ab"[row % 2] for row in range(NUM)]
    np.testing.assert_array_equal(raw.features, X)


def test_recordings_with_columns_of_begin_and_end_stay_recordings(tmp_path: Path) -> None:
    for row, values in enumerate(X):
        folder = tmp_path / "ab"[row % 2]
        folder.mkdir(exist_ok=True)
        own = pd.DataFrame({"start": np.arange(T), "end": np.arange(T) + 1, "value": values[:, 0]})
        own.to_csv(folder / f"r{row}.csv", index=False)
    assert read(tmp_path).features.shape[:2] == (NUM, T)


@pytest.mark.parametrize("kind", ["csv", "npy", "elan"])
def test_a_file_of_labels_for_each_recording_is_of_that_recording(kind: str, tmp_path: Path) -> None:
    files(tmp_path) if kind != "npy" else [np.save(tmp_path / f"r{row}.npy", own) for row, own in enumerate(X)]
    unit = STEP if kind != "npy" else 1.0  # arrays have no times: rows, counted from 1
    for row in range(NUM):
        lines = [
            f"{begin * unit + (kind == 'npy'):.6f}\t{end * unit + (kind == 'npy'):.6f}\t{name}"
            for begin, end, name in STRETCHES
        ]
        if kind == "elan":
            lines = [
                f"activity\t\t{begin * unit}\t{end * unit}\t{(end - begin) * unit}\t{name}"
                for begin, end, name in STRETCHES
            ]
        (tmp_path / f"r{row}.txt").write_text("\n".join(lines) + "\n")
    notes = check(tmp_path)
    assert any(note.startswith("Labels of 18 stretches of time in r0.txt and 5 more: 1,080 of 1,200") for note in notes)
    before = fetch(DataSpec(source=str(tmp_path), window=10), cache=tmp_path).digest
    (tmp_path / "r5.txt").write_text("0\t1\twalk\n")
    assert fetch(DataSpec(source=str(tmp_path), window=10), cache=tmp_path).digest != before
    if kind == "elan":
        (tmp_path / "r5.txt").write_text("activity\t\t0\t1\t1\twalk\nplace\t\t0\t1\t1\tindoors\n")
        with pytest.raises(DataError):
            read(tmp_path, window=10)


def test_one_recording_and_its_stretches_are_divided_by_time(tmp_path: Path) -> None:
    own = pd.DataFrame(X.reshape(-1, 2), columns=["x", "y"])
    own.insert(0, "time", (np.arange(NUM * T) * STEP).round(6))
    own.to_csv(tmp_path / "rec.csv", index=False)
    rows = [f"{row * 40 * STEP:.2f},{(row + 1) * 40 * STEP:.2f},{'ab'[row % 2]}" for row in range(30)]
    (tmp_path / "labels.csv").write_text("\n".join(["start,end,label", *rows]))
    for source in (tmp_path, tmp_path / "rec.csv"):
        raw = read(source, window=10)
        assert classes(raw) == ["ab"[at // 4 % 2] for at in range(120)]
        assert raw.group_kind == "blocks of one recording"
