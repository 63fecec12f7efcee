"""Sets that torchvision knows, served on loopback: files of their formats, made here, with sums of their own."""

import bz2
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from torchvision import datasets

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.errors import DownloadError
from hw3models.specs import DataSpec
from tests.hw3models.data.known.mirror import serve

RNG = np.random.default_rng(0)
TRAIN, TEST = 12, 6
FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx(values: np.ndarray) -> bytes:
    """LeCun's format: two zero bytes, 8 for bytes, the number of axes, their sizes."""
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


def pixels(num: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (num, *shape), dtype=np.uint8)


def fetched(source: str, files: dict[str, bytes], cache: Path) -> Raw:
    spec = DataSpec(source=source)
    with serve(files) as mirror:
        report = fetch(spec, cache=cache, mirrors={source.split(":")[0]: [mirror.address]})
    return read_raw(spec, report, cache=cache)


def check(raw: Raw, images: tuple[np.ndarray, np.ndarray], labels: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(raw.features, np.concatenate(images))
    assert raw.features.dtype == np.uint8
    assert raw.labels.tolist() == np.concatenate(labels).tolist()
    assert raw.test is not None
    assert raw.test.tolist() == [False] * TRAIN + [True] * TEST


def labels_of(num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(TRAIN) % num_classes, np.arange(TEST) % num_classes


def test_kmnist_has_the_files_of_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = (pixels(TRAIN, 28, 28), pixels(TEST, 28, 28)), labels_of(10)
    contents = [gzip.compress(idx(one)) for one in (images[0], labels[0], images[1], labels[1])]
    names = [name for name, _ in datasets.KMNIST.resources]
    monkeypatch.setattr(
        datasets.KMNIST, "resources", [(name, md5(one)) for name, one in zip(names, contents, strict=True)]
    )
    raw = fetched("kmnist", dict(zip(names, contents, strict=True)), tmp_path)
    check(raw, images, labels)
    assert raw.class_names[:2] == ("o", "ki")


def emnist(split: str, images: tuple[Any, Any], labels: tuple[Any, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for side, one, own in zip(("train", "test"), images, labels, strict=True):
            stored = one.transpose(0, 2, 1)  # column by column
            archive.writestr(f"gzip/emnist-{split}-{side}-images-idx3-ubyte.gz", gzip.compress(idx(stored)))
            archive.writestr(f"gzip/emnist-{split}-{side}-labels-idx1-ubyte.gz", gzip.compress(idx(own)))
    return out.getvalue()


@pytest.mark.parametrize(("split", "first"), [("balanced", 0), ("letters", 1)])
def test_emnist_is_upright_and_its_letters_are_counted_from_a(
    split: str, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = (pixels(TRAIN, 28, 28), pixels(TEST, 28, 28)), labels_of(5)
    content = emnist(split, images, (labels[0] + first, labels[1] + first))
    monkeypatch.setattr(datasets.EMNIST, "md5", md5(content))
    raw = fetched(f"emnist:{split}", {"gzip.zip": content}, tmp_path)
    check(raw, images, labels)
    assert (raw.name, raw.class_names[0]) == (f"emnist-{split}", "0" if first == 0 else "a")
    assert len(raw.class_names) == (47 if first == 0 else 26)


def pickled(content: dict[str, Any]) -> bytes:
    return pickle.dumps(content)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_in_colour_with_the_names_of_its_classes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    images, labels = (pixels(TRAIN, 32, 32, 3), pixels(TEST, 32, 32, 3)), labels_of(3)
    key = "labels" if name == "cifar10" else "fine_labels"

    def batch(rows: Any, own: Any) -> bytes:
        return pickled({"data": rows.transpose(0, 3, 1, 2).reshape(len(rows), -1), key: own.tolist()})

    sides = [[one for one, _ in cls.train_list], [one for one, _ in cls.test_list]]
    files: dict[str, bytes] = {}
    for names, rows, own in zip(sides, images, labels, strict=True):
        for part, at in zip(names, np.array_split(np.arange(len(rows)), len(names)), strict=True):
            files[part] = batch(rows[at], own[at])
    files[cls.meta["filename"]] = pickled({cls.meta["key"]: ["plane", "car", "bird"]})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for part, content in files.items():
            entry = tarfile.TarInfo(f"{cls.base_folder}/{part}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    for attribute, names in (("train_list", sides[0]), ("test_list", sides[1])):
        monkeypatch.setattr(cls, attribute, [[one, md5(files[one])] for one in names])
    meta = cls.meta["filename"]
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": md5(files[meta])})
    monkeypatch.setattr(cls, "tgz_md5", md5(out.getvalue()))
    raw = fetched(name, {cls.filename: out.getvalue()}, tmp_path)
    check(raw, images, labels)
    assert raw.class_names == ("plane", "car", "bird")


def with_sums(monkeypatch: pytest.MonkeyPatch, cls: Any, train: bytes, test: bytes) -> dict[str, bytes]:
    listed = {side: list(cls.split_list[side]) for side in ("train", "test")}
    for side, content in (("train", train), ("test", test)):
        listed[side][2] = md5(content)
    monkeypatch.setattr(cls, "split_list", {**cls.split_list, **listed})
    return {listed["train"][1]: train, listed["test"][1]: test}


def test_usps_is_text_of_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = (pixels(TRAIN, 16, 16), pixels(TEST, 16, 16)), labels_of(10)

    def text(rows: Any, own: Any) -> bytes:
        lines = [
            " ".join([str(label + 1), *(f"{i + 1}:{value / 127.5 - 1 + 1e-4:.6f}" for i, value in enumerate(row))])
            for row, label in zip(rows.reshape(len(rows), -1).astype(float), own, strict=True)
        ]
        return bz2.compress("\n".join(lines).encode())

    files = with_sums(monkeypatch, datasets.USPS, *(text(*side) for side in zip(images, labels, strict=True)))
    check(fetched("usps", files, tmp_path), images, labels)


def test_svhn_is_a_file_of_matlab_whose_zero_is_ten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = (pixels(TRAIN, 32, 32, 3), pixels(TEST, 32, 32, 3)), labels_of(10)

    def mat(rows: Any, own: Any) -> bytes:
        out = io.BytesIO()
        numbers = np.where(own == 0, 10, own).astype(np.uint8)[:, None]
        scipy.io.savemat(out, {"X": rows.transpose(1, 2, 3, 0), "y": numbers})
        return out.getvalue()

    files = with_sums(monkeypatch, datasets.SVHN, *(mat(*side) for side in zip(images, labels, strict=True)))
    check(fetched("svhn", files, tmp_path), images, labels)


def test_a_mirror_with_other_content_is_refused_with_the_sum_and_the_variable(tmp_path: Path) -> None:
    spec = DataSpec(source="cifar10")
    message = r"wrong content, md5 3e47b75000b0924b.*Set HW3_CIFAR10_MIRRORS to"
    with serve({"cifar-10-python.tar.gz": b"nothing"}) as mirror, pytest.raises(DownloadError, match=message):
        fetch(spec, cache=tmp_path, mirrors={"cifar10": [mirror.address]})


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs `make system`")
def test_debians_fashion_mnist_is_read_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian packed the four files anew, so that their sums are its own; the content is upstream's."""
    names = [name for name, _ in datasets.FashionMNIST.resources]
    files = {name: (FASHION / name).read_bytes() for name in names}
    monkeypatch.setattr(datasets.FashionMNIST, "resources", [(name, md5(files[name])) for name in names])
    raw = fetched("fashion-mnist", files, tmp_path)
    assert (raw.features.shape, raw.class_names[9]) == ((70_000, 28, 28), "Ankle boot")
    assert np.bincount(raw.labels).tolist() == [7000] * 10
    assert raw.test is not None
    # Published: an ankle boot, a pullover and two trousers come first in the test split.
    assert raw.labels[raw.test][:4].tolist() == [9, 2, 1, 1]
