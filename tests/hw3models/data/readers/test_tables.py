"""Long-form tables: every value where it belongs, every fault with its line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.errors import DataError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(24, 5, 2)).astype(np.float32)


def table(**columns: Any) -> pd.DataFrame:
    """24 series of 5 steps, features x and y, classes `left` and `right` in turn."""
    steps = len(VALUES) * 5
    frame = pd.DataFrame(
        {
            "sample": np.repeat(np.arange(24), 5),
            "time": np.tile(np.arange(5), 24),
            "x": VALUES[:, :, 0].ravel(),
            "y": VALUES[:, :, 1].ravel(),
            "label": np.repeat(["left", "right"] * 12, 5),
        }
    )
    assert len(frame) == steps
    return frame.assign(**columns)


def read(path: Path, frame: pd.DataFrame | str, **spec: Any) -> Dataset:
    if isinstance(frame, str):
        path.write_text(frame)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    wanted = DataSpec(source=str(path), **spec)
    return load_prepared(prepare(wanted, fetch(wanted, cache=path.parent), cache=path.parent))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_in_any_order_become_series(suffix: str, tmp_path: Path) -> None:
    data = read(tmp_path / f"toy.{suffix}", table().sample(frac=1, random_state=1))
    found = {one.tobytes(): data.class_names[label] for one, label in zip(data.features, data.labels, strict=True)}
    assert found == {one.tobytes(): ("left", "right")[i % 2] for i, one in enumerate(VALUES)}
    assert (data.kind, len(data.test)) == ("sequences", 6)


def test_csv_and_parquet_give_the_same_digest(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", table()).digest == read(tmp_path / "b.parquet", table()).digest


def test_columns_are_named_by_the_spec(tmp_path: Path) -> None:
    renamed = table().rename(columns={"sample": "ride", "time": "t", "label": "mode"})
    data = read(tmp_path / "toy.csv", renamed, sample_column="ride", time_column="t", label_column="mode")
    np.testing.assert_array_equal(data.features, VALUES)


def test_a_split_column_gives_the_test_split(tmp_path: Path) -> None:
    data = read(tmp_path / "toy.csv", table(split=np.repeat(["train", "Test", "train", "train", "test", "train"], 20)))
    np.testing.assert_array_equal(data.test, [4, 5, 6, 7, 16, 17, 18, 19])
    assert data.features.shape == (24, 5, 2)


def test_series_of_unequal_length_are_padded_at_the_end(tmp_path: Path) -> None:
    data = read(tmp_path / "toy.csv", table().drop(index=[3, 4, 9]))
    assert data.lengths is not None
    assert data.lengths.tolist()[:3] == [3, 4, 5]
    np.testing.assert_array_equal(data.features[0, :3], VALUES[0, :3])
    assert (data.features[0, 3:] == 0).all()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_times_may_be_dates(suffix: str, tmp_path: Path) -> None:
    dates = pd.to_datetime("2024-01-31") + pd.to_timedelta(np.tile(np.arange(5), 24), unit="D")
    data = read(tmp_path / f"toy.{suffix}", table(time=dates).iloc[::-1])
    np.testing.assert_array_equal(data.features, VALUES[::-1])


def test_times_are_sorted_as_numbers_not_as_text(tmp_path: Path) -> None:
    data = read(tmp_path / "toy.csv", table(time=np.tile([2, 10, 30, 100, 1000], 24)))
    np.testing.assert_array_equal(data.features, VALUES)


def test_names_that_look_like_missing_values_or_numbers_are_kept(tmp_path: Path) -> None:
    data = read(tmp_path / "toy.csv", table(label=np.repeat(["NA", "01", "1"] * 8, 5)))
    assert data.class_names == ("01", "1", "NA")


def test_a_table_with_its_index_in_parquet_is_read(tmp_path: Path) -> None:
    data = read(tmp_path / "toy.parquet", table().set_index(["sample", "time"]))
    np.testing.assert_array_equal(data.features, VALUES)


def test_missing_columns_are_named_with_what_was_found(tmp_path: Path) -> None:
    renamed = table().rename(columns={"sample": "Samples", "label": "class"})
    with pytest.raises(DataError) as caught:
        read(tmp_path / "toy.csv", renamed)
    message = str(caught.value)
    assert message.count("the table has Samples, time, x, y, class.") == 1
    assert "column 'sample' (`sample_column`) is missing" in message
    assert "Did you mean 'Samples'?" in message
    assert "column 'label' (`label_column`) is missing" in message


def test_all_faults_come_together_with_their_lines(tmp_path: Path) -> None:
    broken = table().astype({"x": object, "y": object, "label": object, "time": object})
    broken.loc[2, "x"] = "high"
    broken.loc[7, "y"] = np.nan
    broken.loc[8, "y"] = np.inf
    broken.loc[11, "time"] = 0
    broken.loc[16, "label"] = "left"
    broken.loc[30, "time"] = "soon"
    broken.loc[41, "label"] = ""
    with pytest.raises(DataError) as caught:
        read(tmp_path / "toy.csv", broken)
    for fault in (
        "feature 'x' is not a number at line 4: 'high'",
        "feature 'y' is missing at line 9",
        "feature 'y' is infinite at line 10",
        "a series has two rows for the same time at line 13: sample '2', time '0'",
        "column 'label' changes within a series at line 18, line 43: series '3' has 'right' and 'left'",
        "column 'time' is neither a number nor a date (ISO 8601) at line 32: 'soon'",
        "column 'label' is empty at line 43",
    ):
        assert fault in str(caught.value)


def test_parquet_faults_name_rows(tmp_path: Path) -> None:
    broken = table()
    broken.loc[6, "x"] = np.nan
    with pytest.raises(DataError, match=r"feature 'x' is missing at row 6 \(counting from 0\)"):
        read(tmp_path / "toy.parquet", broken)
    with pytest.raises(DataError, match=r"feature 'x' has type datetime64.*; numbers are needed"):
        read(tmp_path / "toy.parquet", table(x=pd.date_range("2024-01-31", periods=120)))


def test_a_split_must_be_train_or_test_and_constant_within_a_series(tmp_path: Path) -> None:
    split = np.repeat(["train", "test"], 60)
    split[1], split[70] = "test", "dev"
    with pytest.raises(DataError, match=r"must be train or test, at line 72 it is 'dev'.*changes within .* line 3"):
        read(tmp_path / "toy.csv", table(split=split))


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2, line 3, line 4, line 5, line 6 and 115 more: 'low'"):
        read(tmp_path / "toy.csv", table(x=["low", "high"] * 60))


def test_blank_lines_do_not_shift_line_numbers(tmp_path: Path) -> None:
    text = table().to_csv(index=False).replace("\n0,3,", "\n\n0,3,") + "\n"
    np.testing.assert_array_equal(read(tmp_path / "toy.csv", text).features, VALUES)
    with pytest.raises(DataError, match=r"feature 'x' is not a number at line 6: 'bad"):
        read(tmp_path / "toy.csv", text.replace("\n0,3,", "\n0,3,bad"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "toy.csv: the file is empty"),
        ("sample,time,x,label\n", "columns but no rows"),
        ("sample,time,label\n1,1,a\n", "there is no feature column"),
        ("sample~time~x~label\n1~1~2~a\n", "separated by something else than"),
        ("sample,time,x,label\n1,1,2,a\n1,2,3,a,b\n", "cannot be read as a table .*line 3"),
        ("sample,time,x,label\n1,1,2,a,b\n1,2,3,a,b\n", "more fields than the header"),
    ],
)
def test_a_file_that_is_no_such_table_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "toy.csv", text)


@pytest.mark.parametrize(("name", "content"), [("toy.csv", b"\xff\xfe\x00a,b"), ("toy.parquet", b"no parquet")])
def test_a_file_of_another_kind_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    wanted = DataSpec(source=str(tmp_path / name))
    source = fetch(wanted, cache=tmp_path)
    with pytest.raises(DataError, match=rf"{name}: cannot be read as a table"):
        prepare(wanted, source, cache=tmp_path)


def test_equal_column_names_in_the_spec_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must differ from each other"):
        read(tmp_path / "toy.csv", table(), time_column="sample")


def test_lists_in_a_row_are_refused_with_what_to_do(tmp_path: Path) -> None:
    nested = table(z=[[1.0, 2.0]] * len(table()))
    with pytest.raises(DataError, match=r"column 'z' holds lists or tables; .*`--ignore-columns z`"):
        read(tmp_path / "a.parquet", nested)
    assert (
        read(tmp_path / "a.parquet", nested, ignore_columns=("z",)).digest
        == read(tmp_path / "b.parquet", table()).digest
    )
    whole = table().groupby("sample").agg({"x": list, "label": "first"}).reset_index()
    assert np.array_equal(
        read(tmp_path / "c.parquet", whole).features[:, :, 0], read(tmp_path / "b.parquet", table()).features[:, :, 0]
    )
