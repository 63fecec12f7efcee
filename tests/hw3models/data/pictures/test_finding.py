"""Pictures as other people's tables and archives name them."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import picture, put, read

CLASSES = ("cat", "dog")


def pictures(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        put(folder / name, number)


def labels(raw) -> list[str]:  # type: ignore[no-untyped-def]
    return [raw.class_names[code] for code in raw.labels]


WANTED = ["cat", "dog"] * 6


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("names", "column", "said", "how"),
    [
        ([f"images/p{i}.png" for i in range(12)], "filename", [f"p{i}.png" for i in range(12)], "in images"),
        (
            [f"train/{i:04x}.png" for i in range(12)],
            "id",
            [f"{i:04x}" for i in range(12)],
            "in train with their suffixes",
        ),
        ([f"{i % 3}/x{i}.jpg" for i in range(12)], "image_id", [f"x{i}" for i in range(12)], "in 0, 1, 2 with their"),
        ([f"p{i}.png" for i in range(12)], "name", [f"p{i}.png" for i in range(12)], ""),
    ],
)
def test_a_table_may_leave_out_folders_and_suffixes_and_its_folder_may_be_given(
    names: list[str], column: str, said: list[str], how: str, whole: bool, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    pictures(root, names)
    pd.DataFrame({column: said, "label": WANTED}).to_csv(root / "labels.csv", index=False)
    if whole and len({Path(name).parts[0] for name in names}) == 3:
        pytest.skip("three folders of pictures are classes")
    raw = read(root if whole else root / "labels.csv", tmp_path)
    assert labels(raw) == WANTED
    assert any(how in one for one in raw.understood) or not how
    given = list(read_examples(root / "labels.csv", Wanted("images", raw.features.shape[1:])))
    assert sum(len(block.examples) for block in given) == 12


def test_classes_in_columns_of_their_own_and_in_the_only_other_column_are_found_and_that_is_said(
    tmp_path: Path,
) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    paths = [f"p{i}.png" for i in range(12)]
    flags = pd.DataFrame({"image": paths, "MEL": [1.0, 0.0] * 6, "NV": [0.0, 1.0] * 6})
    flags.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv", tmp_path)
    assert labels(raw) == ["MEL", "NV"] * 6
    assert any("The class is the column with a 1: MEL, NV." in one for one in raw.understood)
    pd.DataFrame({"image": paths, "breed": WANTED}).to_csv(tmp_path / "b.csv", index=False)
    raw = read(tmp_path / "b.csv", tmp_path)
    assert labels(raw) == WANTED
    assert any("Labels are in 'breed' (`--label-column`)." in one for one in raw.understood)
    assert raw.found_out == {"label_column": "breed"}, "which a model remembers"
    assert find_source(str(tmp_path / "b.csv")).names(tmp_path / "b.csv") == ("image", "breed")
    flags.assign(breed="x", age=3).drop(columns=["MEL"]).to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(DataError, match="there is no column 'label' for the label; there are image, NV, breed, age"):
        read(tmp_path / "c.csv", tmp_path)


def test_a_name_that_two_pictures_have_is_not_guessed(tmp_path: Path) -> None:
    pictures(tmp_path, ["a/p0.png", "b/p0.png", "a/p1.png"])
    pd.DataFrame({"path": ["p0.png", "p1.png"], "label": ["x", "y"]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"'p0\.png' \(row 1\) may be a/p0\.png or b/p0\.png"):
        read(tmp_path / "t.csv", tmp_path)


@pytest.mark.parametrize(
    ("on_disk", "said", "how"),
    [
        ("images/img_{}.jpg", "IMG_{}.JPG", "in images in another spelling"),
        ("images/IMG_{}.JPG", "img_{}", "in images in another spelling"),
        ("IMG_{}.JPG", "IMG_{}", "with their suffixes"),
        ("images/b\u00e4r_{}.png", "ba\u0308r_{}.png", "in images in another spelling"),
        ("images/{}.jpeg", "{}.jpg", "in images with other suffixes"),
        ("train/0000{}.png", "{}", "in train by their numbers"),
        ("train/0000{}.png", "{}.0", "in train by their numbers"),
        (
            "cats/a b/{}.png",
            "C:\\Users\\me\\cats\\a b\\{}.png",
            "are taken without 'C:/Users/me', with which all begin",
        ),
        ("train/{}.png", "../input/set/train/{}.png", "are taken without '../input/set', with which all begin"),
        ("train/{}.png", "/home/me/train/{}.png", "are taken without '/home/me', with which all begin"),
        ("train/{}.png", "/train/{}.png", "are taken without '/', with which all begin"),
        ("train/{}.png", "set/train/{}.png", "are taken without 'set', with which all begin"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_pictures_are_found_under_other_names_that_can_only_mean_them(
    on_disk: str, said: str, how: str, whole: bool, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    pictures(root, [on_disk.format(i) for i in range(12)])
    pd.DataFrame({"image_id": [said.format(i) for i in range(12)], "label": WANTED}).to_csv(
        root / "labels.csv", index=False
    )
    raw = read(root if whole else root / "labels.csv", tmp_path)
    assert labels(raw) == WANTED
    assert any(how in one for one in raw.understood), raw.understood
    shape = tuple(raw.features.shape[1:])
    blocks = list(read_examples(root / "labels.csv", Wanted("images", shape)))
    given = np.concatenate([block.examples for block in blocks])
    assert (given.reshape(12, -1) == raw.features.reshape(12, -1)).all()


@pytest.mark.parametrize("column", ["Image Path", "Picture", "Bild"])
def test_paths_of_another_machine_in_another_spelling_are_found_whatever_their_column_is_called(
    column: str, tmp_path: Path
) -> None:
    pictures(tmp_path, [f"train/IMG_{i}.PNG" for i in range(12)])
    said = [f"C:\\Users\\me\\set\\train\\img_{i}.png" for i in range(12)]
    pd.DataFrame({column: said, "label": WANTED}).to_csv(tmp_path / "t.csv", index=False)
    raw = read(tmp_path / "t.csv", tmp_path)
    assert labels(raw) == WANTED
    assert any("are taken without 'C:/Users/me/set', with which all begin" in one for one in raw.understood)
    assert any("were found in another spelling" in one for one in raw.understood)


def test_a_column_of_names_of_pictures_that_are_nowhere_makes_no_table_of_pictures(tmp_path: Path) -> None:
    """Landmarks of faces have one in each row, and are series."""
    rows = [(f"frame_{t}.jpg", i, t, float(t + i), "ab"[i % 2]) for i in range(8) for t in range(6)]
    pd.DataFrame(rows, columns=["frame", "sample", "time", "x", "label"]).to_csv(tmp_path / "t.csv", index=False)
    assert find_source(str(tmp_path / "t.csv")).kinds == ("sequences",)


def test_folders_that_only_some_rows_begin_with_are_not_left_out(tmp_path: Path) -> None:
    pictures(tmp_path, [f"{i}.png" for i in range(12)])
    said = [f"{'train' if i < 8 else 'test'}/{i}.png" for i in range(12)]
    pd.DataFrame({"path": said, "label": WANTED}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"'train/0\.png' \(row 1\) is not there"):
        read(tmp_path / "t.csv", tmp_path)


def test_a_table_of_one_part_means_the_pictures_in_the_folder_of_that_part(tmp_path: Path) -> None:
    """CIFAR-10 as Kaggle has it: both parts are numbered from 1."""
    root = tmp_path / "set"
    for part, num in (("train", 12), ("test", 6)):
        pictures(root / part, [f"{i}.png" for i in range(1, num + 1)])
    put(root / "train" / "1.png", 99)
    ids = list(range(1, 13))
    pd.DataFrame({"id": ids, "label": WANTED}).to_csv(root / "trainLabels.csv", index=False)
    pd.DataFrame({"id": ids[:6], "label": "cat"}).to_csv(root / "sampleSubmission.csv", index=False)
    raw = read(root, tmp_path)
    assert (labels(raw), raw.test) == (WANTED, None)
    assert (raw.features[0] == np.asarray(picture(99))).all()
    (root / "trainLabels.csv").rename(root / "labels.csv")
    with pytest.raises(DataError, match=r"'1' \(row 1\) may be test/1.png or train/1.png"):
        read(root / "labels.csv", tmp_path)


def test_one_picture_written_in_two_ways_is_one_picture(tmp_path: Path) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    names = [*(f"p{i}.png" for i in range(12)), "./p0.png"]
    pd.DataFrame({"path": names, "label": [*WANTED, "dog"]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"'p0\.png' is there 2 times"):
        read(tmp_path / "t.csv", tmp_path)


def test_folders_that_are_classes_count_more_than_a_table_beside_them(tmp_path: Path) -> None:
    root = tmp_path / "set"
    pictures(root, [f"{CLASSES[i % 2]}/{i}.png" for i in range(12)])
    pd.DataFrame({"file": [f"{i}.png" for i in range(12)], "label": ["other"] * 12}).to_csv(root / "t.csv", index=False)
    assert read(root, tmp_path).class_names == CLASSES


def test_names_may_hold_the_class_the_group_and_the_part(tmp_path: Path) -> None:
    root = tmp_path / "flat"
    pictures(root, [f"{CLASSES[i % 2]}.{i}.png" for i in range(12)])
    with pytest.raises(DataError, match=r"or `--file-pattern '\{label\}\.\*'` if names begin with it \(cat, dog\)"):
        read(root, tmp_path)
    raw = read(root, tmp_path, file_pattern="{label}.*")
    assert sorted(labels(raw)) == sorted(WANTED)
    deep = tmp_path / "deep"
    parts = ("train", "test")
    pictures(deep, [f"{parts[i % 3 == 0]}/{CLASSES[i % 2]}_s{i // 4}_{i}.png" for i in range(12)])
    raw = read(deep, tmp_path, file_pattern="{split}/{label}_{group}_*")
    assert raw.test is not None
    assert (int(raw.test.sum()), raw.group_names) == (4, ("s0", "s1", "s2"))
    with pytest.raises(DataError, match=r"12 of 12 pictures do not fit `--file-pattern \{label\}-x`, such as"):
        read(root, tmp_path, file_pattern="{label}-x")
    with pytest.raises(SpecError, match=r"of pictures it names the class: `\{label\}` must be in it"):
        read(root, tmp_path, file_pattern="{group}.*")


def test_an_archive_that_windows_wrote_holds_what_a_folder_does(tmp_path: Path) -> None:
    pictures(tmp_path / "in", [f"{i}.png" for i in range(12)])
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for i in range(12):
            archive.write(tmp_path / "in" / f"{i}.png", f"photos\\{CLASSES[i % 2]}\\{i}.png")
    spec = DataSpec(source=str(tmp_path / "photos.zip"))
    raw = read(tmp_path / "photos.zip", tmp_path)
    assert (raw.class_names, np.bincount(raw.labels).tolist()) == (CLASSES, [6, 6])
    assert fetch(spec, cache=tmp_path).kind == "images"
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.write(tmp_path / "in" / "0.png", "photos\\..\\..\\0.png")
    with pytest.raises(DataError, match="leads out of the archive"):
        read(tmp_path / "bad.zip", tmp_path)


def test_folders_of_patients_around_those_of_classes_are_asked_about(tmp_path: Path) -> None:
    kinds = ("benign", "malignant")
    pictures(tmp_path / "set", [f"patient{row % 4}/{kinds[row // 4]}/{row}.png" for row in range(8)])
    with pytest.raises(
        DataError, match=r"like people \(patient0, patient1\).*`--file-pattern '\{group\}/\{label\}/\*'`"
    ):
        read(tmp_path / "set", tmp_path)
    raw = read(tmp_path / "set", tmp_path, file_pattern="{group}/{label}/*")
    assert (raw.class_names, len(raw.group_names)) == (kinds, 4)


@pytest.mark.parametrize(
    ("columns", "label", "left"),
    [
        ({"Image Path": None, "Class Label": WANTED, "Patient": list("aabbccddeeff")}, "Class Label", "Patient"),
        ({"Image Index": None, "Finding Labels": WANTED, "Patient ID": [1, 2] * 6}, "Finding Labels", "'Patient ID'"),
        ({"image_id": None, "dx": WANTED, "lesion_id": [1, 2] * 6, "age": range(12)}, "dx", "lesion_id"),
        ({"filename": None, "diagnosis": WANTED, "age": [1, 2] * 6}, "diagnosis", ""),
        ({"Path": None, "ClassId": WANTED, "Width": [8] * 12}, "ClassId", ""),
        ({"file": None, "label": WANTED, "label_id": [0, 1] * 6}, "label", ""),
        ({"filepaths": None, "label_id": [0, 1] * 6, "label_name": WANTED}, "label_name", ""),
    ],
)
def test_columns_as_published_tables_have_them_are_known_and_the_others_are_named(
    columns: dict[str, object], label: str, left: str, tmp_path: Path
) -> None:
    pictures(tmp_path, [f"images/p{i}.png" for i in range(12)])
    first = next(iter(columns))
    table = pd.DataFrame({**columns, first: [f"images/p{i}.png" for i in range(12)]})
    table.to_csv(tmp_path / "t.csv", index=False)
    raw = read(tmp_path / "t.csv", tmp_path)
    assert (labels(raw), raw.groups) == (WANTED, None)
    assert raw.found_out == ({} if label == "label" else {"label_column": label})
    [told] = [one for one in raw.understood if one.startswith("Not used of t.csv: ")]
    assert all(name in told for name in table.columns if name not in (first, label))
    assert (f"`--group-column {left}` keeps apart what is of one" in told) if left else "group" not in told
    shape = tuple(raw.features.shape[1:])
    assert sum(len(one.examples) for one in read_examples(tmp_path / "t.csv", Wanted("images", shape))) == 12


PARTS = ["train"] * 6 + ["valid"] * 3 + ["test"] * 3


@pytest.mark.parametrize(
    ("name", "values", "sizes"),
    [
        *((name, PARTS, (3, 3)) for name in ("dataset", "data set", "set", "partition", "phase", "SPLIT", "x")),
        ("Usage", ["Training"] * 6 + ["PublicTest"] * 3 + ["PrivateTest"] * 3, (3, 3)),
        ("is_train", [1] * 8 + [0] * 4, (4, 0)),
        ("is_test", [False] * 8 + [True] * 4, (4, 0)),
        ("fold", [0, 1, 2] * 4, (0, 0)),
        ("phase", ["test", "val"] * 6, (0, 0)),
    ],
)
def test_a_column_of_parts_is_one_whatever_it_is_called(
    name: str, values: list[object], sizes: tuple[int, int], tmp_path: Path
) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    table = pd.DataFrame({"path": [f"p{i}.png" for i in range(12)], "label": WANTED, name: values})
    table.to_csv(tmp_path / "t.csv", index=False)
    raw = read(tmp_path / "t.csv", tmp_path)
    assert tuple(0 if one is None else int(one.sum()) for one in (raw.test, raw.validation)) == sizes
    said = "Not used of t.csv" if sizes == (0, 0) else "Parts are in"
    assert name == "SPLIT" or any(one.startswith(said) for one in raw.understood)


def test_why_no_column_is_the_label_is_said(tmp_path: Path) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    table = pd.DataFrame({"image": [f"p{i}.png" for i in range(12)]})
    table.assign(a=[1, 0] * 6, b=1, c=0).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"in a, b, c a picture may have several classes: row 1 below .* has 2 ones"):
        read(tmp_path / "a.csv", tmp_path)
    table.assign(sex=["f", "m"] * 6, kind=WANTED, age=range(12)).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match=r"Name it with `--label-column` \(sex, kind may be it\)"):
        read(tmp_path / "b.csv", tmp_path)
    twice = pd.concat([table, table]).assign(bbox="[1, 2, 3, 4]", label=WANTED * 2)
    twice.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(DataError, match=r"'p0.png' is there 2 times and 11 more .* 'bbox' says that rows are boxes"):
        read(tmp_path / "c.csv", tmp_path)


def test_labels_that_put_others_together_are_told(tmp_path: Path) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    several = ["Mass", "No Finding", "Mass|Nodule", "Nodule"] * 3
    pd.DataFrame({"image": [f"p{i}.png" for i in range(12)], "label": several}).to_csv(tmp_path / "t.csv", index=False)
    raw = read(tmp_path / "t.csv", tmp_path)
    assert "The label 'Mass|Nodule' is a class of its own, beside 'Mass' and 'Nodule': a picture has one class." in (
        raw.understood
    )


def test_of_several_tables_that_name_the_pictures_the_one_with_labels_is_taken(tmp_path: Path) -> None:
    """ISIC's form: classes in one table, what is known of the persons in another."""
    root = tmp_path / "set"
    pictures(root / "Training_Input", [f"ISIC_{i:04}.jpg" for i in range(12)])
    ids = pd.DataFrame({"image": [f"ISIC_{i:04}" for i in range(12)]})
    ids.assign(MEL=[1.0, 0.0] * 6, NV=[0.0, 1.0] * 6, UNK=0.0).to_csv(root / "GroundTruth.csv", index=False)
    about = ids.assign(age=[50, 60] * 6, sex=["f", "m", "m"] * 4, lesion_id=range(12))
    about.to_csv(root / "Metadata.csv", index=False)
    raw = read(root, tmp_path)
    assert (raw.class_names, labels(raw)) == (("MEL", "NV"), ["MEL", "NV"] * 6)
    about.assign(target=[0, 1] * 6).to_csv(root / "Metadata.csv", index=False)
    with pytest.raises(
        DataError, match=r"several tables name them: GroundTruth\.csv, Metadata\.csv\. Give the one with"
    ):
        read(root, tmp_path)


