"""CIFAR's binary version: `data_batch_1.bin` ..., `train.bin`, with the names of classes beside them.

A record is the label (of CIFAR-100 two: the coarse one, then the fine one), then 32 x 32 pixels of red, green and blue.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models.data.pictures.listing import Part
from hw3models.data.raw import Raw
from hw3models.data.readers.image_sides import Sides, blocks_of, raw_of_sides
from hw3models.data.source import Block, Source, Wanted, found, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_PIXELS = 3 * 32 * 32
_NAMES = {1: "batches.meta.txt", 2: "fine_label_names.txt"}
"""The file with the names of the classes, by the number of labels of a record."""
_PICKLES = (("data_batch_1", "batches.meta"), ("train", "test", "meta"))
"""Files of the Python version."""


def _parts(path: Path) -> dict[Part, list[Path]]:
    """The files of a folder, or those beside a file; the file alone where it is called otherwise."""
    folder = path if path.is_dir() else path.parent
    inner = next(iter(sorted(folder.glob("cifar-*-bin*"))), folder) if path.is_dir() else folder
    for train, test, num in (("data_batch_*.bin", "test_batch.bin", 1), ("train.bin", "test.bin", 2)):
        first, second = (sorted(inner.glob(name)) for name in (train, test))
        is_meant = path.is_dir() or path in [*first, *second]
        if first and is_meant and all(_labels_of(one) == num for one in [*first, *second]):
            return {"train": first, "test": second} if second else {"train": first}
    return {}


def _labels_of(path: Path) -> int | None:
    """How many labels a record has; None where the file does not consist of such."""
    size = path.stat().st_size
    return next((num for num in (1, 2) if size and size % (_PIXELS + num) == 0), None)


def _are_pickles(path: Path) -> bool:
    folder = path if path.is_dir() else path.parent
    inner = next(iter(sorted(folder.glob("cifar-*-*py*"))), folder) if path.is_dir() else folder
    are_there = any(all((inner / name).is_file() for name in names) for names in _PICKLES)
    return are_there and (path.is_dir() or not path.suffix or path.suffix == ".meta")


def _matches(source: str) -> bool:
    path = path_of(source)
    if not source.strip() or not path.exists():
        return False
    try:
        return _are_pickles(path) or bool(_parts(path))
    except OSError:
        return False


def _files(spec: DataSpec) -> dict[Part, list[Path]]:
    path = path_of(spec.source)
    if _are_pickles(path):
        raise DataError(
            f"{path}: this is CIFAR's Python version, whose files are pickles, which are not loaded, as they may run "
            "anything. Take the binary version (`cifar-10-binary.tar.gz`), or give the name: `hw3 images cifar10` "
            "fetches it and checks its sum."
        )
    return _parts(path)


def _records(path: Path) -> tuple[NDArray[np.uint8], list[int]]:
    """Pixels (N, 32, 32, 3), and the last label of each record."""
    num = _labels_of(path)
    assert num is not None
    rows = np.fromfile(path, np.uint8).reshape(-1, _PIXELS + num)
    pixels = rows[:, num:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), rows[:, num - 1].tolist()


def _raw_files(spec: DataSpec) -> list[Path]:
    """The records of all parts, and the names of the classes where they are there."""
    files = [one for own in _files(spec).values() for one in own]
    names = _file_of_names(files[0])
    return [*files, names] if names.is_file() else files


def _file_of_names(path: Path) -> Path:
    return path.parent / _NAMES[_labels_of(path) or 1]


def _class_names(path: Path) -> list[str]:
    try:
        lines = _file_of_names(path).read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in lines if line.strip()]


def _read(spec: DataSpec, _: SourceReport, __: Path) -> Raw:
    path, sides, told = path_of(spec.source), Sides(), list[str]()
    for part, files in _files(spec).items():
        records = [_records(one) for one in files]
        names = _class_names(files[0])
        codes = [code for _, own in records for code in own]
        is_named = bool(names) and max(codes, default=0) < len(names)
        labels = [names[code] if is_named else str(code) for code in codes]
        sides[part] = np.concatenate([pixels for pixels, _ in records]), labels
        told.append(f"{len(labels):,} {part} from {', '.join(one.name for one in files)}.")
    folder = path if path.is_dir() else path.parent
    return raw_of_sides(folder.name, str(path), sides, told)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    files = [path] if path.is_file() else [one for own in _files(spec).values() for one in own]
    yield from blocks_of(path, [_records(one)[0] for one in files], wanted)


CIFAR = Source(
    name="cifar-files",
    forms=("data_batch_1.bin",),
    text="CIFAR's binary version; or its folder",
    kinds=("images",),
    matches=_matches,
    fetch=lambda spec, _: found(spec.source, "images", _raw_files(spec)),
    read=_read,
    is_path=True,
    unlabelled=_examples,
)
