"""Recordings with a file for each sensor: merged on time, classes by folder or name, and what is no such folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read

RATES = {"Accelerometer": 100, "Gyroscope": 50}
BEGIN = 1_709_628_000_000_000_000
Frame = pd.DataFrame


def wave(times: Any, row: int, channel: int) -> Any:
    """Slow enough that values between rows are known to three digits."""
    return np.sin(times * (2 + row % 2) + channel)


def sensor_logger(folder: Path, row: int, *, end: float = 1.0) -> None:
    """As the app writes it: columns z, y, x, nanoseconds, another begin of each sensor, and files about it all."""
    folder.mkdir(parents=True)
    for place, (sensor, rate) in enumerate(RATES.items()):
        at = np.arange(0.003 * (place + 1), end, 1 / rate)
        columns = {name: wave(at, row, channel + 3 * place) for name, channel in zip("zyx", (2, 1, 0), strict=True)}
        table = Frame({"time": BEGIN + (at * 1e9).round().astype(np.int64), "seconds_elapsed": at, **columns})
        table.to_csv(folder / f"{sensor}.csv", index=False)
    Frame([{"version": 3, "device name": "iPhone"}]).to_csv(folder / "Metadata.csv", index=False)
    Frame({"time": [BEGIN], "seconds_elapsed": [0.5], "text": ["x"]}).to_csv(folder / "Annotation.csv", index=False)


def phyphox(folder: Path, row: int, *, end: float = 1.0) -> None:
    """Quoted names with units, the same times in all files, a folder within."""
    (folder / "meta").mkdir(parents=True)
    at = np.arange(0, end, 0.02)
    for place, sensor in enumerate(RATES):
        columns = {f"{name} (m/s^2)": wave(at, row, channel + 3 * place) for channel, name in enumerate("XYZ")}
        Frame({"Time (s)": at, **columns}).to_csv(folder / f"{sensor}.csv", index=False, quoting=1)
    (folder / "meta" / "device.csv").write_text("property,value\ndeviceModel,Pixel\n")


def test_sensors_come_to_one_grid_with_the_values_at_its_times(tmp_path: Path) -> None:
    for row in range(8):
        sensor_logger(tmp_path / "ab"[row % 2] / f"2024-03-05_{row:02d}", row)
    raw = read(tmp_path, resample="20ms")
    grid = 0.006 + 0.02 * np.arange(raw.features.shape[1])
    assert raw.channels[:4] == ("Accelerometer.z", "Accelerometer.y", "Accelerometer.x", "Gyroscope.z")
    assert classes(raw) == ["a"] * 4 + ["b"] * 4
    for example, row in zip(raw.features, [0, 2, 4, 6, 1, 3, 5, 7], strict=True):
        wanted = np.stack([wave(grid, row, channel) for channel in (2, 1, 0, 5, 4, 3)], axis=1)
        np.testing.assert_allclose(example, wanted, atol=2e-3)
    assert "All sensors were brought to steps of 20ms: 1,200 rows of files became 400." in raw.notes
    windows = read(tmp_path, resample="20ms", window=20)
    assert (windows.features.shape, windows.group_kind) == ((16, 20, 6), "recordings")
    assert read(tmp_path, feature_columns=("Gyroscope.x",)).features.shape == (8, 50, 1)


def test_without_a_grid_the_option_is_named(tmp_path: Path) -> None:
    for row in range(4):
        sensor_logger(tmp_path / "ab"[row % 2] / str(row), row)
    with pytest.raises(
        DataError, match=r"a row every 10ms in Accelerometer, 20ms in Gyroscope\). `--resample 20ms` br"
    ):
        read(tmp_path)


def test_the_same_times_are_put_side_by_side_and_the_class_may_be_in_the_name(tmp_path: Path) -> None:
    for row in range(8):
        phyphox(tmp_path / "all" / f"{'ab'[row % 2]}-2024-03-0{row + 1}", row)
    with pytest.raises(
        DataError, match=r"nothing says the class of 8 of 8 recordings, .* `--file-pattern '{label}-\*'`"
    ):
        read(tmp_path / "all")
    raw = read(tmp_path / "all", file_pattern="{label}-*")
    at = np.arange(0, 1, 0.02)
    for example, row in zip(raw.features, [0, 2, 4, 6, 1, 3, 5, 7], strict=True):
        np.testing.assert_allclose(
            example, np.stack([wave(at, row, c) for c in range(6)], axis=1), rtol=1e-5, atol=1e-6
        )
    assert (classes(raw), raw.notes[1]) == (["a"] * 4 + ["b"] * 4, "The time step is 20 ms.")
    # A model is asked about one recording alone.
    phyphox(tmp_path / "new", 1)
    source = find_source(str(tmp_path / "new"))
    spec = DataSpec(source=str(tmp_path / "new"))
    assert not source.is_labelled(spec)
    assert source.unlabelled is not None
    [block] = source.unlabelled(spec, Wanted("sequences", (50, 6), channels=raw.channels))
    np.testing.assert_array_equal(block.examples, raw.features[4:5])
    assert block.ids.tolist() == ["new"]


def test_a_sensor_in_the_name_of_a_file_is_merged_by_the_rest_of_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(8, 2, 30, 3)).astype(np.float32).round(3)
    for row, own in enumerate(values):
        (tmp_path / "ab"[row % 2]).mkdir(exist_ok=True)
        for sensor, one in zip(("acc", "gyro"), own, strict=True):
            Frame(one, columns=list("xyz")).to_csv(tmp_path / "ab"[row % 2] / f"{sensor}_{row}.csv", index=False)
    raw = read(tmp_path)
    np.testing.assert_array_equal(
        raw.features, np.concatenate([values[:, 0], values[:, 1]], axis=2)[[0, 2, 4, 6, 1, 3, 5, 7]]
    )
    (tmp_path / "a" / "gyro_0.csv").write_text("x,y,z\n" + "1,2,3\n" * 20)
    with pytest.raises(DataError, match=r"in 0 sensors have other numbers of rows \(acc 30, gyro 20\), and no times"):
        read(tmp_path)


def test_wearables_say_the_begin_and_the_rate_above_the_rows(tmp_path: Path) -> None:
    for row in range(4):
        folder = tmp_path / "ab"[row % 2] / f"A0{row}"
        folder.mkdir(parents=True)
        for name, rate, place in (("ACC", 32.0, 0), ("BVP", 64.0, 1)):
            values = wave(np.arange(0, 2, 1 / rate), row, place)
            begin = 1_544_027_337 + 0.5 * place
            (folder / f"{name}.csv").write_text("\n".join(f"{one:.6f}" for one in (begin, rate, *values)))
        (folder / "tags.csv").write_text("1544027340.5\n")
    with pytest.raises(DataError, match=r"a row every 31ms in ACC, 16ms in BVP"):
        read(tmp_path)
    raw = read(tmp_path, resample="31.25ms")
    assert (raw.features.shape, raw.channels) == ((4, 48, 2), ("ACC.0", "BVP.0"))
    grid = np.arange(48) / 32
    for example, row in zip(raw.features, (0, 2, 1, 3), strict=True):
        np.testing.assert_allclose(example[:, 0], wave(grid + 0.5, row, 0), atol=1e-3)


def test_sensors_that_are_not_everywhere_or_far_slower_are_left_out_and_told(tmp_path: Path) -> None:
    for row in range(4):
        folder = tmp_path / "ab"[row % 2] / str(row)
        phyphox(folder, row)
        Frame({"Time (s)": [0.0, 0.5, 0.9], "p": [1.0, 2.0, 3.0]}).to_csv(folder / "Pressure.csv", index=False)
    Frame({"Time (s)": [0.0, 0.02], "m": [1.0, 2.0]}).to_csv(folder / "Magnetometer.csv", index=False)
    raw = read(tmp_path)
    assert raw.features.shape == (4, 50, 6)
    [said] = [note for note in raw.notes if note.startswith("Not taken: ")]
    assert "'Magnetometer' is in 1 of 4 recordings; 'Pressure' has a row in 22 of the fastest sensor's" in said


@pytest.mark.parametrize("names", [("acc_1", "acc_2"), ("walk", "run"), ("accelerometer",)])
def test_folders_of_recordings_of_one_file_each_stay_what_they_are(names: tuple[str, ...], tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for name in names:
            Frame({"x": np.arange(9.0) % 4}).to_csv(tmp_path / label / f"{name}.csv", index=False)
    assert find_source(str(tmp_path)).name == "folder"


def test_a_date_and_a_time_in_two_columns_are_the_time_of_a_sensor(tmp_path: Path) -> None:
    at = pd.Series(pd.date_range("2024-03-05 23:59:59.5", periods=50, freq="20ms"))
    for row in range(4):
        folder = tmp_path / "ab"[row % 2] / str(row)
        folder.mkdir(parents=True)
        for place, sensor in enumerate(RATES):
            own = {"Date": at.dt.strftime("%d.%m.%Y"), "Time": at.dt.strftime("%H:%M:%S.%f").str[:-3]}
            own["x"] = pd.Series(wave(np.arange(50) * 0.02, row, place))
            Frame(own).to_csv(folder / f"{sensor}.csv", index=False)
    raw = read(tmp_path)
    assert (raw.features.shape, raw.channels) == ((4, 50, 2), ("Accelerometer.x", "Gyroscope.x"))
    assert "The time step is 20 ms." in raw.notes
