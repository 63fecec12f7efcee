"""One file is the same series to training, check, predict and drift, or is refused by all in the same words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.checking import splits
from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.readers import long_tables
from hw3models.data.source import Wanted, path_of
from hw3models.data.sources import find_source, read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.tiny import manifest_of

IDS = [
    "1", "01", "001", "1.0", "1e3", "1000", "1000.0", "NA", "null", "nan", "NaN", "None", "?", "007", "7", "000", "0",
    "-0", "9007199254740993", "9007199254740992", "True", "true", " a", "a", "a ", "x,y", 'q"q', "two\nlines", "é",
    "inf",
]  # fmt: skip
"""Names that must not be taken for each other."""
STEPS = 4
X = np.random.default_rng(0).normal(size=(len(IDS), STEPS, 2)).astype(np.float32)
WANTED = Wanted("sequences", (STEPS, 2), channels=("x", "z"))

MODEL = manifest_of((STEPS, 2), ("c0", "c1"), ("x", "z"))


def table(ids: list[str] = IDS, **changes: object) -> pd.DataFrame:
    """A series of each name, in two classes."""
    num = len(ids)
    frame = {
        "sample": np.repeat(np.array(ids, dtype=object), STEPS),
        "time": np.tile(np.arange(STEPS), num),
        "x": X[:num, :, 0].ravel(),
        "z": X[:num, :, 1].ravel(),
        "label": np.repeat([f"c{i % 2}" for i in range(num)], STEPS),
    }
    return pd.DataFrame(frame | changes)


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path, index=False)
    return path


def trained_on(path: Path) -> np.ndarray:
    spec = DataSpec(source=str(path))
    return np.asarray(read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent).features)


def asked_about(path: Path) -> tuple[list[str], np.ndarray]:
    blocks = list(read_examples(path, WANTED))
    return [one for block in blocks for one in block.ids.tolist()], np.concatenate([block.examples for block in blocks])


@pytest.mark.parametrize("rows", [5, 100_000])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_names_come_back_to_the_letter(suffix: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_tables, "ROWS", rows)
    path = write(tmp_path / f"named.{suffix}", table())
    ids, values = asked_about(path)
    assert ids == IDS
    np.testing.assert_array_equal(values, X)
    np.testing.assert_array_equal(trained_on(path), X)


def lines(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "\n".join(change(text.splitlines())) + "\n"


def cell(row: int, column: int, value: str) -> Callable[[str], str]:
    """Another cell on a line of the file, which is counted from 1."""

    def change(rows: list[str]) -> list[str]:
        cells = rows[row - 1].split(",")
        cells[column] = value
        return [*rows[: row - 1], ",".join(cells), *rows[row:]]

    return lines(change)


def column(index: int, value: Callable[[int, str], str]) -> Callable[[str], str]:
    def change(rows: list[str]) -> list[str]:
        cells = [row.split(",") for row in rows]
        for number, row in enumerate(cells[1:]):
            row[index] = value(number, row[index])
        return [",".join(row) for row in cells]

    return lines(change)


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "a blank name": (cell(7, 0, ""), "column 'sample' is empty at line 7"),
    "a name of spaces": (cell(7, 0, "  "), "column 'sample' is empty at line 7"),
    "all times equal": (
        column(1, lambda *_: "0"),
        "a series has two rows for the same time at line 3, .*'s0', time '0'",
    ),
    "a missing time": (cell(6, 1, ""), "column 'time' is neither a number nor a date .* at line 6: ''"),
    "times that are words": (column(1, lambda _, t: f"t{t}"), "column 'time' is neither a number .* line 2, .*: 't0'"),
    "a date among numbers": (cell(6, 1, "2024-01-31"), "column 'time' is neither .* at line 6: '2024-01-31'"),
    "an endless value": (cell(9, 2, "inf"), "feature 'x' is infinite at line 9"),
    "a word for a value": (cell(9, 2, "high"), "feature 'x' is not a number at line 9: 'high'"),
    "a column twice": (lambda text: text.replace("x,z", "x,x"), "column 'x' is there more than once"),
    "a cell too many": (cell(9, 4, "c0,1"), "cannot be read as a table .*line 9"),
    "no rows": (lines(lambda rows: rows[:1]), "the table has columns but no rows"),
    "no times": (lambda text: text.replace("time", "tme"), r"column 'time' \(`time_column`\) is missing"),
    "tildes": (lambda text: text.replace(",", "~"), "separated by something else than commas"),
}


@pytest.mark.parametrize("rows", [3, 100_000])
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_by_all_with_its_line(
    case: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, message = REFUSED[case]
    path = tmp_path / "bad.csv"
    path.write_text(spoil(table([f"s{i}" for i in range(6)]).to_csv(index=False)))
    with pytest.raises(DataError, match=message) as training:
        trained_on(path)
    monkeypatch.setattr(long_tables, "ROWS", rows)
    with pytest.raises(DataError) as predicting:
        asked_about(path)
    # A later piece may have a fault that comes before in the file. Of tildes training says that labels lack, too.
    if rows > 3 and case != "tildes":
        assert str(predicting.value) == str(training.value)
    # Nobody says of a file without labels anything else.
    unlabelled = tmp_path / "bare.csv"
    unlabelled.write_text(path.read_text().replace(",label", ",mark"))
    with pytest.raises(DataError, match=message if rows > 3 else None):
        read_new(DataSpec(source=str(unlabelled)), MODEL, cache=tmp_path)


def test_a_quoted_header_has_labels_as_well(tmp_path: Path) -> None:
    frame = table()
    path = tmp_path / "from_r.csv"
    path.write_text(frame.to_csv(index=False, quoting=2))  # quotes around all that is no number, as R writes
    assert path.read_text().startswith('"sample","time","x"')
    found = read_new(DataSpec(source=str(path)), MODEL, cache=tmp_path)
    assert found.classes is not None
    assert found.classes.tolist() == [i % 2 for i in range(len(IDS))]
    np.testing.assert_array_equal(found.examples, X)


def test_drift_reads_the_same_with_labels_and_without(tmp_path: Path) -> None:
    with_labels = write(tmp_path / "with.csv", table())
    without = write(tmp_path / "without.csv", table().drop(columns="label"))
    other = write(tmp_path / "other.csv", table().rename(columns={"label": "mode"}))
    found = [
        read_new(
            DataSpec(source=str(path), label_column=label),
            MODEL,
            cache=tmp_path,
        )
        for path, label in ((with_labels, "label"), (without, "label"), (other, "mode"))
    ]
    for one in found:
        np.testing.assert_array_equal(one.examples, X)
    assert [one.classes is None for one in found] == [False, True, False]


def test_times_of_one_file_are_all_numbers_or_all_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(["a", "b", "c", "d"]).astype({"time": object})
    frame.loc[4:, "time"] = [f"2024-01-0{day}" for day in range(1, 5)] * 3
    path = write(tmp_path / "mixed.csv", frame)
    for rows, message in ((100_000, "neither a number nor a date"), (4, "dates for series 'b', but numbers for .*'a'")):
        monkeypatch.setattr(long_tables, "ROWS", rows)
        with pytest.raises(DataError, match=message):
            asked_about(path)
    with pytest.raises(DataError, match="neither a number nor a date"):
        trained_on(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_large_whole_times_are_not_rounded_to_each_other(suffix: str, tmp_path: Path) -> None:
    late = np.tile(9007199254740992 + np.arange(STEPS)[::-1], len(IDS))
    path = write(tmp_path / f"late.{suffix}", table(time=late))
    np.testing.assert_array_equal(trained_on(path), X[:, ::-1])
    np.testing.assert_array_equal(asked_about(path)[1], X[:, ::-1])


def test_an_index_that_is_only_a_range_is_a_column_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table().drop(columns="time")
    frame.index = pd.RangeIndex(7, 7 + 2 * len(frame), 2, name="time")
    frame.to_parquet(tmp_path / "range.parquet")
    monkeypatch.setattr(long_tables, "ROWS", 7)
    np.testing.assert_array_equal(trained_on(tmp_path / "range.parquet"), X)
    np.testing.assert_array_equal(asked_about(tmp_path / "range.parquet")[1], X)


def test_check_looks_at_times_of_series_that_are_not_taken_for_each_other(tmp_path: Path) -> None:
    ids = [name for number in range(10) for name in (f"0{number}", str(number))]
    # A series `05` of the test split begins after all training is over, `5` is in the training.
    split = np.repeat(["test" if name.startswith("0") else "train" for name in ids], STEPS)
    begin = np.repeat([1000 + i if name.startswith("0") else i for i, name in enumerate(ids)], STEPS)
    path = write(tmp_path / "two.csv", table(ids, time=begin * 10 + np.tile(np.arange(STEPS), len(ids)), split=split))
    assert list(splits.times(DataSpec(source=str(path)))) == []
    source = find_source(str(path))
    assert source.table is not None
    assert source.table(path_of(str(path)), ["sample"])["sample"].tolist() == np.repeat(ids, STEPS).tolist()
