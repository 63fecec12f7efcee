"""Columns that tell nothing of the steps of a series are no channels; true channels of every ordinary kind are."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.readers import long_tables, table_limits
from hw3models.errors import DataError
from hw3models.specs import DataSpec

SERIES, STEPS = 40, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(SERIES, STEPS)).cumsum(axis=1)
LABELS = np.arange(SERIES) % 2


def rows(of_series: Any) -> Any:
    return np.repeat(of_series, STEPS)


def table(**columns: Any) -> pd.DataFrame:
    frame = {
        "sample": rows([f"s{i}" for i in range(SERIES)]),
        "time": np.tile(np.arange(STEPS), SERIES),
        "x": X.ravel(),
        "label": rows(np.array(["a", "b"])[LABELS]),
    }
    return pd.DataFrame(frame | columns)


def read(path: Path, frame: pd.DataFrame, **fields: Any) -> Raw:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    spec = DataSpec(source=str(path), **fields)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


NO_CHANNELS: dict[str, tuple[Any, str]] = {
    "Unnamed: 0": (np.arange(SERIES * STEPS), "numbers the rows"),
    "index": (RNG.permutation(SERIES * STEPS) * 7, "is an index by its name"),
    "shuffled": (RNG.permutation(SERIES * STEPS) + 1, "numbers the rows"),
    "clock": (1.6e9 + np.arange(SERIES * STEPS) * 0.5 + RNG.uniform(0, 0.4, SERIES * STEPS), "grows from row to row"),
    "step": (np.tile(np.arange(STEPS) * 20, SERIES), "counts the steps, as the time does"),
    "fold": (
        rows(RNG.integers(0, 5, SERIES)),
        "is the same within each series, 5 values in 40 series; `--group-column",
    ),
    "age": (rows(RNG.uniform(20, 60, SERIES)), "names the series"),
    "activity_id": (rows(LABELS + 4), "gives the label away, as each of its 2 values has one"),
    "device": ("imu", "is the same everywhere"),
    "person": (rows([f"P{i % 7}" for i in range(SERIES)]), "is the same within each series, 7 values in 40 series"),
    "remarks": (np.full(SERIES * STEPS, np.nan), "holds nothing"),
}


@pytest.mark.parametrize("column", NO_CHANNELS)
def test_what_tells_nothing_of_the_steps_is_no_channel_and_that_is_said(column: str, tmp_path: Path) -> None:
    values, reason = NO_CHANNELS[column]
    raw = read(tmp_path / "toy.csv", table(**{column: values}))
    assert raw.channels == ("x",)
    [note] = raw.notes
    assert f"{column!r} {reason}" in note
    assert "--feature-columns" in note
    assert f"--ignore-columns {shlex.quote(column)}" in note


CHANNELS: dict[str, Any] = {
    "whole": RNG.integers(0, 4, SERIES * STEPS),
    "x1": RNG.integers(0, 4096, SERIES * STEPS),
    "switch": (RNG.uniform(size=(SERIES, STEPS)) < 0.02).astype(int).ravel(),
    "grows": np.abs(RNG.normal(size=(SERIES, STEPS))).cumsum(axis=1).ravel(),
    "meter": (RNG.integers(0, 1000, (SERIES, 1)) + RNG.integers(1, 3, (SERIES, STEPS)).cumsum(axis=1)).ravel(),
    "ramp": (RNG.uniform(1, 2, (SERIES, 1)) * np.arange(STEPS)).ravel(),
    "still_but_once": np.where(np.arange(SERIES * STEPS) == 17, 1, 0),
    "same_curve": np.tile(np.sin(np.arange(STEPS)), SERIES),
    "flags": RNG.uniform(size=SERIES * STEPS) < 0.5,
}


@pytest.mark.parametrize("column", CHANNELS)
def test_true_channels_are_taken_without_a_word(column: str, tmp_path: Path) -> None:
    raw = read(tmp_path / "toy.csv", table(**{column: CHANNELS[column]}))
    assert (raw.channels, raw.notes) == (("x", column), ())
    np.testing.assert_allclose(raw.features[..., 1].ravel(), np.asarray(CHANNELS[column], float), rtol=1e-6)


def test_columns_that_are_named_are_all_that_is_taken_and_nothing_is_said(tmp_path: Path) -> None:
    frame = table(subject=rows(np.arange(SERIES) % 5), y=-X.ravel())
    raw = read(tmp_path / "toy.csv", frame, feature_columns="subject, x")
    assert (raw.channels, raw.notes) == (("subject", "x"), ())
    raw = read(tmp_path / "toy.csv", frame, ignore_columns=("subject",))
    assert (raw.channels, raw.notes) == (("x", "y"), ())


def test_columns_that_are_not_there_or_not_free_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'X' \(`feature_columns`\) is missing; .* Did you mean 'x'\?"):
        read(tmp_path / "toy.csv", table(), feature_columns="X")
    with pytest.raises(DataError, match="column 'label' is named by two options"):
        read(tmp_path / "toy.csv", table(), feature_columns="x,label")
    with pytest.raises(DataError, match=r"no channel is left\. Not taken as channels: 'x' is the same everywhere"):
        read(tmp_path / "toy.csv", table(x=1.5))


def test_a_large_table_has_the_same_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at in pieces: a column that is still in the first may change in the last."""
    late = np.zeros(SERIES * STEPS)
    late[-1] = 1
    frame = table(late=late, **{name: NO_CHANNELS[name][0] for name in ("Unnamed: 0", "fold", "step", "device")})
    whole = read(tmp_path / "toy.parquet", frame)
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(long_tables, "ROWS", 100)
    large = read(tmp_path / "toy.parquet", frame)
    assert isinstance(large.features, np.memmap)
    assert (large.channels, large.notes) == (whole.channels, whole.notes)
    assert large.channels == ("x", "late")


def test_several_columns_name_a_series_together(tmp_path: Path) -> None:
    frame = table(sample=rows(np.arange(SERIES) % 8), trial=rows(np.arange(SERIES) // 8))
    raw = read(tmp_path / "toy.csv", frame, sample_column="sample,trial")
    assert (len(raw.labels), raw.channels) == (SERIES, ("x",))
    np.testing.assert_allclose(raw.features[..., 0], X, rtol=1e-6)
    grouped = read(tmp_path / "toy.csv", frame, sample_column="sample,trial", group_column="sample")
    assert grouped.group_names == tuple("01234567")
    with pytest.raises(DataError, match=r"two rows for the same time .*`--sample-column sample,trial`"):
        read(tmp_path / "toy.csv", frame)
