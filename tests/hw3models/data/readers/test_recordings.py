"""A row for each value: case, dimension, time, value; pandas' pivot is the oracle."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.errors import DataError
from tests.hw3models.data.readers.forms import classes, read, series

X = series(6, 5, 2)


def tidy() -> pd.DataFrame:
    rows = [
        {"case": f"c{n}", "dimension": "xy"[c], "time": t, "value": float(X[n, t, c]), "label": "ab"[n % 2]}
        for n in range(6)
        for c in range(2)
        for t in range(5)
    ]
    return pd.DataFrame(rows)


def test_values_find_their_place_whatever_the_order_of_rows(tmp_path: Path) -> None:
    tidy().sample(frac=1, random_state=0).sort_values("case", kind="stable").to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(raw.features, X)
    assert (raw.channels, classes(raw)) == (("x", "y"), [*"ababab"])
    assert "a row for each value (`--layout tidy`): case, dimension, time, value" in raw.notes[0]


def test_what_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    pd.concat([tidy(), tidy().iloc[:1]]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"line 62 has a second value for c0 0 x"):
        read(tmp_path / "a.csv")
    tidy().astype({"value": object}).replace({"value": {float(X[0, 0, 0]): "oh"}}).to_csv(
        tmp_path / "a.csv", index=False
    )
    with pytest.raises(DataError, match=r"column 'value' is no number in line 2: 'oh'"):
        read(tmp_path / "a.csv")
    tidy().drop(columns="time").to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"it has no column for time"):
        read(tmp_path / "a.csv")


def test_a_time_with_a_unit_in_its_name_is_the_time_of_recordings_and_what_says_it_too_is_no_channel(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 30)).astype(np.float32).round(3)
    at = np.arange(30) * 0.02 + 0.2 * (np.arange(30) >= 15)  # a pause, so that it counts no steps
    for row in range(6):
        path = tmp_path / "ab"[row % 2] / f"{row}.csv"
        path.parent.mkdir(exist_ok=True)
        own = pd.DataFrame(
            {"timestamp (-0700)": "2024-03-01T10.00.00.000", "elapsed (s)": at, "x-axis (g)": values[row]}
        )
        own.to_csv(path, index=False)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.features[:, :, 0], values[[0, 2, 4, 1, 3, 5]])
    assert raw.channels == ("x-axis (g)",)
    assert any("'timestamp (-0700)' holds texts, and another column is the time" in note for note in raw.notes)
    # No window lies across the pause.
    assert len(read(tmp_path, window=10).labels) == 12
    # What is asked for by name stays a channel.
    assert read(tmp_path, feature_columns=("elapsed (s)", "x-axis (g)")).features.shape == (6, 30, 2)
