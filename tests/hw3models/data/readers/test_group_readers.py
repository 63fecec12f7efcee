"""Groups as every reader finds them: to the letter, one for each example, or a sentence that says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.readers import long_tables, table_limits
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

NAMES = ["01", "1", "1.0", "NA", "é b"]
"""Groups that must not be taken for each other."""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 6, 2)).astype(np.float32)
GROUPS = [NAMES[i % 5] for i in range(20)]


def table(**changes: Any) -> pd.DataFrame:
    """20 series of 6 steps."""
    frame = {
        "sample": np.repeat(np.arange(20), 6),
        "time": np.tile(np.arange(6), 20),
        "subject": np.repeat(GROUPS, 6),
        "x": X[:, :, 0].ravel(),
        "y": X[:, :, 1].ravel(),
        "label": np.repeat(["a", "b"] * 10, 6),
    }
    return pd.DataFrame(frame | changes)


def read(path: Path, **fields: Any) -> Raw:
    spec = DataSpec(source=str(path), **fields)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


def named(raw: Raw) -> list[str]:
    assert raw.groups is not None
    return [raw.group_names[code] for code in raw.groups]


def write(path: Path, frame: pd.DataFrame) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "large.parquet"])
def test_a_column_of_a_table_is_taken_to_the_letter_and_is_no_channel(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("large"):
        monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
        monkeypatch.setattr(long_tables, "ROWS", 7)
    raw = read(write(tmp_path / name, table()), group_column="subject")
    assert (named(raw), raw.channels) == (GROUPS, ("x", "y"))
    again = read(tmp_path / name, group_column="subject")
    assert named(again) == GROUPS, "out of the cache as well"
    blocks = read_examples(tmp_path / name, Wanted("sequences", (6, 2)), group_column="subject")
    assert [group for block in blocks for group in block.groups or ()] == GROUPS


def test_a_large_table_is_kept_apart_by_its_column_of_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    path = write(tmp_path / "a.parquet", table(subject=np.repeat(np.arange(20) % 5, 6), visit=np.repeat([0, 1], 60)))
    first, second = (read(path, group_column=column) for column in ("subject", "visit"))
    assert (first.channels, second.channels) == (("x", "y"), ("x", "y"))
    assert (first.group_names, second.group_names) == (("0", "1", "2", "3", "4"), ("0", "1"))
    assert read(path).groups is None


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_group_that_changes_within_a_series_is_named_with_both(name: str, tmp_path: Path) -> None:
    groups = np.repeat(GROUPS, 6).astype(object)
    groups[8] = "other"
    path = write(tmp_path / name, table(subject=groups))
    message = r"column 'subject' changes within a series .*: series '1' has '1' and 'other'"
    with pytest.raises(DataError, match=message):
        read(path, group_column="subject")
    with pytest.raises(DataError, match=message):
        list(read_examples(path, Wanted("sequences", (6, 2), channels=("x", "y")), group_column="subject"))


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_a_group_that_is_missing_is_named(empty: str | None, tmp_path: Path) -> None:
    groups = np.repeat(GROUPS, 6).astype(object)
    groups[12:18] = empty
    path = write(tmp_path / "a.csv", table(subject=groups))
    with pytest.raises(DataError, match=r"column 'subject' is empty at line 14, line 15"):
        read(path, group_column="subject")
    with pytest.raises(DataError, match=r"column 'subject' is empty at line 14, line 15"):
        list(read_examples(path, Wanted("sequences", (6, 2), channels=("x", "y")), group_column="subject"))


def test_a_column_that_is_not_there_or_is_another_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table())
    with pytest.raises(DataError, match=r"column 'subjct' \(`group_column`\) is missing; .* Did you mean 'subject'\?"):
        read(path, group_column="subjct")
    with pytest.raises(DataError, match="the names of the columns must differ"):
        read(path, group_column="label")


def test_a_text_that_may_be_a_group_is_no_channel_and_offered_as_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table(subject=np.repeat([f"p{i % 4}" for i in range(20)], 6)))
    raw = read(path)
    assert raw.channels == ("x", "y")
    assert (
        "'subject' gives the label away, as each of its 4 values has one; `--group-column subject`, if" in raw.notes[0]
    )


@pytest.mark.parametrize(("source", "how"), [("a.npz", "named by an array `groups`"), ("digits", "It names no groups")])
def test_a_source_without_columns_says_which_have_some(source: str, how: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(20) % 2)
    where = str(tmp_path / source) if "." in source else source
    spec = DataSpec(source=where, group_column="subject")
    with pytest.raises(SpecError, match=rf"is no table: only .*\.csv, .*\.parquet.* have columns\. .*{how}"):
        fetch(spec, cache=tmp_path)


def test_arrays_name_groups_beside_the_labels(tmp_path: Path) -> None:
    y = np.arange(20) % 2
    np.savez(tmp_path / "one.npz", X=X, y=y, groups=np.array(GROUPS))
    assert named(read(tmp_path / "one.npz")) == GROUPS
    [block] = read_examples(tmp_path / "one.npz", Wanted("sequences", (6, 2)))
    assert list(block.groups or ()) == GROUPS
    two = {"X": X[:12], "y": y[:12], "groups": np.arange(12) % 3}
    two |= {"X_test": X[12:], "y_test": y[12:], "groups_test": np.arange(8) % 2 + 7}
    np.savez(tmp_path / "two.npz", **two)
    assert named(read(tmp_path / "two.npz"))[10:14] == ["1", "2", "7", "8"]
    np.savez(tmp_path / "none.npz", X=X, y=y)
    assert read(tmp_path / "none.npz").groups is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"groups": np.arange(19)}, r"groups has shape \(19,\); one group for each example, \(20,\), is needed"),
        ({"groups": np.arange(20) / 2}, "groups has type float64; whole numbers or text are needed"),
        ({"groups": np.array(["a"] * 18 + [" ", ""])}, r"groups is empty for 2 examples, the first is example 18"),
        ({"groups_test": np.arange(20)}, "groups belong to X, and groups_test to X_test"),
        ({"X_test": X, "y_test": np.arange(20) % 2, "groups": np.arange(20)}, "name them for both, or for neither"),
    ],
)
def test_arrays_of_groups_that_do_not_fit_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(20) % 2, **arrays)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.npz")


def test_arrays_on_disk_have_a_file_of_groups(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "a_labels.npy", np.arange(20) % 2)
    np.save(tmp_path / "a_groups.npy", np.array(GROUPS))
    raw = read(tmp_path / "a.npy")
    assert (named(raw), raw.test) == (GROUPS, None)
    [block] = read_examples(tmp_path / "a.npy", Wanted("sequences", (6, 2)))
    assert list(block.groups or ()) == GROUPS
    np.save(tmp_path / "a_groups.npy", np.arange(7))
    with pytest.raises(DataError, match=r"a_groups\.npy has shape \(7,\); one group for each example"):
        read(tmp_path / "a.npy")


def series_file(path: Path, rows: range) -> None:
    head = "@problemName toy\n@univariate true\n@classLabel true a b\n@data\n"
    path.write_text(head + "".join(f"{','.join(map(str, X[i, :, 0]))}:{'ab'[i % 2]}\n" for i in rows))


def test_a_series_file_has_a_file_of_groups_beside_it(tmp_path: Path) -> None:
    series_file(tmp_path / "toy.ts", range(20))
    assert read(tmp_path / "toy.ts").groups is None
    before = fetch(DataSpec(source=str(tmp_path / "toy.ts")), cache=tmp_path).digest
    (tmp_path / "toy.groups").write_text("\n".join(GROUPS) + "\n")
    assert named(read(tmp_path / "toy.ts")) == GROUPS
    assert fetch(DataSpec(source=str(tmp_path / "toy.ts")), cache=tmp_path).digest != before
    [block] = read_examples(tmp_path / "toy.ts", Wanted("sequences", (6, 1)))
    assert list(block.groups or ()) == GROUPS


def test_a_pair_of_series_files_has_a_pair_of_them(tmp_path: Path) -> None:
    series_file(tmp_path / "toy_TRAIN.ts", range(12))
    series_file(tmp_path / "toy_TEST.ts", range(12, 20))
    (tmp_path / "toy_TRAIN.groups").write_text("\n".join(GROUPS[:12]))
    with pytest.raises(DataError, match=r"toy_TRAIN\.groups names groups, but toy_TEST\.groups is not beside it"):
        read(tmp_path / "toy_TRAIN.ts")
    (tmp_path / "toy_TEST.groups").write_text("\n".join(GROUPS[12:]))
    raw = read(tmp_path / "toy_TEST.ts")
    assert (raw.name, named(raw)) == ("toy", GROUPS)
    (tmp_path / "toy_TEST.groups").write_text("a\n\nb\n")
    message = r"toy_TEST\.groups: line 2 names no group.*toy_TEST\.groups: it has 3 lines for 8 series"
    with pytest.raises(DataError, match=message):
        read(tmp_path / "toy_TRAIN.ts")
