"""Parts and classes as people call the folders of their pictures."""

from pathlib import Path

import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import put, read, tree

CLASSES = ("cat", "dog")
SYNSETS = ("n01440764", "n01443537")


def parts(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        tree(root / name, CLASSES, 4 - number)
    return root


@pytest.mark.parametrize(
    ("names", "has_validation"),
    [
        (("Training", "Testing"), False),
        (("trainingSet", "testSet"), False),
        (("train_set", "test_set"), False),
        (("training set", "test set"), False),
        (("trainset", "valset", "testset"), True),
        (("seg_train/seg_train", "seg_test/seg_test"), False),
        (("dataset/Train-set", "dataset/Test-set"), False),
        (("train_images", "val_images", "test_images"), True),
        (("data_train", "data_test"), False),
        (("train/images", "test/images"), False),
        (("train/images", "test"), False),
    ],
)
def test_parts_are_known_by_one_word_of_their_names(
    names: tuple[str, ...], has_validation: bool, tmp_path: Path
) -> None:
    raw = read(parts(tmp_path / "set", *names), tmp_path)
    assert raw.class_names == CLASSES
    assert raw.test is not None
    assert (int(raw.test.sum()), len(raw.labels)) == ((4, 18) if has_validation else (6, 14))
    assert (raw.validation is not None) == has_validation


def test_classes_that_have_such_a_word_stay_classes(tmp_path: Path) -> None:
    for names in (("test tube", "train station"), ("train_images", "bus_images"), ("train", "bus", "car")):
        root = tmp_path / names[0]
        for name in names:
            tree(root, (name,), 4)
        assert read(root, tmp_path).class_names == tuple(sorted(names))
    root = tree(tmp_path / "groups" / "train_toy", ("anna", "ben")).parent
    tree(root / "bus_toy", ("anna", "ben"))
    assert read(root, tmp_path).class_names == ("bus_toy", "train_toy")


@pytest.mark.parametrize("left", ["unlabeled", "single_prediction", "seg_pred/seg_pred", "Meta", "unlabeled/images"])
def test_pictures_beside_parts_that_are_called_so_are_left_out_and_that_is_said(left: str, tmp_path: Path) -> None:
    begin = "seg_" if "seg" in left else ""
    root = parts(tmp_path / "set", f"{begin}train", f"{begin}test")
    for i in range(5):
        put(root / left / f"{i}.png", 500 + i)
    raw = read(root, tmp_path)
    assert (raw.class_names, len(raw.labels)) == (CLASSES, 14)
    [note] = [note for note in raw.notes if "left out: `hw3 predict` takes them" in note]
    assert note.startswith(f"5 pictures in {left.split('/')[0]!r} ")
    shape = tuple(raw.features.shape[1:])
    assert sum(len(block.examples) for block in read_examples(root / left, Wanted("images", shape))) == 5


def tiny_imagenet(root: Path) -> Path:
    for k, name in enumerate(SYNSETS):
        for i in range(4):
            put(root / "train" / name / "images" / f"{name}_{i}.JPEG", 100 * k + i)
        (root / "train" / name / f"{name}_boxes.txt").write_text(f"{name}_0.JPEG\t0\t0\t63\t63\n")
    for i in range(6):
        put(root / "val" / "images" / f"val_{i}.JPEG", 300 + i)
        put(root / "test" / "images" / f"test_{i}.JPEG", 400 + i)
    (root / "val" / "val_annotations.txt").write_text(
        "".join(f"val_{i}.JPEG\t{SYNSETS[i % 2]}\t0\t32\t44\t62\n" for i in range(6))
    )
    (root / "wnids.txt").write_text("\n".join(SYNSETS))
    return root


def test_a_table_says_the_classes_of_a_part_without_folders_of_them(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path / "set")
    raw = read(root, tmp_path)
    assert raw.class_names == SYNSETS
    assert raw.test is not None
    assert raw.labels[raw.test].tolist() == [0, 1, 0, 1, 0, 1]
    assert "6 pictures of the validation part have the class that val/val_annotations.txt says." in raw.notes
    assert any(note.startswith("6 pictures of the test part lie in 'images'") for note in raw.notes)


def test_the_table_of_a_part_is_part_of_the_data(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path / "set")
    spec = DataSpec(source=str(root))
    before = fetch(spec, cache=tmp_path).digest
    said = root / "val" / "val_annotations.txt"
    said.write_text(said.read_text().replace(f"val_0.JPEG\t{SYNSETS[0]}", f"val_0.JPEG\t{SYNSETS[1]}"))
    assert fetch(spec, cache=tmp_path).digest != before
    assert read(root, tmp_path).class_names == SYNSETS
    said.write_text(said.read_text().replace("val_0.JPEG", "another.JPEG"))  # which leaves one without a class
    assert read(root, tmp_path).test is None


def test_of_several_columns_that_may_be_the_class_the_one_that_is_called_so_is_taken(tmp_path: Path) -> None:
    """Traffic signs as Kaggle has them: classes are numbers, and so are sizes and corners."""
    root = tree(tmp_path / "set" / "Train", ("0", "1", "2")).parent
    for i in range(6):
        put(root / "Test" / f"{i:05}.png", 300 + i)
    table = {"Width": [1] * 6, "ClassId": [2, 1, 0] * 2, "Path": [f"Test/{i:05}.png" for i in range(6)]}
    pd.DataFrame(table).to_csv(root / "Test.csv", index=False)
    raw = read(root, tmp_path)
    assert raw.test is not None
    assert raw.labels[raw.test].tolist() == [2, 1, 0] * 2
    pd.DataFrame(table).rename(columns={"ClassId": "Height"}).to_csv(root / "Test.csv", index=False)
    assert read(root, tmp_path).test is None, "which column is meant is not guessed"


@pytest.mark.parametrize("names", [("color", "grayscale", "segmented"), ("fold_1", "fold_2"), ("64x64", "128x128")])
def test_folds_and_versions_of_one_set_are_asked_about(names: tuple[str, ...], tmp_path: Path) -> None:
    root = parts(tmp_path / "set", *names)
    with pytest.raises(DataError, match=rf"are '{min(names)}', .* classes\? They are called like folds or versions"):
        read(root, tmp_path)
    raw = read(root, tmp_path, file_pattern="*/{label}/*")
    assert raw.class_names == CLASSES
    assert read(root, tmp_path, file_pattern="{label}/*").class_names == tuple(sorted(names))


def test_masks_in_a_folder_beside_that_of_the_pictures_are_no_examples(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name in CLASSES:
        for i in range(4):
            put(root / name / "images" / f"{i}.png", i)
            put(root / name / "masks" / f"{i}{'_mask' if i % 2 else ''}.png", 50 + i)
    raw = read(root, tmp_path)
    assert (raw.class_names, len(raw.labels)) == (CLASSES, 8)
    assert any(
        "8 pictures are masks of others by their names, such as 'cat/masks/0.png'" in one for one in raw.understood
    )
    only = tmp_path / "only"
    for part in ("train", "test"):
        for i in range(4):
            put(only / part / "images" / f"{i}.png", i)
            put(only / part / "masks" / f"{i}.png", 50 + i)
    with pytest.raises(DataError, match="'images' is not called like a class"):
        read(only, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("imgs/{}.txt", "0 0.5 0.5 0.1 0.1\n1 .5 .5 .1 .1\n", r"boxes in files such as 'imgs/0.txt', as YOLO"),
        ("imgs/{}.xml", "<annotation/>", r"boxes in files such as 'imgs/0.xml', as Pascal VOC"),
        ("imgs/{}.json", '{"shapes": []}', r"boxes in 'imgs/0.json' \(its 'shapes'\): a data set for finding objects"),
        ("all.json", '{"images": [], "annotations": [{"bbox": [1, 2, 3, 4]}]}', r"boxes in 'all.json' \(its 'bbox'\)"),
    ],
)
def test_boxes_beside_pictures_of_one_folder_are_told(name: str, content: str, message: str, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(4):
        put(root / "imgs" / f"{i}.png", i)
        (root / name.format(i)).write_text(content)
    with pytest.raises(DataError, match=message):
        read(root, tmp_path)


def test_texts_that_are_no_boxes_are_none(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "labels").mkdir(parents=True)
    for i in range(4):
        put(root / "images" / f"{i}.png", i)
        (root / "labels" / f"{i}.txt").write_text("cat\n")
    with pytest.raises(DataError, match="'images', 'labels' are not called like classes"):
        read(root, tmp_path)
