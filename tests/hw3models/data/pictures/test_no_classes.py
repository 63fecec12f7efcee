"""Folders of pictures as sets are published: what lies beside the pictures is understood, or named for what it is."""

import json
from pathlib import Path

import pandas as pd
import pytest

from hw3models.data.pictures.no_classes import is_no_class
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from tests.hw3models.data.pictures.made import put, read, tree

CLASSES = ("cat", "dog")
WANTED = ["cat", "dog"] * 6


def flat(folder: Path, num: int = 12, begin: str = "p") -> None:
    for number in range(num):
        put(folder / f"{begin}{number}.png", number + 100 * len(begin))


def labels(raw) -> list[str]:  # type: ignore[no-untyped-def]
    return [raw.class_names[code] for code in raw.labels]


def test_masks_beside_pictures_are_no_examples(tmp_path: Path) -> None:
    root = tree(tmp_path / "set", CLASSES)
    for name in CLASSES:
        for i, word in enumerate(("_mask", "_mask_1", "-seg", ".gt")):
            put(root / name / f"{i}{word}.png", 50 + i, mode="1")
    put(root / "cat" / "black_mask.png", 9)  # no picture is called `black`
    raw = read(root, tmp_path)
    assert len(raw.labels) == 9
    assert (
        "8 pictures are masks of others by their names, such as 'cat/0_mask.png', and were left out." in raw.understood
    )
    shape = tuple(raw.features.shape[1:])
    assert sum(len(block.examples) for block in read_examples(root, Wanted("images", shape))) == 9


@pytest.mark.parametrize(
    ("names", "content", "message"),
    [
        (("images/train/0.png", "labels/train/0.txt"), "0 0.5 0.5 0.1 0.1", r"boxes in 'labels/train', as YOLO"),
        (("train/images/0.png", "train/labels/0.txt"), "0 0.5 0.5 0.1 0.1", r"boxes in 'train/labels', as YOLO"),
        (("JPEGImages/0.png", "Annotations/0.xml"), "<annotation/>", r"boxes in 'Annotations', as Pascal VOC"),
        (("train2017/0.png", "annotations/instances_train2017.json"), "{}", r"as COCO writes them: a data set for"),
        (("train/0.png", "train/_annotations.coco.json"), "{}", r"as COCO writes them.*finding objects"),
    ],
)
def test_boxes_are_told(names: tuple[str, str], content: str, message: str, tmp_path: Path) -> None:
    root = tmp_path / "set"
    put(root / names[0])
    (root / names[1]).parent.mkdir(parents=True, exist_ok=True)
    (root / names[1]).write_text(content)
    with pytest.raises(DataError, match=message):
        read(root, tmp_path)


