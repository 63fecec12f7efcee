"""Pictures in the records of published sets: idx, CIFAR's binary version, SVHN's `.mat`, Kaggle's folders."""

import gzip
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from hw3models.data import fetch
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import read

CLASSES = ("airplane", "automobile", "bird")


def pixels(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def idx(path: Path, values: NDArray[np.uint8]) -> None:
    content = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def digits(folder: Path, pattern: str, sizes: dict[str, int]) -> dict[str, NDArray[np.uint8]]:
    made = {}
    for part, num in sizes.items():
        made[part] = pixels(num, 9, 8, seed=num)
        idx(folder / pattern.format(part=part, what="images", axes=3), made[part])
        idx(folder / pattern.format(part=part, what="labels", axes=1), np.arange(num, dtype=np.uint8) % 3)
    return made


def examples(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.concatenate([block.examples for block in read_examples(path, Wanted("images", shape))])


@pytest.mark.parametrize("pattern", ["{part}-{what}-idx{axes}-ubyte", "{part}-{what}.idx{axes}-ubyte"])
@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("given", ["", "file", "above"])
def test_idx_files_are_read_from_their_folder_or_by_one_of_them(
    pattern: str, packed: str, given: str, tmp_path: Path
) -> None:
    folder = tmp_path / "set" / "raw"
    made = digits(folder, pattern + packed, {"train": 9, "t10k": 6})
    first = folder / (pattern.format(part="train", what="images", axes=3) + packed)
    raw = read({"": folder, "file": first, "above": folder.parent}[given], tmp_path)
    assert raw.test is not None
    assert (raw.class_names, raw.labels.tolist()) == (("0", "1", "2"), [0, 1, 2] * 5)
    assert (raw.features[~raw.test] == made["train"]).all()
    assert (raw.features[raw.test] == made["t10k"]).all()
    assert (examples(first, (9, 8)) == made["train"]).all()


def test_the_unpacked_one_of_two_copies_is_read_once(tmp_path: Path) -> None:
    """torchvision keeps both."""
    digits(tmp_path / "raw", "{part}-{what}-idx{axes}-ubyte", {"train": 9})
    digits(tmp_path / "raw", "{part}-{what}-idx{axes}-ubyte.gz", {"train": 12})
    assert len(read(tmp_path / "raw", tmp_path).labels) == 9


def test_pictures_of_emnist_are_turned_and_its_sets_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "gzip"
    made = digits(folder, "emnist-letters-{part}-{what}-idx{axes}-ubyte.gz", {"train": 9, "test": 6})
    raw = read(folder, tmp_path)
    assert (raw.features[:9] == made["train"].transpose(0, 2, 1)).all()
    assert "Pictures of EMNIST are stored column by column, and were turned." in raw.understood
    digits(folder, "emnist-digits-{part}-{what}-idx{axes}-ubyte.gz", {"train": 9})
    with pytest.raises(DataError, match=r"several sets, such as emnist-digits-.*Give a file of the one that is meant"):
        read(folder, tmp_path)
    assert len(read(folder / "emnist-letters-train-images-idx3-ubyte.gz", tmp_path).labels) == 15


def test_idx_files_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    digits(tmp_path, "{part}-{what}-idx{axes}-ubyte", {"train": 9})
    path = tmp_path / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    for content, message in (
        (whole[:-1], "it has 647 bytes where 648 are said by its header"),
        (whole + b"1", "it has more bytes where 648 are said"),
        (b"\x00\x00\x08\x03\xff\xff\xff\xff" + b"\xff" * 8, r"GiB; the limit is"),
        (b"P5 8 8", "does not begin as an idx file does"),
        (b"", "not a whole idx file"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            read(tmp_path, tmp_path)
    path.write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="there is no file of its labels beside it"):
        read(tmp_path, tmp_path)
    packed = tmp_path / "train-images-idx3-ubyte.gz"
    packed.write_bytes(gzip.compress(whole)[:-20])
    path.unlink()
    with pytest.raises(DataError, match="not a whole idx file"):
        examples(packed, (9, 8))


def test_an_archive_of_idx_files_is_read_as_its_folder(tmp_path: Path) -> None:
    digits(tmp_path / "in", "{part}-{what}.idx{axes}-ubyte", {"train": 9, "t10k": 6})
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for one in (tmp_path / "in").iterdir():
            archive.write(one, one.name)
    raw = read(tmp_path / "archive.zip", tmp_path)
    assert (raw.kind, raw.features.shape) == ("images", (15, 9, 8))


def cifar(folder: Path, names: dict[str, int], num_labels: int = 1) -> dict[str, NDArray[np.uint8]]:
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for number, (name, num) in enumerate(names.items()):
        made[name] = pixels(num, 32, 32, 3, seed=number)
        labels = np.repeat(np.arange(num, dtype=np.uint8)[:, None] % 3, num_labels, axis=1)
        labels[:, : num_labels - 1] = 7
        rows = np.concatenate([labels, made[name].transpose(0, 3, 1, 2).reshape(num, -1)], axis=1)
        rows.tofile(folder / f"{name}.bin")
    (folder / ("batches.meta.txt" if num_labels == 1 else "fine_label_names.txt")).write_text("\n".join(CLASSES) + "\n")
    return made


@pytest.mark.parametrize("given", ["", "file", "above"])
def test_cifars_binary_version_is_read(given: str, tmp_path: Path) -> None:
    folder = tmp_path / "set" / "cifar-10-batches-bin"
    made = cifar(folder, {"data_batch_1": 6, "data_batch_2": 3, "test_batch": 6})
    raw = read({"": folder, "file": folder / "data_batch_1.bin", "above": folder.parent}[given], tmp_path)
    assert raw.test is not None
    assert (raw.class_names, raw.labels.tolist(), int(raw.test.sum())) == (CLASSES, [0, 1, 2] * 5, 6)
    assert (raw.features == np.concatenate(list(made.values()))).all()
    assert (examples(folder / "test_batch.bin", (32, 32, 3)) == made["test_batch"]).all()
    spec = DataSpec(source=str(folder))
    before = fetch(spec, cache=tmp_path).digest
    (folder / "batches.meta.txt").write_text("\n".join(reversed(CLASSES)))
    assert fetch(spec, cache=tmp_path).digest != before, "the names of the classes are part of the data"


def test_of_cifar_100_the_fine_labels_are_taken(tmp_path: Path) -> None:
    cifar(tmp_path / "cifar-100-binary", {"train": 6, "test": 3}, 2)
    raw = read(tmp_path / "cifar-100-binary", tmp_path)
    assert (raw.class_names, raw.labels.tolist()) == (CLASSES, [0, 1, 2] * 3)
    (tmp_path / "train.bin").write_bytes(b"1" * 3073)
    with pytest.raises(SpecError, match=r"numpy\.savez\('data.npz', images=X, labels=y\)"):
        find_source(str(tmp_path / "train.bin"))


def test_cifars_pickles_are_not_loaded_and_what_to_take_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (folder / name).write_bytes(pickle.dumps({"data": [1]}))
    for path in (folder, folder.parent, folder / "data_batch_1"):
        with pytest.raises(
            DataError, match=r"pickles, which are not loaded.*Take the binary version.*hw3 images cifar10"
        ):
            read(path, tmp_path)


def svhn(folder: Path) -> dict[str, NDArray[np.uint8]]:
    made = {}
    for part, num in (("train", 20), ("test", 10)):
        made[part] = pixels(num, 32, 32, 3, seed=num)
        labels = np.arange(num, dtype=np.uint8)[:, None] % 10 + 1
        savemat(folder / f"{part}_32x32.mat", {"X": made[part].transpose(1, 2, 3, 0), "y": labels}, do_compression=True)
    return made


def test_svhns_files_are_one_set_whose_tens_are_noughts(tmp_path: Path) -> None:
    root = tmp_path / "svhn"
    root.mkdir()
    made = svhn(root)
    for path in (root / "train_32x32.mat", root):
        raw = read(path, tmp_path)
        assert raw.test is not None
        assert raw.class_names == tuple("0123456789")
        assert raw.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] * 3
        assert (raw.features[~raw.test] == made["train"]).all()
        assert (raw.features[raw.test] == made["test"]).all()
        assert "Labels 10 are the digit 0, as the Street View House Numbers have it." in raw.understood
    assert len(read(root / "train_32x32.mat", tmp_path, pair=False).labels) == 20
    (root / "test_32x32.mat").rename(root / "more.mat")
    assert read(root / "more.mat", tmp_path).class_names == tuple(sorted(map(str, range(1, 11)), key=int))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("name", "shape"), [("X", (9, 8, 3)), ("images", (9, 8)), ("data", (9, 9, 1))])
def test_pictures_in_mat_files_stand_first_or_last(
    name: str, shape: tuple[int, ...], last: bool, tmp_path: Path
) -> None:
    values = pixels(12, *shape)
    labels = np.arange(12) % 2
    savemat(tmp_path / "a.mat", {name: np.moveaxis(values, 0, -1) if last else values, "labels": labels})
    raw = read(tmp_path / "a.mat", tmp_path)
    assert (raw.kind, raw.labels.tolist()) == ("images", [0, 1] * 6)
    assert (raw.features.reshape(12, -1) == values.reshape(12, -1)).all()
    np.savez(tmp_path / "a.npz", **{name: np.moveaxis(values, 0, -1) if last else values}, labels=labels)
    assert (read(tmp_path / "a.npz", tmp_path).features == raw.features).all()


def test_series_in_mat_files_stay_series(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"X": pixels(12, 9, 8), "y": np.arange(12) % 2})
    assert fetch(DataSpec(source=str(tmp_path / "a.mat")), cache=tmp_path).kind == "sequences"


