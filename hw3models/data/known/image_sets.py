"""More sets of images that torchvision knows: its addresses, files, md5 sums and readers."""

import gzip
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.known.remote_files import check_files, fetch_files
from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, files_of, found
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    from hw3models.data.known.download import Remote

EMNIST_SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
MAX_FILE_BYTES = 768 * 1024**2
"""EMNIST is one file of 562 MB, and no other is near it."""
Sides = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]
"""Images and labels for training, and for test."""
_Read = Callable[[str, Path, Path], tuple[Sides, Sequence[str]]]
"""(name of the source, folder of the files, an empty folder): the images, and the names of the classes."""


def _datasets() -> Any:
    # torchvision costs seconds to import; other sources do without it.
    from torchvision import datasets

    return datasets


def _remotes(name: str) -> "tuple[list[Remote], list[str]]":
    """The files of a set, and the addresses that they are at."""
    from hw3models.data.known.download import Remote

    known = _datasets()
    if name == "kmnist":
        return [Remote(file, md5) for file, md5 in known.KMNIST.resources], list(known.KMNIST.mirrors)
    if name == "emnist":
        address, file = known.EMNIST.url.rsplit("/", 1)
        return [Remote(file, known.EMNIST.md5, most_bytes=MAX_FILE_BYTES)], [address]
    if name in ("cifar10", "cifar100"):
        cls = {"cifar10": known.CIFAR10, "cifar100": known.CIFAR100}[name]
        return [Remote(cls.filename, cls.tgz_md5, most_bytes=MAX_FILE_BYTES)], [cls.url.rsplit("/", 1)[0]]
    listed = {"usps": known.USPS, "svhn": known.SVHN}[name].split_list
    sides = [listed[side] for side in ("train", "test")]
    return [Remote(file, md5, most_bytes=MAX_FILE_BYTES) for _, file, md5 in sides], [sides[0][0].rsplit("/", 1)[0]]


def _kmnist(_: str, folder: Path, empty: Path) -> tuple[Sides, Sequence[str]]:
    cls = _datasets().KMNIST
    raw = empty / cls.__name__ / "raw"
    raw.mkdir(parents=True)
    for file in folder.glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    train, test = (cls(root=empty, train=side) for side in (True, False))
    return ((train.data.numpy(), train.targets.numpy()), (test.data.numpy(), test.targets.numpy())), cls.classes


def _emnist(source: str, folder: Path, empty: Path) -> tuple[Sides, Sequence[str]]:
    split = source.removeprefix("emnist:")
    raw = empty / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    with zipfile.ZipFile(folder / _remotes("emnist")[0][0].name) as archive:
        for member in archive.namelist():
            name = Path(member).name
            if name.startswith(f"emnist-{split}-") and name.endswith("ubyte.gz"):
                (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(archive.read(member)))
    train, test = (_datasets().EMNIST(root=empty, split=split, train=side) for side in (True, False))
    names, first = list(train.classes), 0
    if names[0] == "N/A":  # letters are numbered from 1
        names, first = names[1:], 1
    # They are stored column by column.
    sides = [(one.data.numpy().transpose(0, 2, 1), one.targets.numpy() - first) for one in (train, test)]
    return (sides[0], sides[1]), names


def _cifar(source: str, folder: Path, empty: Path) -> tuple[Sides, Sequence[str]]:
    known = _datasets()
    cls = {"cifar10": known.CIFAR10, "cifar100": known.CIFAR100}[source]
    with tarfile.open(folder / cls.filename) as archive:
        archive.extractall(empty, filter="data")
    train, test = (cls(root=empty, train=side) for side in (True, False))
    sides = [(one.data, np.array(one.targets)) for one in (train, test)]
    return (sides[0], sides[1]), train.classes


def _usps(_: str, folder: Path, __: Path) -> tuple[Sides, Sequence[str]]:
    sides = [_datasets().USPS(root=folder, train=side) for side in (True, False)]
    train, test = ((one.data, np.array(one.targets)) for one in sides)
    return (train, test), "0123456789"


def _svhn(_: str, folder: Path, __: Path) -> tuple[Sides, Sequence[str]]:
    sides = [_datasets().SVHN(root=folder, split=side) for side in ("train", "test")]
    train, test = ((one.data.transpose(0, 2, 3, 1), one.labels) for one in sides)
    return (train, test), "0123456789"


def _read(read: _Read, name: str, report: SourceReport) -> Raw:
    """Check the files, and read them with what torchvision has for them."""
    folder = files_of(report)[0].parent
    check_files(_remotes(name)[0], folder)
    with tempfile.TemporaryDirectory(prefix="hw3-") as empty:
        try:
            (train, test), names = read(report.source, folder, Path(empty))
        except (OSError, EOFError, KeyError, RuntimeError, ValueError, zlib.error, tarfile.TarError,
                zipfile.BadZipFile) as error:  # fmt: skip
            raise DataError(f"{folder}: cannot be read ({error}). Delete it and fetch it again.") from error
    labels = np.concatenate([train[1], test[1]]).astype(np.int64)
    return Raw(
        name=report.source.replace(":", "-"),
        kind="images",
        features=np.ascontiguousarray(np.concatenate([train[0], test[0]])),
        labels=labels,
        class_names=tuple(names),
        test=np.arange(len(labels)) >= len(train[1]),
    )


def _source(name: str, text: str, licence: str, read: _Read, forms: tuple[str, ...] = ()) -> Source:
    variable = f"HW3_{name.upper()}_MIRRORS"

    def fetch(spec: DataSpec, how: Fetching) -> SourceReport:
        from hw3models.data.known.download import Patience

        remotes, addresses = _remotes(name)
        files = fetch_files(name, remotes, addresses, how, Patience(how.timeout), variable=variable)
        return found(spec.source, "images", files)

    return Source(
        name=name,
        forms=forms or (name,),
        text=text,
        kinds=("images",),
        matches=(forms or (name,)).__contains__,
        fetch=fetch,
        read=lambda _, report, __: _read(read, name, report),
        licence=licence,
        is_remote=True,
        mirrors=variable,
    )


KMNIST = _source("kmnist", "70,000 handwritten Japanese characters, downloaded", "CC BY-SA 4.0 (CODH)", _kmnist)
EMNIST = _source(
    "emnist",
    "handwritten letters and digits in six forms, downloaded",
    "public domain (NIST)",
    _emnist,
    tuple(f"emnist:{split}" for split in EMNIST_SPLITS),
)
USPS = _source("usps", "9,298 digits of 16 x 16 from envelopes, downloaded", "", _usps)
CIFAR10 = _source("cifar10", "60,000 photographs of 32 x 32 in ten classes, downloaded", "", _cifar)
CIFAR100 = _source("cifar100", "the same in a hundred classes", "", _cifar)
SVHN = _source("svhn", "99,289 house numbers in colour, downloaded", "for non-commercial use (Netzer et al.)", _svhn)
ALL = (KMNIST, EMNIST, USPS, CIFAR10, CIFAR100, SVHN)
