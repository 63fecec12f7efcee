"""Parquet tables that are larger than memory: the same data set as when they are read whole."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
import pytest

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.blocks import is_on_disk
from hw3models.data.readers import large_tables, long_tables, table_limits
from hw3models.engine.batches import DeviceData
from hw3models.engine.chunked import ChunkedData, load_data
from hw3models.engine.fit import fit
from hw3models.errors import DataError
from hw3models.families import Network, find_family
from hw3models.specs import DataReport, DataSpec, Recipe, TrainSpec


def series_table(num: int = 40, *, steps: tuple[int, int] = (5, 9), split: bool = True) -> pd.DataFrame:
    """`num` series of two channels; the steps of each in a random order."""
    rng = np.random.default_rng(0)
    parts = []
    for number in range(num):
        length = int(rng.integers(steps[0], steps[1] + 1))
        part = pd.DataFrame(
            {
                "sample": f"s{number:03d}",
                "time": rng.permutation(length),
                "x": rng.normal(size=length).astype(np.float32),
                "label": ("walk", "run", "10")[number % 3],
                "y": rng.normal(size=length),
            }
        )
        if split:
            part["split"] = "test" if number % 4 == 3 else "train"
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def written(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "walks.parquet"
    table.to_parquet(path, row_group_size=13 if len(table) < 10_000 else 10_000)
    return path


def prepared(path: Path, cache: Path, **fields: Any) -> DataReport:
    spec = DataSpec(source=str(path), **fields)
    return prepare(spec, fetch(spec, cache=cache), cache=cache)


def kept(cache: Path) -> list[Path]:
    """What was written for later."""
    return [path for path in (cache / "tables").iterdir() if path.suffix != ".lock"]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is a large one, and is read seven rows at a time: a series lies in one, two or three of them."""
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(long_tables, "ROWS", 7)


@pytest.mark.parametrize("steps", [(5, 9), (6, 6)], ids=["unequal lengths", "equal lengths"])
@pytest.mark.parametrize("split", [True, False], ids=["own split", "drawn split"])
@pytest.mark.parametrize("index", [True, False], ids=["pandas index", "columns"])
def test_gives_the_data_set_that_reading_it_whole_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: tuple[int, int], split: bool, index: bool
) -> None:
    table = series_table(steps=steps, split=split)
    path = written(table.set_index(["sample", "time"]) if index else table, tmp_path)
    whole = prepared(path, tmp_path / "whole")
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(long_tables, "ROWS", 7)
    streamed = prepared(path, tmp_path / "streamed")
    # The digest is over features, labels, lengths, splits, classes and channels.
    assert streamed.digest == whole.digest
    assert streamed.notes == whole.notes
    assert is_on_disk(load_prepared(streamed).features)
    assert not is_on_disk(load_prepared(whole).features)


@pytest.mark.usefixtures("small_pieces")
def test_is_trained_on_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load_prepared(prepared(written(series_table(120), tmp_path), tmp_path))
    loaded = []

    def in_small_memory(*arguments: Any, **options: Any) -> ChunkedData | DeviceData:
        loaded.append(load_data(*arguments, **options | {"memory_bytes": 2_000}))
        return loaded[-1]

    monkeypatch.setattr("hw3models.engine.fit.load_data", in_small_memory)
    network = find_family("sequences", "gru")
    assert isinstance(network, Network)
    result = fit(dataset, network, TrainSpec(seeds=(0,), recipe=Recipe(epochs=2, batch_size=16), device="cpu"))
    assert {type(one) for one in loaded} == {ChunkedData}
    assert len(result.epochs) == 2


@pytest.mark.usefixtures("small_pieces")
def test_what_was_written_is_taken_again(tmp_path: Path) -> None:
    path = written(series_table(), tmp_path)
    first = prepared(path, tmp_path)
    (array,) = (tmp_path / "tables").glob("*.npy")
    before = array.stat().st_mtime_ns
    assert prepared(path, tmp_path).digest == first.digest
    assert array.stat().st_mtime_ns == before


