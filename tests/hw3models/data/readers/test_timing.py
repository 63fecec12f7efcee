"""Times of rows: what is uneven is said, and `--resample` brings series to a grid; pandas is the oracle."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data.readers.timing import duration, parse_step
from hw3models.errors import DataError, SpecError
from tests.hw3models.data.readers.forms import read


def table(stamps: list[pd.DatetimeIndex], values: list[np.ndarray]) -> pd.DataFrame:  # type: ignore[type-arg]
    parts = [
        pd.DataFrame(
            {"sample": f"s{number}", "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f"), "x": one, "label": "ab"[number % 2]}
        )
        for number, (at, one) in enumerate(zip(stamps, values, strict=True))
    ]
    return pd.concat(parts)


def test_steps_are_read_and_durations_written() -> None:
    assert (parse_step("20ms").size, parse_step("1.5 min").size, parse_step("7").in_seconds) == (0.02, 90.0, False)
    assert [duration(0.02), duration(90), duration(86400), duration(1e-7)] == ["20 ms", "1.5 min", "1 d", "100 ns"]
    for text in ("", "ms", "-1s", "0s", "5 years"):
        with pytest.raises(SpecError, match="a time step such as 20ms"):
            parse_step(text)


def test_means_on_a_wider_grid_are_those_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stamps = [pd.date_range("2024-03-01", periods=100, freq="1s") for _ in range(8)]
    values = [rng.normal(size=100) for _ in stamps]
    table(stamps, values).to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv", resample="5s")
    for row, at, one in zip(raw.features, stamps, values, strict=True):
        np.testing.assert_allclose(row[:, 0], pd.Series(one, at).resample("5s").mean(), rtol=1e-6)
    assert any("Resampled to steps of 5s: 800 rows became 160." in note for note in raw.notes)


def test_values_between_rows_are_linear_and_holes_stay_missing(tmp_path: Path) -> None:
    seconds = [0.0, 1.1, 1.9, 3.0, 4.2, 5.0, 15.0, 16.0]
    stamps = [pd.Timestamp("2024-03-01") + pd.to_timedelta(seconds, "s") for _ in range(4)]
    table([pd.DatetimeIndex(at) for at in stamps], [np.array(seconds) * 2] * 4).to_csv(tmp_path / "a.csv", index=False)
    uneven = read(tmp_path / "a.csv")
    assert uneven.features.shape == (4, 8, 1)
    raw = read(tmp_path / "a.csv", resample="1s")
    there = ~np.isnan(raw.features[0, :, 0])
    assert np.flatnonzero(~there).tolist() == list(range(6, 15))
    np.testing.assert_allclose(raw.features[0, there, 0], 2 * np.arange(17)[there], rtol=1e-6)


def test_numbers_without_a_unit_and_missing_times_are_refused_with_what_to_do(tmp_path: Path) -> None:
    plain = pd.DataFrame(
        {
            "sample": np.repeat(range(4), 5),
            "time": list(range(5)) * 4,
            "x": np.arange(20) ** 2 % 7,
            "label": np.repeat([*"abab"], 5),
        }
    )
    plain.to_csv(tmp_path / "a.csv", index=False)
    assert read(tmp_path / "a.csv", resample="2").features.shape == (4, 3, 1)
    with pytest.raises(SpecError, match=r"numbers without a unit, 1 apart"):
        read(tmp_path / "a.csv", resample="1h")
    plain.drop(columns="time").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match=r"`--resample 1s` needs the time of each row, but none was found"):
        read(tmp_path / "b.csv", resample="1s")