def test_a_table_in_each_part_or_within_the_only_folder_is_found(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        names = [f"{part}{i}.jpg" for i in range(6)]
        pictures(tmp_path / "set" / part, names)
        table = pd.DataFrame({"filename": names, " cat": [1, 0] * 3, " dog": [0, 1] * 3})
        table.to_csv(tmp_path / "set" / part / "_classes.csv", index=False)
    raw = read(tmp_path / "set", tmp_path)
    assert raw.test is not None
    assert raw.validation is not None
    assert (labels(raw), int(raw.test.sum()), int(raw.validation.sum())) == (["cat", "dog"] * 9, 6, 6)
    pictures(tmp_path / "outer" / "inner" / "images", [f"p{i}.png" for i in range(12)])
    table = pd.DataFrame({"filename": [f"p{i}.png" for i in range(12)], "label": WANTED})
    table.to_csv(tmp_path / "outer" / "inner" / "labels.csv", index=False)
    assert labels(read(tmp_path / "outer", tmp_path)) == WANTED


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_tables_of_spreadsheets_are_read_in_their_encoding(encoding: str, tmp_path: Path) -> None:
    pictures(tmp_path, [f"p{i}.png" for i in range(12)])
    table = pd.DataFrame({"Datei": [f"p{i}.png" for i in range(12)], "Klasse": ["gut", "schl\u00e4cht"] * 6})
    table.to_csv(tmp_path / "t.csv", index=False, sep=";", encoding=encoding)
    raw = read(tmp_path / "t.csv", tmp_path)
    assert labels(raw) == ["gut", "schl\u00e4cht"] * 6
    assert any("Windows-1252" in one for one in raw.understood) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.xlsx", b"PK", "labels.xlsx beside it is not read.*: save it as a CSV"),
        ("labels.txt", b"cat\ndog\n", r"labels.txt beside it names none of them in a column \(it begins with 'cat'\)"),
    ],
)
def test_what_lies_beside_the_only_folder_of_pictures_is_named(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    pictures(root / "images", [f"p{i}.png" for i in range(4)])
    with pytest.raises(DataError, match="one folder of pictures, 'images', and nothing says their classes"):
        read(root, tmp_path)
    (root / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(root, tmp_path)


NAMES = [f"p{i}.png" for i in range(12)]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "found",
    [
        [{"file": name, "label": label} for name, label in zip(NAMES, WANTED, strict=True)],
        dict(zip(NAMES, WANTED, strict=True)),
        {name: {"label": label, "site": 1} for name, label in zip(NAMES, WANTED, strict=True)},
        {"image": NAMES, "label": WANTED},
    ],
)
def test_records_of_json_name_pictures(found: object, whole: bool, tmp_path: Path) -> None:
    root = tmp_path / "set"
    pictures(root / "images", NAMES)
    (root / "labels.json").write_text(json.dumps(found))
    raw = read(root if whole else root / "labels.json", tmp_path)
    assert labels(raw) == WANTED
    shape = tuple(raw.features.shape[1:])
    assert sum(len(one.examples) for one in read_examples(root / "labels.json", Wanted("images", shape))) == 12


def test_other_records_of_json_are_no_tables_of_pictures(tmp_path: Path) -> None:
    root = tmp_path / "set"
    pictures(root / "images", NAMES)
    for found in ({"images": [{"file_name": "p0.png"}], "categories": []}, ["p0.png"], {"p0.png": [1]}, 1):
        (root / "labels.json").write_text(json.dumps(found))
        with pytest.raises(DataError, match=r"labels\.json beside it is not read"):
            read(root, tmp_path)
    (tmp_path / "s.json").write_text(json.dumps([{"image": [1, 2, 3], "label": "a", "about": "p0.png"}] * 4))
    assert find_source(str(tmp_path / "s.json")).name == "json"