@pytest.mark.usefixtures("small_pieces")
def test_half_of_what_is_written_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(series_table(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepared(path, tmp_path)
    (array,) = kept(tmp_path)
    array.write_bytes(b"of another time")
    left_behind = array.with_name(f".{array.name}.killed")
    left_behind.write_bytes(b"half")
    assert prepared(path, tmp_path).num_test == 10
    assert not left_behind.exists()


@pytest.mark.usefixtures("small_pieces")
def test_rows_in_any_order_are_read_whole(tmp_path: Path) -> None:
    table = series_table()
    shuffled = table.sample(frac=1, random_state=0)
    report = prepared(written(shuffled, tmp_path), tmp_path)
    assert not is_on_disk(load_prepared(report).features)
    assert kept(tmp_path) == []


def test_too_large_for_that_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(series_table().sample(frac=1, random_state=0), tmp_path)
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(table_limits, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="do not stand together: sort them by series"):
        prepared(path, tmp_path)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("x", 100, np.nan, r"feature 'x' is missing at row 100 \(counting from 0\)"),
        ("y", 151, np.inf, r"feature 'y' is infinite at row 151 \(counting from 0\)"),
        ("label", 90, "swim", r"column 'label' changes within a series at row 90 .*'swim'"),
        ("split", 90, "both", r"column 'split' must be train or test, at row 90 .* it is 'both'"),
    ],
)
def test_faults_name_the_row_of_the_whole_table(
    tmp_path: Path, column: str, row: int, value: object, message: str
) -> None:
    table = series_table()
    table.loc[row, column] = value  # type: ignore[call-overload]
    with pytest.raises(DataError, match=message):
        prepared(written(table, tmp_path), tmp_path)
    assert kept(tmp_path) == []


@pytest.mark.usefixtures("small_pieces")
def test_labels_that_are_measurements_leave_nothing_in_the_cache(tmp_path: Path) -> None:
    table = series_table()
    table["label"] = table["label"].map({"walk": 1.0, "run": 2.5, "10": 3.0})
    with pytest.raises(DataError, match=r"column 'label': label 2\.5 is not a whole number"):
        prepared(written(table, tmp_path), tmp_path)
    assert kept(tmp_path) == []


@pytest.mark.usefixtures("small_pieces")
def test_gaps_are_filled_as_in_a_small_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = series_table()
    table.loc[[20, 33, 100], "x"] = np.nan
    path = written(table, tmp_path)
    streamed = prepared(path, tmp_path / "streamed", missing="interpolate")
    monkeypatch.undo()
    assert streamed.digest == prepared(path, tmp_path / "whole", missing="interpolate").digest


@pytest.mark.usefixtures("small_pieces")
def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(series_table(), tmp_path)
    monkeypatch.setattr(large_tables, "ROOM", 0.0)
    with pytest.raises(DataError, match=r"its series need 0\.0 GiB in .*tables, where .* GiB are free"):
        prepared(path, tmp_path)
    assert kept(tmp_path) == []


@pytest.mark.usefixtures("small_pieces")
def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = written(series_table().drop(columns="time"), tmp_path)
    with pytest.raises(DataError, match=r"column 'time' .* is missing; the table has sample, x, label, y, split"):
        prepared(path, tmp_path)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("column", ["sample", "label", "x"])
def test_lists_in_a_column_are_refused_by_its_name(tmp_path: Path, column: str) -> None:
    table = series_table()
    table[column] = [[1.0, 2.0]] * len(table)
    with pytest.raises(DataError, match=f"column '{column}' holds lists or tables"):
        prepared(written(table, tmp_path), tmp_path)


