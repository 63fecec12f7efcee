"""idx files, as MNIST and its like are published: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`.

A folder with them is given, or one of the files; the others of its set are found by their names.
"""

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.pictures.listing import PART_OF, Part
from hw3models.data.raw import MAX_BYTES, Raw
from hw3models.data.readers.image_sides import Sides, blocks_of, raw_of_sides
from hw3models.data.source import Block, Source, Wanted, found, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_NAME = re.compile(
    r"(?P<set>.*?)[_\-. ]?(?P<part>train|training|t10k|test|val|valid|validation)?[_\-. ]?(?P<what>images|labels)"
    r"[_\-. ]idx\d[_\-. ]ubyte(\.gz)?",
    re.I,
)
_NUMBERS = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MOST_LOOKED_AT = 500
_PARTS: tuple[Part, ...] = ("train", "validation", "test")


class _File(NamedTuple):
    """What the name of a file says."""

    set: str
    part: Part
    is_images: bool


def _file(path: Path) -> _File | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    word = (match["part"] or "train").lower()
    return _File(match["set"].lower(), "test" if word == "t10k" else PART_OF[word], match["what"].lower() == "images")


def _set(path: Path) -> dict[_File, Path]:
    """The files of the set that a file is of, or that is in a folder or one within; unpacked ones first."""
    own = None if path.is_dir() else _file(path)
    where = path if own is None else path.parent
    there = where.rglob("*") if own is None else where.iterdir()
    some = [one for one in islice(there, _MOST_LOOKED_AT) if _file(one) is not None and one.is_file()]
    files: dict[_File, Path] = {}
    for one in sorted(some, key=lambda one: (len(one.parts), one.suffix == ".gz", one.name)):
        if (said := _file(one)) is not None and (own is None or said.set == own.set):
            files.setdefault(said, one)
    if own is not None:
        files[own] = path
    return files


def _matches(source: str) -> bool:
    path = path_of(source)
    if path.is_file():
        return _file(path) is not None
    if not source.strip() or not path.is_dir():
        return False
    from hw3models.data.pictures.trees import has_pictures

    try:
        return any(file.is_images for file in _set(path)) and not has_pictures(path)
    except OSError:
        return False


def _files(path: Path) -> dict[_File, Path]:
    """The same.

    Raises:
        DataError: there are several sets, or labels without images.
    """
    files = _set(path)
    if len(sets := sorted({one.set for one in files})) > 1:
        names = ", ".join(files[next(one for one in files if one.set == name)].name for name in sets[:3])
        raise DataError(f"{path}: it holds several sets, such as {names}. Give a file of the one that is meant.")
    if not any(one.is_images for one in files):
        raise DataError(f"{path}: there are labels, but no file `...-images-idx3-ubyte` beside them.")
    return files


def read_idx(path: Path) -> NDArray[Any]:
    """The array of one file.

    Raises:
        DataError: it is none, or not whole.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            zero, code, axes = struct.unpack(">HBB", file.read(4))
            if zero != 0 or code not in _NUMBERS or not 0 < axes < 5:
                raise DataError(f"{path}: it does not begin as an idx file does. Fetch it again.")
            shape = struct.unpack(f">{axes}I", file.read(4 * axes))
            size = math.prod(shape) * np.dtype(_NUMBERS[code]).itemsize
            if size > MAX_BYTES:
                raise DataError(f"{path}: it needs {size / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB.")
            content = file.read(size + 1)
    except (OSError, EOFError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: not a whole idx file ({str(error).rstrip('.')}). Fetch it again.") from error
    if len(content) != size:
        what = "more" if len(content) > size else f"{len(content):,}"
        raise DataError(f"{path}: it has {what} bytes where {size:,} are said by its header. Fetch it again.")
    return np.frombuffer(content, _NUMBERS[code]).reshape(shape)


def _images(path: Path) -> NDArray[np.uint8]:
    from hw3models.data.readers.image_arrays import eight_bits

    pixels, fault = eight_bits(read_idx(path), path.name)
    if fault:
        raise DataError(f"{path}: {fault}.")
    # EMNIST's are stored column by column.
    return np.ascontiguousarray(pixels.transpose(0, 2, 1)) if _is_turned(path) else pixels


def _is_turned(path: Path) -> bool:
    return path.name.lower().startswith("emnist")


def _read(spec: DataSpec, _: SourceReport, __: Path) -> Raw:
    path = path_of(spec.source)
    files, sides = _files(path), Sides()
    [name] = {one.set for one in files}
    for part in _PARTS:
        images, labels = (files.get(_File(name, part, is_images)) for is_images in (True, False))
        if images is None:
            continue
        if labels is None:
            raise DataError(f"{images}: there is no file of its labels beside it. Its name has `labels` for `images`.")
        sides[part] = _images(images), [str(label) for label in read_idx(labels).reshape(-1)]
    taken = ", ".join(dict.fromkeys(one.name for one in files.values()))
    told = [f"Read from {taken}."]
    if any(map(_is_turned, files.values())):
        told.append("Pictures of EMNIST are stored column by column, and were turned.")
    folder = path if path.is_dir() else path.parent
    return raw_of_sides(name.strip("-_. ") or folder.name, str(path), sides, told)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    own = _file(path) if path.is_file() else None
    files = (
        [path] if own is not None and own.is_images else [one for said, one in _files(path).items() if said.is_images]
    )
    yield from blocks_of(path, [_images(one) for one in files], wanted)


IDX = Source(
    name="idx",
    forms=("train-images-idx3-ubyte",),
    text="idx files as MNIST is published, packed or not; or a folder of them",
    kinds=("images",),
    matches=_matches,
    fetch=lambda spec, _: found(spec.source, "images", tuple(_files(path_of(spec.source)).values())),
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=lambda spec: any(not one.is_images for one in _set(path_of(spec.source))),
)
