"""A pair of tables whose columns stand in another order, or differ: by their names, never by their places."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from tests.hw3models.data.readers.forms import classes, read, series

N, T = 24, 12
X = series(N, T, 2).cumsum(axis=1).round(4)
Y = np.array(["sit", "walk"])[np.arange(N) % 2]
LONG = pd.DataFrame(
    {
        "sample": np.repeat([f"s{i}" for i in range(N)], T),
        "time": np.tile(np.arange(T), N),
        "a": X[:, :, 0].ravel().astype(str),
        "b": X[:, :, 1].ravel().astype(str),
        "label": np.repeat(Y, T),
    }
)
WIDE = pd.DataFrame(X[:, :, 0].astype(str), columns=[f"t{i}" for i in range(T)]).assign(label=Y)
SIDE = pd.DataFrame(
    np.hstack([X[:, :, 0], X[:, :, 1]]).astype(str), columns=[f"{c}_{i}" for c in "ab" for i in range(T)]
).assign(label=Y)


def write(folder: Path, table: pd.DataFrame, test: pd.DataFrame, suffix: str = "csv") -> Path:
    for name, part in (("train", table), ("test", test)):
        path = folder / f"d_{name}.{suffix}"
        numbers = [name for name in part.columns if name not in {"sample", "label"}]
        part = part.astype(dict.fromkeys(numbers, np.float64))
        part.to_csv(path, index=False) if suffix == "csv" else part.to_parquet(path, index=False)
    return folder / f"d_train.{suffix}"


def halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    at = len(table) * 2 // 3
    return table[:at], table[at:]


def mixed(table: pd.DataFrame) -> pd.DataFrame:
    return table[list(np.random.default_rng(3).permutation(table.columns))]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("options", [{}, {"window": T}])
def test_long_tables_are_matched_by_the_names_of_their_columns(suffix: str, options: Any, tmp_path: Path) -> None:
    train, test = halves(LONG)
    raw = read(write(tmp_path, train, mixed(test).assign(extra=np.arange(len(test)) % 7 * 0.5), suffix), **options)
    assert (raw.channels, classes(raw)) == (("a", "b"), Y.tolist())
    np.testing.assert_array_equal(raw.features, X)
    assert raw.test is not None
    assert raw.test.sum() == N // 3


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_wide_tables_are_matched_by_the_names_of_their_columns(suffix: str, tmp_path: Path) -> None:
    train, test = halves(WIDE)
    raw = read(write(tmp_path, train, mixed(test), suffix))
    np.testing.assert_array_equal(raw.features, X[:, :, :1])
    assert classes(raw) == Y.tolist()
    assert any(note.startswith("Columns were put in the order of their numbers") for note in raw.notes)
    train, test = halves(SIDE)
    raw = read(write(tmp_path, mixed(train), mixed(test)[::-1], suffix))
    order = [*range(2 * N // 3), *range(N - 1, 2 * N // 3 - 1, -1)]
    channels = [raw.channels.index(name) for name in "ab"]
    np.testing.assert_array_equal(raw.features[:, :, channels], X[order])


def test_steps_without_numbers_are_matched_by_their_names(tmp_path: Path) -> None:
    names = [*"qwertzuiopas", "label"]
    train, test = halves(WIDE.set_axis(names, axis=1))
    raw = read(write(tmp_path, train, mixed(test)), layout="wide")
    np.testing.assert_array_equal(raw.features, X[:, :, :1])


def test_a_model_that_is_asked_takes_steps_by_their_numbers(tmp_path: Path) -> None:
    mixed(WIDE.drop(columns="label")).to_csv(tmp_path / "new.csv", index=False)
    [block] = read_examples(tmp_path / "new.csv", Wanted("sequences", (T, 1)))
    np.testing.assert_array_equal(block.examples, X[:, :, :1])


@pytest.mark.parametrize(
    ("table", "options", "gone", "message"),
    [
        (LONG, {}, "a", r"d_test\.csv: column 'a' is missing, which d_train\.csv has .*the table has .*label"),
        (LONG, {"window": 4}, "b", r"d_test\.csv: column 'b' is missing, which d_train\.csv has"),
        (WIDE, {}, "t3", r"d_train\.csv has the column 't3', which d_test\.csv has not"),
        (SIDE, {}, "b_5", r"d_train\.csv has the column 'b_5', which d_test\.csv has not"),
    ],
)
def test_a_test_file_that_lacks_a_channel_is_refused_and_not_taken_for_one_without_labels(
    table: pd.DataFrame, options: Any, gone: str, message: str, tmp_path: Path
) -> None:
    train, test = halves(table)
    path = write(tmp_path, train, test.drop(columns=gone))
    with pytest.raises(DataError, match=message):
        read(path, **options)
    raw = read(path, pair=False, **options)
    assert raw.test is None or options


def test_a_channel_that_was_named_is_missing_from_both(tmp_path: Path) -> None:
    path = write(tmp_path, *halves(LONG))
    with pytest.raises(DataError, match=r"d_train\.csv: column 'c' \(`feature_columns`\) is missing"):
        read(path, feature_columns=("a", "c"))


def test_a_longer_test_file_has_longer_series(tmp_path: Path) -> None:
    train, test = halves(WIDE)
    raw = read(write(tmp_path, train.drop(columns=["t10", "t11"]), test))
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [10] * 16 + [12] * 8