def test_folders_that_only_hold_pictures_are_no_classes(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        flat(tmp_path / "set" / name)
    with pytest.raises(DataError, match="'images', 'masks' are not called like classes"):
        read(tmp_path / "set", tmp_path)
    assert is_no_class("train_images")
    assert not any(map(is_no_class, ("cat", "HAM_images_part_1", "1", "train")))


def test_a_test_part_around_which_a_loader_wants_a_folder_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "set"
    tree(root / "train", CLASSES)
    flat(root / "test" / "unknown", 5)
    raw = read(root, tmp_path)
    assert (raw.class_names, len(raw.labels)) == (CLASSES, 8)
    assert any("5 pictures of the test part lie in 'unknown', which is no class" in note for note in raw.notes)


def test_a_table_counts_more_than_folders_that_it_contradicts(tmp_path: Path) -> None:
    """Kaggle's form: a table for training, one for test without labels, and one to be filled in."""
    root = tmp_path / "set"
    flat(root / "train_images")
    flat(root / "test_images", 4, begin="tst")
    names = [f"p{i}" for i in range(12)]
    pd.DataFrame({"image_id": names, "label": WANTED}).to_csv(root / "train.csv", index=False)
    pd.DataFrame({"image_id": [f"tst{i}" for i in range(4)]}).to_csv(root / "test.csv", index=False)
    pd.DataFrame({"image_id": [f"tst{i}" for i in range(4)], "label": "cat"}).to_csv(
        root / "sample_submission.csv", index=False
    )
    raw = read(root, tmp_path)
    assert (labels(raw), raw.test) == (WANTED, None)
    assert "4 pictures that train.csv does not name are not looked at." in raw.understood


def test_folders_are_doubted_where_a_table_names_their_pictures_otherwise(tmp_path: Path) -> None:
    """Shards of one collection: which column is the label, nobody but the person knows."""
    root = tmp_path / "set"
    flat(root / "part_1", 6)
    flat(root / "part_2", 6, begin="qq")
    names = [*(f"p{i}" for i in range(6)), *(f"qq{i}" for i in range(6))]
    table = pd.DataFrame({"image_id": names, "dx": WANTED, "sex": ["f", "m", "m"] * 4})
    table.to_csv(root / "about.csv", index=False)
    with pytest.raises(DataError, match=r"'part_1', 'part_2' classes\? about.csv names .* one of dx, sex"):
        read(root, tmp_path)
    assert labels(read(root / "about.csv", tmp_path, label_column="dx")) == WANTED
    table.assign(kind=[1] * 6 + [2] * 6).to_csv(root / "about.csv", index=False)
    assert read(root, tmp_path).class_names == ("part_1", "part_2")  # `kind` says what the folders say
    table[["image_id"]].assign(number=range(12)).to_csv(root / "about.csv", index=False)
    assert read(root, tmp_path).class_names == ("part_1", "part_2")  # nothing there is a label


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("labels.csv", ["Datei;Klasse", *(f"images/p {i}.png;{name}" for i, name in enumerate(WANTED))]),
        ("labels.csv", [f"images/p {i}.png,{name}" for i, name in enumerate(WANTED)]),
        ("list.txt", [f"images/p {i}.png {name}" for i, name in enumerate(WANTED)]),
        ("list.txt", [f"{name}\tp {i}.png" for i, name in enumerate(WANTED)]),
        ("metadata.jsonl", [json.dumps({"file_name": f"p {i}.png", "label": n}) for i, n in enumerate(WANTED)]),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_lists_of_pictures_need_no_header_and_no_name_that_is_known(
    file: str, lines: list[str], whole: bool, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    flat(root / "images", begin="p ")
    (root / file).write_text("\n".join(lines) + "\n")
    assert labels(read(root if whole else root / file, tmp_path)) == WANTED


@pytest.mark.parametrize("inside", [False, True])
def test_a_list_for_each_part_is_that_part(inside: bool, tmp_path: Path) -> None:
    """Two files beside each other, or Hugging Face's, one in each part, whose pictures have the same names."""
    root = tmp_path / "set"
    for part, num in (("train", 12), ("test", 6)):
        flat(root / part, num, begin="p" if inside else part)
        names = [f"p{i}.png" if inside else f"{part}/{part}{i}.png" for i in range(num)]
        where = root / part / "metadata.csv" if inside else root / f"{part}.csv"
        pd.DataFrame({"file_name": names, "label": WANTED[:num]}).to_csv(where, index=False)
    raw = read(root, tmp_path)
    assert raw.test is not None
    assert (labels(raw), raw.test.tolist()) == (WANTED + WANTED[:6], [False] * 12 + [True] * 6)


def test_numbers_of_pictures_are_no_labels(tmp_path: Path) -> None:
    """CUB's form: `images.txt` numbers what lies in class folders."""
    root = tree(tmp_path / "set" / "images", CLASSES).parent
    names = [f"{name}/{i}.png" for name in CLASSES for i in range(4)]
    (root / "images.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(names, 1)))
    assert read(root, tmp_path).class_names == CLASSES


def test_a_table_that_names_no_picture_is_told_where_one_folder_is_left(tmp_path: Path) -> None:
    root = tmp_path / "set"
    flat(root / "images")
    pd.DataFrame({"url": [f"https://example.org/{i}" for i in range(12)], "label": WANTED}).to_csv(
        root / "t.csv", index=False
    )
    with pytest.raises(DataError, match=r"one folder of pictures, 'images', and t.csv beside it names none of them"):
        read(root, tmp_path)
