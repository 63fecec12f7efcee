"""A date and a time of day in two columns are one time, in every form of table and for every command alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.checking import check_data
from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.readers.time_columns import found_parts, with_time
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import read

N, T = 12, 10
RNG = np.random.default_rng(0)
BEGIN = pd.Timestamp("2024-03-25 23:59:57")
"""Three seconds before midnight, so that the time of day alone goes back within each series."""
TIMES = pd.Series(
    [BEGIN + pd.Timedelta(days=i) + pd.Timedelta(milliseconds=500 * k) for i in range(N) for k in range(T)]
)
TABLE = pd.DataFrame(
    {
        "sample": np.repeat([f"s{i:02d}" for i in range(N)], T),
        "x": RNG.normal(size=N * T).round(3),
        "label": np.repeat(np.array(["sit", "walk"])[np.arange(N) % 2], T),
    }
)
CLOCK = TIMES.dt.strftime("%H:%M:%S.%f").str[:-3]


def table(**columns: "pd.Series[Any]") -> pd.DataFrame:
    """Rows in another order than time, which then has to say it."""
    return TABLE.assign(**columns).sample(frac=1.0, random_state=1).sort_values("sample", kind="stable")


TWO = {
    "Date,Time": table(Date=TIMES.dt.strftime("%Y-%m-%d"), Time=CLOCK),
    "date,time": table(date=TIMES.dt.strftime("%Y-%m-%d"), time=CLOCK),
    "Time,Date": table(Time=TIMES.dt.strftime("%I:%M:%S.%f %p"), Date=TIMES.dt.strftime("%m/%d/%Y")),
    "Datum,Zeit": table(Datum=TIMES.dt.strftime("%d.%m.%Y"), Zeit=CLOCK.str.replace(".", ",")),
    "day,clock": table(day=TIMES.dt.strftime("%Y%m%d"), clock=CLOCK),
    "timestamp,ms": table(timestamp=TIMES.dt.floor("s").astype(str), ms=TIMES.dt.microsecond // 1000),
    "unixtime,msec": table(timestamp=TIMES.dt.as_unit("s").astype("int64"), msec=TIMES.dt.microsecond // 1000),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("columns", TWO)
def test_two_columns_are_the_time_together_and_that_is_said(columns: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"two{suffix}"
    TWO[columns].to_csv(path, index=False) if suffix == ".csv" else TWO[columns].to_parquet(path, index=False)
    raw = read(path)
    np.testing.assert_allclose(raw.features[:, :, 0], TABLE["x"].to_numpy().reshape(N, T).astype(np.float32))
    assert raw.channels == ("x",)
    joined = raw.found_out["time_column"]
    assert isinstance(joined, str)
    assert sorted(joined.replace("unixtime", "timestamp").split(",")) == sorted(
        columns.replace("unixtime", "timestamp").split(",")
    )
    assert any(f"times in {joined!r} together (`--time-column`)" in one for one in raw.understood)
    # A model that remembers it, and one that is asked without, read the same; and check has nothing against it.
    for spec in (DataSpec(source=str(path)), DataSpec(source=str(path), time_column=joined)):
        ask = find_source(spec.source).unlabelled
        assert ask is not None
        asked = np.concatenate([block.examples for block in ask(spec, Wanted("sequences", (T, 1), channels=("x",)))])
        np.testing.assert_array_equal(asked, raw.features)
    assert check_data(raw, DataSpec(source=str(path)))[0].num_errors == 0


def test_recordings_in_a_folder_and_windows_take_both_as_well(tmp_path: Path) -> None:
    for name, own in TWO["Datum,Zeit"].groupby("sample"):
        path = tmp_path / "set" / own["label"].iloc[0] / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        own[["Datum", "Zeit", "x"]].to_csv(path, index=False)
    raw = read(tmp_path / "set")
    wanted = {f"s{i:02d}": TABLE["x"].to_numpy().reshape(N, T)[i] for i in range(N)}
    names = sorted(wanted, key=lambda one: (int(one[1:]) % 2, f"{one}.csv"))
    np.testing.assert_allclose(raw.features[:, :, 0], np.array([wanted[one] for one in names], np.float32))
    assert "The time step is 500 ms." in raw.notes
    TWO["Datum,Zeit"].to_csv(tmp_path / "rows.csv", index=False)
    windows = read(tmp_path / "rows.csv", window=5)
    np.testing.assert_allclose(
        windows.features[:, :, 0], TABLE["x"].to_numpy().reshape(2 * N, 5).astype(np.float32), rtol=1e-6
    )


def test_year_month_day_and_hour_are_a_time(tmp_path: Path) -> None:
    hours = pd.Series([pd.Timestamp("2024-02-28 20:00") + pd.Timedelta(hours=k) for _ in range(N) for k in range(T)])
    parts = {"year": hours.dt.year, "month": hours.dt.month, "day": hours.dt.day, "hour": hours.dt.hour}
    table(**parts).to_csv(tmp_path / "hours.csv", index=False)
    raw = read(tmp_path / "hours.csv")
    assert (raw.channels, raw.found_out["time_column"]) == (("x",), "year,month,day,hour")
    np.testing.assert_allclose(raw.features[:, :, 0], TABLE["x"].to_numpy().reshape(N, T).astype(np.float32))


def test_times_that_do_not_suffice_are_told_with_what_helps(tmp_path: Path) -> None:
    columns = {"Date": TIMES.dt.strftime("%Y-%m-%d"), "Time": TIMES.dt.strftime("%H:%M")}
    table(**columns).to_csv(tmp_path / "minutes.csv", index=False)
    with pytest.raises(DataError, match=r"two rows for the same time .* Date,Time '2024-03-25 23:59:00'"):
        read(tmp_path / "minutes.csv")
    table(Date=TIMES.dt.strftime("%Y-%m-%d"), Time=CLOCK).drop(columns="sample").to_csv(
        tmp_path / "one.csv", index=False
    )
    with pytest.raises(DataError, match=r"--sample-column NAME --time-column Date,Time`"):
        read(tmp_path / "one.csv")


@pytest.mark.parametrize(
    "columns",
    [
        {"birthdate": ["1990-01-01", "1991-01-01"], "start": ["09:00", "09:01"]},  # whose, not when
        {"Date": ["2024-01-01", "2024-01-02"], "value": ["0.5", "1.5"]},
        {"Date": ["2024-01-01", "2024-01-02"], "Time": ["36:00:00", "37:00:00"]},  # since the begin
        {"Date": ["2024-01-01", "2024-01-02"], "Start": ["09:00", "09:01"], "End": ["09:01", "09:02"]},
        {"timestamp": ["2024-01-01 00:00:00", "2024-01-01 00:00:01"], "ms": ["1000", "2000"]},  # since the begin
        {"timestamp": ["2024-01-01 00:00:00.5", "2024-01-01 00:00:01.5"], "ms": ["500", "500"]},
        {"year": ["1", "2"], "month": ["1", "2"], "day": ["1", "2"]},
        {"year": ["2024"] * 2, "month": ["1", "2"], "day": ["1", "2"], "t": ["0", "1"]},  # what else is told of steps
        {"time": ["10:00:00", "10:00:00"], "ms": ["0", "500"]},
        {"timestamp": ["2024-01-01 00:00:00", "2024-01-01 00:00:01"], "ms": ["3", "5"]},  # no two rows in a second
    ],
)
def test_what_is_no_time_together_is_left_apart(columns: dict[str, list[str]]) -> None:
    assert found_parts(list(columns), lambda name: columns[name]) is None


def test_noon_and_midnight_are_those_of_a_clock_of_twelve_hours() -> None:
    texts = pd.DataFrame({"d": "2024-01-01", "t": ["12:00:00 AM", "1:05:09,5 am", "12:30 PM", "11:59:59 p.m.", "?"]})
    joined = with_time(texts, DataSpec(source="x.csv", time_column="d,t"))["d,t"]
    assert joined.str.removeprefix("2024-01-01 ").tolist() == ["00:00:00", "01:05:09.5", "12:30:00", "23:59:59", "?"]


def test_tables_larger_than_memory_and_the_check_of_splits_join_them_too(tmp_path: Path) -> None:
    from hw3models.checking.splits import times
    from hw3models.data.readers.large_tables import read_large_table

    split = np.repeat(np.where(np.arange(N) < 3, "test", "train"), T)
    TWO["Date,Time"].assign(split=split).to_parquet(tmp_path / "a.parquet", index=False)
    spec = DataSpec(source=str(tmp_path / "a.parquet"), time_column="Date,Time")
    raw = read_large_table(tmp_path / "a.parquet", "a", spec, digest="x", cache=tmp_path)
    assert raw is not None
    whole = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    np.testing.assert_array_equal(np.asarray(raw.features), whole.features)
    assert raw.channels == whole.channels == ("x",)
    TWO["Date,Time"].assign(split=split).to_csv(tmp_path / "a.csv", index=False)
    assert [one.what for one in times(DataSpec(source=str(tmp_path / "a.csv")))] == [
        "3 of 3 test series begin before the last training series ends"
    ]
