"""MNIST and Fashion-MNIST through torchvision: its mirrors, files, md5 sums and reader."""

import gzip
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hw3models.data.known.remote_files import check_files, fetch_files
from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, files_of, found
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    from hw3models.data.known.download import Patience, Remote

MIRROR_VARIABLES = {"mnist": "HW3_MNIST_MIRRORS", "fashion-mnist": "HW3_FASHION_MIRRORS"}


def _fetch(spec: DataSpec, how: Fetching) -> SourceReport:
    from hw3models.data.known.download import Patience

    return found(spec.source, "images", fetch_images(spec.source, how, Patience(how.timeout)))


def fetch_images(name: str, how: Fetching, patience: "Patience") -> tuple[Path, ...]:
    """The four files of `mnist` or `fashion-mnist`, whole and right, in `cache`; absolute paths.

    torchvision names the mirrors, the files and their md5 sums; see `fetch_files`.
    """
    addresses = _torchvisions(name).mirrors
    return fetch_files(name, _remotes(name), addresses, how, patience, variable=MIRROR_VARIABLES[name])


def read_images(name: str, files: Sequence[Path]) -> Raw:
    """Train (the official 60,000) and test (10,000) images, uint8 (70,000, 28, 28), read by torchvision.

    Raises:
        DataError: a file is missing, or is not what torchvision's md5 sum says.
    """
    cls = _torchvisions(name)
    check_files(_remotes(name), files[0].parent)
    # torchvision reads unpacked files and checks nothing: unpack what was just checked, and keep nothing of it.
    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        raw = Path(folder) / cls.__name__ / "raw"
        raw.mkdir(parents=True)
        for file in files:
            try:
                (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
            except (OSError, EOFError, zlib.error) as error:
                raise DataError(f"{file}: cannot be unpacked ({error}). Delete it and fetch it again.") from error
        train, test = (cls(root=folder, train=split) for split in (True, False))
    labels = np.concatenate([train.targets.numpy(), test.targets.numpy()]).astype(np.int64)
    return Raw(
        name=name,
        kind="images",
        features=np.concatenate([train.data.numpy(), test.data.numpy()]),
        labels=labels,
        class_names=tuple("0123456789") if name == "mnist" else tuple(cls.classes),
        test=np.arange(len(labels)) >= len(train.targets),
    )


def _torchvisions(name: str) -> Any:
    # torchvision costs seconds to import; other sources do without it.
    from torchvision import datasets

    return {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}[name]


def _remotes(name: str) -> "list[Remote]":
    from hw3models.data.known.download import Remote

    return [Remote(file, md5) for file, md5 in _torchvisions(name).resources]


def _source(name: str, text: str, licence: str) -> Source:
    return Source(
        name=name,
        forms=(name,),
        text=text,
        kinds=("images",),
        matches=name.__eq__,
        fetch=_fetch,
        read=lambda _, report, __: read_images(report.source, files_of(report)),
        licence=licence,
        is_remote=True,
        mirrors=MIRROR_VARIABLES[name],
    )


MNIST = _source("mnist", "70,000 handwritten digits, downloaded", "CC BY-SA 3.0 (LeCun, Cortes and Burges)")
FASHION = _source("fashion-mnist", "70,000 pictures of clothes, downloaded", "MIT (Zalando)")