def test_a_folder_of_pixel_tables_is_read_as_its_table_for_training(tmp_path: Path) -> None:
    """Kaggle's digits: a table without labels to be predicted, and one to be filled in."""
    root = tmp_path / "digit-recognizer"
    root.mkdir()
    table = pd.DataFrame(pixels(12, 784), columns=[f"pixel{i}" for i in range(784)])
    table.assign(label=[0, 1, 2] * 4).to_csv(root / "train.csv", index=False)
    table.to_csv(root / "test.csv", index=False)
    pd.DataFrame({"ImageId": range(12), "Label": 0}).to_csv(root / "sample_submission.csv", index=False)
    raw = read(root, tmp_path)
    assert (raw.kind, raw.features.shape, raw.test) == ("images", (12, 28, 28), None)
    assert "test.csv has no labels and is not taken as a part: `hw3 predict` takes it." in raw.notes
    (root / "about.csv").write_text("a,b\n1,2\n")
    assert find_source(str(root)).name != "image-set", "what else is there may be meant"


def test_types_that_numpy_has_no_name_for_are_told_as_what_they_are(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "c.mat", "w") as file:
        file["X"] = pixels(6, 9, 8)
        file["y"] = np.zeros(6, dtype=[("a", "<i4"), ("b", "<f8")])
    with pytest.raises(DataError, match=r"'y' has type \[\('a', '<i4'\), \('b', '<f8'\)\]"):
        read(tmp_path / "c.mat", tmp_path)
