"""A folder of recordings: classes by folder, name, manifest or row; splits and groups; what is hidden is skipped."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.readers.folders import is_folder_of_series
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read, series

X = series(8, 6, 2)
INDOOR = SHARED / "data" / "series" / "indoor_movement"


def write(path: Path, row: int, **columns: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(X[row].astype(str), columns=["x", "y"]).assign(**columns).to_csv(path, index=False)


def of_classes(folder: Path, form: str = "{label}/{row}.csv", **names: Any) -> Path:
    for row in range(8):
        write(folder / form.format(label="ab"[row % 2], row=row, **{k: v[row] for k, v in names.items()}), row)
    return folder


@needs_shared
def test_indoor_movement_has_its_published_counts_and_pandas_values() -> None:
    raw = read(INDOOR, group_column="dataset_ID")
    target = pd.read_csv(INDOOR / "dataset" / "MovementAAL_target.csv", index_col=0).iloc[:, 0]
    groups = pd.read_csv(INDOOR / "groups" / "MovementAAL_DatasetGroup.csv", index_col=0).iloc[:, 0]
    assert (len(raw.labels), raw.channels[0]) == (314, "RSS_anchor1")
    assert raw.lengths is not None
    assert (raw.lengths.min(), raw.lengths.max()) == (19, 129)
    assert Counter(classes(raw)) == Counter(map(str, target))
    assert raw.groups is not None
    assert Counter(raw.group_names[code] for code in raw.groups) == Counter(map(str, groups))
    # Files stand in the order of their names: 1, 10, 100, 101, ...
    numbers = sorted(map(str, target.index))
    for row in (0, 1, 2, 200):
        own = pd.read_csv(INDOOR / "dataset" / f"MovementAAL_RSS_{numbers[row]}.csv").to_numpy(np.float32)
        np.testing.assert_array_equal(raw.features[row, : raw.lengths[row]], own)
        assert classes(raw)[row] == str(target[int(numbers[row])])


@needs_shared
def test_a_folder_for_each_class_is_read() -> None:
    raw = read(SHARED / "field" / "12-one-file-per-series" / "flights")
    assert Counter(classes(raw)) == {"sit": 10, "stand": 10, "walk": 10}
    assert raw.channels == ("lat", "lon", "alt")


def test_splits_and_groups_are_folders_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    parts = ["train"] * 4 + ["val"] * 2 + ["test"] * 2
    folder = of_classes(tmp_path / "set", "{part}/{label}/{who}/{row}.csv", part=parts, who=["p", "p", "q", "q"] * 2)
    (folder / ".DS_Store").write_text("x")
    (folder / "train" / "a" / "._1.csv").write_text("\0\1")
    raw = read(folder)
    assert raw.test is not None
    assert raw.validation is not None
    assert (int(raw.test.sum()), int(raw.validation.sum()), len(raw.labels)) == (2, 2, 8)
    assert raw.group_names == ("p", "q")
    assert set(classes(raw)) == {"a", "b"}


def test_names_of_files_tell_label_and_group(tmp_path: Path) -> None:
    folder = of_classes(tmp_path / "set", "{label}_s{row}_trial.csv")
    raw = read(folder, file_pattern="{label}_{group}_*.csv")
    assert classes(raw) == ["a"] * 4 + ["b"] * 4
    assert len(raw.group_names) == 8
    with pytest.raises(
        DataError, match=r"8 of 8 files do not fit `--file-pattern \{label\}-\*`, such as 'a_s0_trial\.csv'"
    ):
        read(folder, file_pattern="{label}-*")
    with pytest.raises(SpecError, match=r"\{label\}, \{group\} and \{split\} may stand in it"):
        read(folder, file_pattern="{subject}_*")
    with pytest.raises(DataError, match=r"nothing says the class of 8 of 8 files.*--manifest labels\.csv"):
        read(folder)


def test_a_manifest_names_label_group_and_split(tmp_path: Path) -> None:
    folder = of_classes(tmp_path / "set", "{row}.csv")
    manifest = pd.DataFrame({"file": [f"{row}.csv" for row in range(8)], "label": [*"abcdabcd"], "who": [*"ppqqrrss"]})
    manifest["split"] = ["train"] * 4 + ["test"] * 4
    manifest.to_csv(tmp_path / "about.csv", index=False)
    raw = read(folder, manifest=str(tmp_path / "about.csv"), group_column="who")
    assert classes(raw) == [*"abcdabcd"]
    assert raw.group_names == ("p", "q", "r", "s")
    assert raw.test is not None
    assert raw.test.tolist() == [False] * 4 + [True] * 4
    manifest.iloc[:7].to_csv(tmp_path / "about.csv", index=False)
    with pytest.raises(
        DataError, match=r"about\.csv: it has no row for 1 of 8 files, such as '7\.csv'|no row for 7\.csv"
    ):
        read(folder, manifest=str(tmp_path / "about.csv"))
    with pytest.raises(SpecError, match=r"there is no file 'nowhere\.csv'"):
        read(folder, manifest="nowhere.csv")


def test_a_manifest_that_leaves_a_label_open_is_refused(tmp_path: Path) -> None:
    folder = of_classes(tmp_path / "set", "{row}.csv")
    about, other = folder / "labels.csv", folder / "meta.csv"
    rows = {f"{row}.csv": "abcd"[row // 2] for row in range(8)}

    def told(rows: dict[str, str], name: str = "label") -> str:
        return "".join(f"{file},{label}\n" for file, label in {"file": name, **rows}.items())

    about.write_text(told({**rows, "3.csv": ""}))
    with pytest.raises(DataError, match=r"nothing says the class of 1 of 8 files, such as 3\.csv"):
        read(folder)
    about.write_text(told(rows))
    other.write_text(told({**rows, "3.csv": "d"}, "class"))
    with pytest.raises(
        DataError, match=r"meta\.csv: 3\.csv is 'd' in 'class', but 'b' in another table\. Name the table"
    ):
        read(folder)
    assert classes(read(folder, manifest="meta.csv")) == [*"aabdccdd"]
    other.write_text(told(rows, "class"))
    assert classes(read(folder)) == [*"aabbccdd"]
    about.write_text(told({"3": "c", **{f"0{row}": "a" for row in range(8)}}))
    with pytest.raises(DataError, match=r"labels\.csv: it has no row for"):
        read(folder, manifest="labels.csv")


def test_a_name_in_a_manifest_is_not_that_of_two_files(tmp_path: Path) -> None:
    for row in range(8):
        write(tmp_path / "set" / f"person{row // 4}" / f"{row % 4}.csv", row)
    names = [f"person{row // 4}/{row % 4}.csv" for row in range(8)]
    about = tmp_path / "set" / "labels.csv"
    about.write_text("file,label\n" + "".join(f"{row}.csv,{'ab'[row % 2]}\n" for row in range(4)))
    with pytest.raises(DataError, match=r"'0\.csv' may be person0/0\.csv and person1/0\.csv\. Write the path of each"):
        read(tmp_path / "set")
    about.write_text("file,label\n" + "".join(f"{name},{'ab'[row // 4]}\n" for row, name in enumerate(names)))
    assert classes(read(tmp_path / "set")) == [*"aaaabbbb"]


def test_recordings_with_a_label_a_row_are_cut_and_stay_on_one_side(tmp_path: Path) -> None:
    for row in range(8):
        write(tmp_path / "set" / f"{row}.txt", row, label=[*"aaabbb"])
    raw = read(tmp_path / "set", window=3)
    assert (classes(raw), raw.group_kind) == (["a", "b"] * 8, "recordings")
    np.testing.assert_array_equal(raw.features.reshape(8, 6, 2), X)
    with pytest.raises(DataError, match=r"the label changes within series '0\.txt', in its row 4"):
        read(tmp_path / "set")


def test_a_column_of_labels_beside_the_folders_is_no_channel(tmp_path: Path) -> None:
    for row in range(8):
        write(tmp_path / "set" / "ab"[row % 2] / f"{row}.csv", row, label="ab"[row % 2])
    assert read(tmp_path / "set").channels == ("x", "y")


def test_files_that_do_not_fit_are_named_and_a_folder_of_pictures_is_none(tmp_path: Path) -> None:
    folder = of_classes(tmp_path / "set")
    (folder / "a" / "0.csv").write_text("x,z\n1,2\n3,4\n")
    with pytest.raises(DataError, match=r"a/0\.csv has columns x, z|has columns x, y, but a/0\.csv has x, z"):
        read(folder)
    (folder / "a" / "0.csv").write_text("x,y\n1,2\n3,oh\n")
    with pytest.raises(DataError, match=r"a/0\.csv line 3: 'oh'"):
        read(folder)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    (tmp_path / "pictures" / "notes.txt").write_text("a")
    assert not is_folder_of_series(str(tmp_path / "pictures"))


def test_the_digest_knows_names_and_a_model_reads_the_folder(tmp_path: Path) -> None:
    folder = of_classes(tmp_path / "set")
    before = fetch(DataSpec(source=str(folder)), cache=tmp_path).digest
    (folder / "a").rename(folder / "c")
    assert fetch(DataSpec(source=str(folder)), cache=tmp_path).digest != before
    flat = of_classes(tmp_path / "flat", "{row}.csv")
    [block] = read_examples(flat, Wanted("sequences", (6, 2), channels=("y", "x")))
    np.testing.assert_array_equal(block.examples, X[:, :, ::-1])
    assert block.ids[0] == "0.csv"


def test_folders_of_people_around_those_of_classes_are_asked_about_and_both_answers_read(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for row in range(8):
        write(folder / "data" / f"S{row % 4:02d}" / ("walk", "sit")[row // 4] / f"{row}.csv", row)
    with pytest.raises(DataError, match=r"like people \(S00, S01\).*\(sit, walk\).*`--file-pattern 'data/\{group\}/"):
        read(folder)
    raw = read(folder, file_pattern="data/{group}/{label}/*")
    assert (set(classes(raw)), raw.group_names) == ({"walk", "sit"}, ("S00", "S01", "S02", "S03"))
    assert set(classes(read(folder, file_pattern="data/{label}/{group}/*"))) == {"S00", "S01", "S02", "S03"}


def test_a_folder_within_that_of_the_class_is_said_to_be_the_group(tmp_path: Path) -> None:
    for row in range(8):
        write(tmp_path / "set" / "ab"[row % 2] / f"s{row // 2}" / f"{row}.csv", row)
    notes = " ".join(read(tmp_path / "set").notes)
    assert "its outer folder, its group that of the folder within (s0; `--file-pattern` decides)" in notes
