"""A folder of pictures: `DIR/CLASS/*.jpg`, `DIR/train/CLASS/*.jpg`; see `pictures/trees.py`."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from hw3models.data.file_names import file_pattern
from hw3models.data.progress import tell
from hw3models.data.raw import Raw
from hw3models.data.source import Block, Fetching, Source, Wanted, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.runtime.file_digests import file_digest
from hw3models.specs import DataSpec, SourceReport

_TABLES = (".csv", ".tsv", ".txt", ".dat", ".psv", ".ts", ".arff", ".parquet", ".lvm")
_OF_OTHERS = frozenset((*_TABLES, ".npy", ".npz", ".mat", ".h5", ".hdf5", ".hdf", ".wav", ".json"))
"""Suffixes of files that another source may read."""
AT_ONCE = 256
"""Pictures that a model is given together."""


def _matches(source: str) -> bool:
    """It holds pictures, or nothing that another source could make something of: then reading says what is missing."""
    path = path_of(source)
    if not source.strip() or not path.is_dir():
        return False
    from hw3models.data.pictures.trees import has_pictures

    if has_pictures(path):
        return True
    if path.suffix.lower() in _OF_OTHERS:  # a folder that is called like a file: its own source says so
        return False
    try:
        return not any(name.suffix.lower() in _OF_OTHERS for name in islice(path.rglob("*"), 20_000))
    except OSError:
        return True


def _fetch(spec: DataSpec, _: Fetching) -> SourceReport:
    root = path_of(spec.source)
    return found(spec.source, "images", (root,), _digest((root,)))


def _digest(files: tuple[Path, ...]) -> str:
    from hw3models.data.pictures.trees import Tree, labelled

    [root] = files
    tree = Tree(root)
    with suppress(DataError):  # reading says what is wrong
        labelled(tree, None)
    return content_digest(root, ["/".join(way) for way in tree.pictures], "".join(map(file_digest, sorted(tree.lists))))


def content_digest(root: Path, names: Sequence[str], said: str = "") -> str:
    """sha256 over names and contents below `root`, and what is said of them; unreadable files count by their names."""
    sha = hashlib.sha256(said.encode("utf-8", "surrogateescape"))
    for name in names:
        sha.update(os.fsencode(name) + b"\0")
        try:
            sha.update(bytes.fromhex(file_digest(root / name)))
        except OSError:
            sha.update(b"unreadable")  # which is told when pictures are read, of all of them
    return sha.hexdigest()[:16]


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    [root] = files_of(report)
    return read_tree(root, spec, cache, name=root.name)


def read_tree(root: Path, spec: DataSpec, cache: Path, *, name: str) -> Raw:
    """All pictures below `root`, labelled by their folders."""
    from hw3models.data.pictures.listing import Listing, raise_all
    from hw3models.data.pictures.reading import read_pictures
    from hw3models.data.pictures.trees import Tree, labelled, passed_by

    tree = Tree(root)
    pattern = None if spec.file_pattern is None else file_pattern(spec.file_pattern)
    pictures, ways, notes = labelled(tree, spec.group_from, pattern)
    if pattern is None:
        from hw3models.data.readers.image_tables import doubt_of_folders  # which reads pictures by this module

        raise_all(str(root), [doubt] if (doubt := doubt_of_folders(root, pictures)) else [])
    paths = [root.joinpath(*way) for way in ways]
    listing = Listing(
        name=name,
        where=str(root),
        pictures=tuple(pictures),
        contents=lambda: iter(paths),
        digest=content_digest(root, ["/".join(way) for way in ways], repr(pictures)),
        notes=tuple(notes),
        understood=tuple(passed_by(tree)),
    )
    return read_pictures(listing, spec, cache)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    root = path_of(spec.source)
    from hw3models.data.pictures.trees import Tree

    tree = Tree(root)
    if tree.faults or not tree.pictures:
        raise DataError(f"{root}: {'; '.join(tree.faults[:5]) or 'there are no pictures'}.")
    names = ["/".join(way) for way in tree.pictures]
    yield from picture_blocks(str(root), names, (root.joinpath(*way) for way in tree.pictures), wanted, spec)


def picture_blocks(
    where: str, names: Sequence[str], contents: Iterator[Path | bytes], wanted: Wanted, spec: DataSpec
) -> Iterator[Block]:
    """Pictures as the model takes them, a few at a time.

    Raises:
        DataError: the model takes series, or a picture cannot be read and `spec` does not say to go on without it.
    """
    from hw3models.data.pictures.listing import plain_name, raise_all
    from hw3models.data.pictures.reading import GO_ON, readable

    if wanted.kind != "images":
        raise DataError(f"{where}: these are pictures, but the model takes series.")
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        pixels, faults = readable(
            some, [next(contents) for _ in some], wanted.shape, wanted.image_fit, spec.pixel_bits or 16
        )
        if not spec.skip_unreadable:
            raise_all(where, list(faults.values()), advice=GO_ON)
        for fault in faults.values():
            tell(f"left out: {fault}")
        if rows := [row for row in range(len(some)) if row not in faults]:
            ids = np.array([plain_name(some[row]) for row in rows], dtype=object)
            yield Block(ids, pixels[rows].astype(np.float32))


def _is_labelled(spec: DataSpec) -> bool:
    from hw3models.data.pictures.trees import Tree, labelled

    root = path_of(spec.source)
    try:
        labelled(Tree(root), None, None if spec.file_pattern is None else file_pattern(spec.file_pattern))
    except DataError:
        return False
    return True


FOLDER = Source(
    name="image-folder",
    forms=("FOLDER",),
    text="pictures in a folder for each class, in parts such as train and val or without",
    kinds=("images",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    digest=_digest,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups="`--group-from folder` or `--group-from PATTERN`",
    takes=("file_pattern", "pixel_bits"),
    holds_pictures=True,
)
