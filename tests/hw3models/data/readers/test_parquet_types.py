"""Columns of Parquet of every type: numbers are read as such, others are refused by name; small tables and large."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from hw3models.data.readers import long_tables, table_limits
from hw3models.errors import DataError
from tests.hw3models.data.readers.forms import classes, read

SERIES, STEPS = 12, 3
ROWS = SERIES * STEPS
X = [float((i * 7 + t * 3) % 5) + 0.25 for i in range(SERIES) for t in range(STEPS)]


@pytest.fixture(params=[False, True], ids=["small", "large"], autouse=True)
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
        monkeypatch.setattr(long_tables, "ROWS", 7)


def write(folder: Path, **columns: Any) -> Path:
    plain = {
        "sample": np.repeat([f"s{i}" for i in range(SERIES)], STEPS),
        "time": np.tile(np.arange(STEPS), SERIES),
        "x": X,
        "label": np.repeat(["ab"[i % 2] for i in range(SERIES)], STEPS),
    }
    parquet.write_table(pa.table(plain | columns), folder / "t.parquet", row_group_size=5)
    return folder / "t.parquet"


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([Decimal(int(4 * v)) / 4 for v in X], pa.decimal128(10, 2)), X),
        (pa.array([Decimal(int(4 * v)) / 4 for v in X], pa.decimal256(50, 2)), X),
        (pa.array(np.array(X, np.float16)), X),
        (pa.array([2**63 + 2**40 * int(4 * v) for v in X], pa.uint64()), [2.0**63 + 2.0**40 * int(4 * v) for v in X]),
        (pa.array([v > 2 for v in X]), [float(v > 2) for v in X]),
        (pa.array([str(v) for v in X]).dictionary_encode(), X),
        (pa.array([str(v).encode() for v in X]), X),
    ],
    ids=["decimal128", "decimal256", "half", "uint64", "bool", "dictionary", "binary"],
)
def test_numbers_of_every_type_are_numbers(column: Any, expected: list[float], tmp_path: Path) -> None:
    raw = read(write(tmp_path, z=column))
    assert raw.channels == ("x", "z")
    np.testing.assert_array_equal(raw.features[:, :, 1], np.float32(expected).reshape(SERIES, STEPS))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            pa.array([dt.datetime(2024, 1, 1) + dt.timedelta(i) for i in range(ROWS)]),
            r"'z' has type datetime64.*numbers",
        ),
        (pa.array([dt.timedelta(i) for i in range(ROWS)]), r"'z' has type timedelta64.*; numbers are needed"),
        (pa.array([dt.date(2024, 1, 1 + i % 28) for i in range(ROWS)]), r"'z' is not a number at row 0.*'2024-01-01'"),
        (pa.array([{"a": 1.0, "b": i} for i in range(ROWS)]), r"'z' holds lists or tables.*`--ignore-columns z`"),
        (pa.array([[("a", float(i))] for i in range(ROWS)], pa.map_(pa.string(), pa.float64())), r"'z' holds lists or"),
        (pa.array([[1.0, float(i)] for i in range(ROWS)]), r"'z' holds lists or tables"),
        (pa.array([None, *[Decimal(i) for i in range(ROWS - 1)]], pa.decimal128(10, 2)), r"'z' is missing at row 0"),
    ],
    ids=["timestamp", "duration", "date", "struct", "map", "list", "decimal with a gap"],
)
def test_what_is_no_number_is_refused_by_name(column: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, z=column)
    with pytest.raises(DataError, match=message):
        read(path)
    if "missing" not in message:
        assert read(path, ignore_columns=("z",)).channels == ("x",)


@pytest.mark.parametrize(
    "times",
    [
        pa.array(
            [dt.datetime(2024, 1, 1) - dt.timedelta(days=t) for t in range(STEPS)] * SERIES, pa.timestamp("ns", "UTC")
        ),
        pa.array([dt.date(2024, 1, 9 - t) for t in range(STEPS)] * SERIES),
        pa.array([dt.time(9 - t, 30) for t in range(STEPS)] * SERIES),
        pa.array([dt.timedelta(hours=9 - t) for t in range(STEPS)] * SERIES),
        pa.array([Decimal(9 - t) for t in range(STEPS)] * SERIES, pa.decimal128(10, 2)),
        pa.array([2**63 + 9 - t for t in range(STEPS)] * SERIES, pa.uint64()),
    ],
    ids=["timestamp", "date", "time", "duration", "decimal", "uint64"],
)
def test_times_of_every_type_order_the_steps(times: Any, tmp_path: Path) -> None:
    raw = read(write(tmp_path, time=times))
    np.testing.assert_array_equal(raw.features[:, :, 0], np.float32(X).reshape(SERIES, STEPS)[:, ::-1])


def test_times_that_are_all_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'time' is neither a number nor a date .*at row 0"):
        read(write(tmp_path, time=pa.nulls(ROWS)))


def test_names_in_bytes_are_the_text_that_they_spell(tmp_path: Path) -> None:
    """As Spark and Impala write text."""
    names = [f"s{i} \u00e9".encode() for i in range(SERIES) for _ in range(STEPS)]
    labels = ["ab"[i % 2].encode() for i in range(SERIES) for _ in range(STEPS)]
    raw = read(write(tmp_path, sample=pa.array(names), label=pa.array(labels)))
    assert classes(raw) == ["ab"[i % 2] for i in range(SERIES)]
    assert raw.channels == ("x",)
