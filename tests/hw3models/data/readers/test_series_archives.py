"""Archives of series: what stands in them is what a file or a folder would be."""

import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import check_kind, find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(40, 12, 2))
LABELS = np.array(["sit", "walk"])[np.arange(40) % 2]


def read(path: Path, **options: Any) -> Raw:
    spec = DataSpec(source=str(path), **options)
    check_kind("sequences", spec)
    return read_raw(spec, fetch(spec, cache=path.parent / "cache"), cache=path.parent / "cache")


def zipped(path: Path, folder: Path, *, top: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{top}{file.relative_to(folder).as_posix()}")
    return path


def recordings(folder: Path) -> Path:
    for number, (one, label) in enumerate(zip(SERIES, LABELS, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        pd.DataFrame(one, columns=["x", "y"]).to_csv(folder / str(label) / f"{number:02}.csv", index=False)
    return folder


@pytest.mark.parametrize("top", ["", "data/"])
def test_a_folder_of_recordings_is_the_same_in_an_archive(top: str, tmp_path: Path) -> None:
    whole = read(recordings(tmp_path / "gait"))
    packed = read(zipped(tmp_path / "gait.zip", tmp_path / "gait", top=top))
    np.testing.assert_array_equal(packed.features, whole.features)
    assert (packed.channels, packed.class_names, packed.name) == (whole.channels, whole.class_names, "gait")
    asked = np.concatenate(
        [block.examples for block in read_examples(tmp_path / "gait.zip", Wanted("sequences", (12, 2)))]
    )
    np.testing.assert_array_equal(asked, whole.features)


def test_a_set_in_several_forms_is_read_once_with_its_test_part(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for part, rows in (("TRAIN", slice(0, 24)), ("TEST", slice(24, 40))):
        table = pd.DataFrame(SERIES[rows, :, 0])
        table.insert(0, "label", np.arange(40)[rows] % 2)
        table.to_csv(folder / f"Gun_{part}.tsv", sep="\t", header=False, index=False)
        table.to_csv(folder / f"Gun_{part}.txt", sep=" ", header=False, index=False)
    (folder / "README.md").write_text("a set")
    (folder / "Gun.txt").write_text("about guns")
    raw = read(zipped(tmp_path / "Gun.zip", folder))
    assert raw.test is not None
    assert (raw.features.shape, int(raw.test.sum()), raw.name) == ((40, 12, 1), 16, "Gun")
    assert raw.understood[0] == "Gun.zip was unpacked: Gun_TRAIN.tsv."


def test_one_table_in_an_archive_takes_the_options_that_the_table_takes(tmp_path: Path) -> None:
    table = pd.DataFrame(SERIES.reshape(-1, 2), columns=["x", "y"])
    table["sample"], table["time"] = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    table["label"], table["subject"] = np.repeat(LABELS, 12), np.repeat(np.arange(40) // 4, 12)
    table.to_csv(tmp_path / "walk.csv", index=False)
    with tarfile.open(tmp_path / "walk.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "walk.csv", "walk.csv")
    raw = read(tmp_path / "walk.tar.gz", group_column="subject", ignore_columns=("y",))
    assert (raw.channels, len(raw.group_names)) == (("x",), 10)
    with pytest.raises(SpecError, match=r"`arrays` is 'X=a', but .*walk\.tar\.gz/walk\.csv is read in one way only"):
        read(tmp_path / "walk.tar.gz", arrays="X=a")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        bad.writestr("a.csv", "sample,time,x,label\n1,0,x,a\n")
    with pytest.raises(DataError, match=r"bad\.zip/a\.csv: ") as told:
        read(tmp_path / "bad.zip")
    assert "cache" not in str(told.value), "the archive is named, not where it was unpacked"


def test_arrays_and_parquet_alone_in_an_archive_are_series_where_they_are_no_pictures(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": list(SERIES[:, :, 0]), "y": list(SERIES[:, :, 1]), "label": LABELS})
    table.to_parquet(tmp_path / "walk.parquet")
    np.savez(tmp_path / "walk.npz", X=SERIES, y=LABELS)
    np.savez(tmp_path / "images.npz", images=np.zeros((40, 9, 9), np.uint8), labels=LABELS)
    held = (("walk.parquet", "sequences"), ("walk.npz", "sequences"), ("images.npz", "images"))
    for number, (name, kind) in enumerate(held, 1):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(tmp_path / name, name)
        os.utime(tmp_path / "a.zip", (number, number))
        assert find_source(str(tmp_path / "a.zip")).kinds == (kind,), name
        if kind == "sequences":
            np.testing.assert_array_equal(read(tmp_path / "a.zip").features, SERIES.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.xlsx", "Save the sheet as CSV"),
        ("a.pkl", "Pickles are not loaded"),
        ("a.feather", r"pandas\.read_feather"),
        ("a.rds", r"write\.csv"),
        ("a.7z", r"pack it as \.zip"),
        ("a.xyz", r"of a kind that is not known\. What can be read"),
    ],
)
def test_kinds_of_files_that_are_not_read_are_refused_with_what_to_do(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(SpecError, match=told):
        find_source(str(tmp_path / name))


def test_a_folder_of_a_kind_that_is_not_read_is_told_by_what_it_holds(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / "set" / "ab"[number % 2] / f"{number}.arff"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("@relation a\n")
    with pytest.raises(
        SpecError, match=r"is a folder. It holds 3 \.arff\. A folder may hold pictures, or files of one"
    ):
        find_source(str(tmp_path / "set"))
    (tmp_path / "a.orc").write_bytes(b"ORC")
    with pytest.raises(SpecError, match=r"pandas\.read_orc\(\.\.\.\)\.to_parquet"):
        find_source(str(tmp_path / "a.orc"))
