"""MNIST and Fashion-MNIST through torchvision: its mirrors, files, md5 sums and reader."""

import gzip
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, files_of, found
from hw3models.errors import DataError, DownloadError
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    from hw3models.data.known.download import Patience, Remote

MIRROR_VARIABLES = {"mnist": "HW3_MNIST_MIRRORS", "fashion-mnist": "HW3_FASHION_MIRRORS"}
LOCK_SECONDS = 1800.0


def _fetch(spec: DataSpec, how: Fetching) -> SourceReport:
    from hw3models.data.known.download import Patience

    return found(spec.source, "images", fetch_images(spec.source, how, Patience(how.timeout)))


def fetch_images(name: str, how: Fetching, patience: "Patience") -> tuple[Path, ...]:
    """The four files of `mnist` or `fashion-mnist`, whole and right, in `cache`; absolute paths.

    torchvision names the mirrors, the files and their md5 sums. A file that is there is checked before it is
    trusted. A lock per data set keeps two processes from downloading at once; the second finds the files.

    Raises:
        DownloadError: no mirror gave a file.
        DataError: the cache cannot be written, or another process holds its lock too long.
    """
    import filelock

    from hw3models.data.known.download import check_mirrors, download

    folder = (how.cache / "raw" / name).absolute()
    remotes = _remotes(name)
    files = tuple(folder / remote.name for remote in remotes)
    if not _missing(remotes, folder):
        return files  # without the lock, so that a cache that cannot be written to serves as well
    addresses = check_mirrors(how.mirrors.get(name, _torchvisions(name).mirrors))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            for remote in _missing(remotes, folder):  # again: another process may just have fetched them
                how.tell(f"downloading {remote.name}")
                download(remote, addresses, folder / remote.name, patience, how.tell)
    except DownloadError as error:
        raise DownloadError(
            f"{name}: {error}. Set {MIRROR_VARIABLES[name]} to addresses of mirrors (separated by spaces), or put "
            f"{', '.join(remote.name for remote in remotes)} into {folder}."
        ) from error
    except filelock.Timeout as error:
        raise DataError(
            f"{folder}: another process has held the lock for {LOCK_SECONDS / 60:.0f} minutes. Wait for it or end it."
        ) from error
    except OSError as error:
        raise DataError(f"{folder}: the raw data cannot be stored there ({error}). Choose another cache.") from error
    return files


def read_images(name: str, files: Sequence[Path]) -> Raw:
    """Train (the official 60,000) and test (10,000) images, uint8 (70,000, 28, 28), read by torchvision.

    Raises:
        DataError: a file is missing, or is not what torchvision's md5 sum says.
    """
    cls = _torchvisions(name)
    if bad := _missing(_remotes(name), files[0].parent):
        names = ", ".join(remote.name for remote in bad)
        raise DataError(f"{files[0].parent}: {names} is missing or damaged. Fetch the raw data again.")
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


def _missing(remotes: "Sequence[Remote]", folder: Path) -> "list[Remote]":
    """Those that are not in `folder`, or not with the right content."""
    from hw3models.data.known.download import md5_of

    return [r for r in remotes if not (folder / r.name).is_file() or md5_of(folder / r.name) != r.md5]


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