def in_both_ways(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Digests, or what was raised, of the table read whole and in pieces."""

    def outcome(where: str) -> str:
        try:
            return prepared(path, cache / where).digest
        except DataError as error:
            return str(error)

    whole = outcome("whole")
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(long_tables, "ROWS", 7)
    return whole, outcome("streamed")


def negative_zero(names: "pd.Series[str]") -> "pd.Series[float]":
    numbers = names.str[1:].astype(float)
    return numbers.where((numbers > 0) | (numbers.index % 2 == 0), -0.0)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("label", lambda cells: cells.astype("category")),
        ("sample", lambda cells: cells.astype("category")),
        ("label", lambda cells: cells.astype("string")),
        ("sample", lambda cells: cells.astype("string")),
        ("split", lambda cells: cells.astype("category")),
        ("sample", lambda cells: cells.str[1:].astype("Int64")),
        ("sample", lambda cells: "s\0" + cells.str[1:]),
        ("sample", negative_zero),
        ("sample", lambda cells: pd.Timestamp("2026-01-01") + pd.to_timedelta(cells.str[1:].astype(int), unit="D")),
        ("time", lambda cells: pd.Timestamp("2026-01-01") + pd.to_timedelta(cells, unit="D")),
    ],
)
def test_columns_of_any_type_mean_the_same_as_in_a_small_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, change: Callable[[Any], Any]
) -> None:
    table = series_table()
    table[column] = change(table[column])
    whole, streamed = in_both_ways(written(table, tmp_path), tmp_path, monkeypatch)
    assert len(whole) == 16
    assert streamed == whole
    assert len(list((tmp_path / "streamed" / "tables").glob("*.npy"))) == 1


def test_an_index_that_is_no_column_of_the_file_is_one_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = series_table().drop(columns="time")
    table.index = pd.RangeIndex(len(table), name="time")
    whole, streamed = in_both_ways(written(table, tmp_path), tmp_path, monkeypatch)
    assert len(whole) == 16
    assert streamed == whole


def test_what_is_wrong_is_told_as_in_a_small_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = series_table()
    table["sample"] = table["sample"].str[1:].astype("Int64").where(table["sample"] != "s003")
    whole, streamed = in_both_ways(written(table, tmp_path), tmp_path, monkeypatch)
    assert "column 'sample' is empty at row" in whole
    assert "column 'sample' is empty at row" in streamed


def test_a_column_that_is_there_twice_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = pyarrow.Table.from_pandas(series_table(), preserve_index=False).replace_schema_metadata(None)
    path = tmp_path / "twice.parquet"
    parquet.write_table(columns.append_column("x", columns["y"]), path)
    whole, streamed = in_both_ways(path, tmp_path, monkeypatch)
    assert whole == streamed == f"{path}: column 'x' is there more than once."


@pytest.mark.parametrize("column", ["sample", "label"])
def test_text_that_is_not_utf8_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    columns = pyarrow.Table.from_pandas(series_table(), preserve_index=False).replace_schema_metadata(None)
    place = columns.schema.get_field_index(column)
    good = pyarrow.array([text.encode() for text in columns[column].to_pylist()])
    bad = pyarrow.array([b"\xff" + name.as_py() for name in good])
    texts = pyarrow.Array.from_buffers(pyarrow.string(), len(bad), bad.buffers())
    path = tmp_path / "bad.parquet"
    parquet.write_table(columns.set_column(place, column, texts), path)
    for told in in_both_ways(path, tmp_path, monkeypatch):
        assert told.startswith(f"{path}: cannot be read as a table")


@pytest.mark.usefixtures("small_pieces")
def test_an_index_named_like_a_column_is_told(tmp_path: Path) -> None:
    table = series_table()
    table.index = pd.Index(range(len(table)), name="x").astype("int32")
    with pytest.raises(DataError, match=r"cannot be read as a table .cannot insert x, already exists"):
        prepared(written(table, tmp_path), tmp_path)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("ending", [".npy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"of another time"])
def test_what_was_damaged_in_the_cache_is_written_anew(tmp_path: Path, ending: str, content: bytes) -> None:
    path = written(series_table(), tmp_path)
    digest = prepared(path, tmp_path).digest
    next(file for file in kept(tmp_path) if file.suffix == ending).write_bytes(content)
    assert prepared(path, tmp_path).digest == digest


@pytest.mark.usefixtures("small_pieces")
def test_a_cache_that_is_no_folder_is_told(tmp_path: Path) -> None:
    path = written(series_table(), tmp_path)
    (tmp_path / "tables").write_text("a file")
    with pytest.raises(DataError, match=r"cannot be written to .*tables .*\. Choose another cache \(HW3_CACHE\)"):
        prepared(path, tmp_path)


@pytest.mark.usefixtures("small_pieces")
def test_damaged_pages_are_told(tmp_path: Path) -> None:
    path = written(series_table(), tmp_path)
    data = bytearray(path.read_bytes())
    begin = parquet.read_metadata(path).row_group(0).column(0)
    start = begin.dictionary_page_offset or begin.data_page_offset
    data[start + 20 : start + begin.total_compressed_size] = b"\xff" * (begin.total_compressed_size - 20)
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read as a table"):
        prepared(path, tmp_path)


def test_one_long_series_among_many_costs_disk_and_not_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = pd.DataFrame({"sample": "long", "time": np.arange(60_000), "x": 0.5, "label": "run", "y": 1.0})
    path = written(pd.concat([series_table(200, split=False), long], ignore_index=True), tmp_path)
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    tracemalloc.start()
    try:
        report = prepared(path, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = load_prepared(report).features.nbytes
    assert size == 201 * 60_000 * 2 * 4
    assert peak < size / 2
