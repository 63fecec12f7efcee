"""A `.zip` or `.tar` of pictures, in any of the forms that a folder or a file of them may have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.readers import image_arrays, image_folders, image_tables
from hw3models.data.source import Block, Fetching, Source, Wanted, files_digest, files_of, found, path_of
from hw3models.data.unpacking import BROKEN, SUFFIXES, suffixes_of, top_of, unpacked
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_ARRAYS = frozenset({".npz", ".h5", ".hdf5", ".parquet"})
SERIES = frozenset({".ts", ".arff", ".tsv", ".csv", ".txt", ".dat", ".mat", ".npy"})
"""Suffixes of what holds series, or says something about pictures."""
_INNER = (image_tables.TABLE, image_arrays.NPZ, image_arrays.HDF5, image_folders.FOLDER)


def _matches(source: str) -> bool:
    """An archive with a picture in it, or with nothing but arrays that may be pictures."""
    path = path_of(source)
    if not path.name.lower().endswith(SUFFIXES) or not path.is_file():
        return False
    from hw3models.data.pictures import decoding

    try:
        held = suffixes_of(path)
    except BROKEN:
        return True  # which is told when it is unpacked
    return (
        bool(held & (decoding.SUFFIXES | decoding.FOREIGN)) or not held or (bool(held & _ARRAYS) and not held & SERIES)
    )


def _inner(folder: Path) -> tuple[Source, Path]:
    """What stands in the archive: a table of pictures, one file of arrays, or a folder of pictures."""
    root = top_of(folder)
    files = sorted(one for one in root.iterdir() if one.is_file())
    for source in _INNER[:-1]:
        matching = [one for one in files if source.matches(str(one))]
        if len(matching) == 1:
            return source, matching[0]
    if image_tables.TABLE.matches(str(root)):
        return image_tables.TABLE, root
    return image_folders.FOLDER, root


@contextmanager
def _inside(spec: DataSpec, digest: str, cache: Path) -> Iterator[tuple[Source, DataSpec]]:
    """The source that the archive holds, and the spec for it. Errors name the archive, not the cache."""
    path = path_of(spec.source)
    folder = unpacked(path, digest, cache)
    source, inner = _inner(folder)
    try:
        yield source, spec.model_copy(update={"source": str(inner)})
    except DataError as error:
        raise DataError(str(error).replace(str(folder), str(path))) from error


def _fetch(spec: DataSpec, _: Fetching) -> SourceReport:
    return found(spec.source, "images", (path_of(spec.source),))


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    [path] = files_of(report)
    with _inside(spec, report.digest, cache) as (source, inner):
        fetched = source.fetch(inner, Fetching(cache, {}, 0.0, lambda _: None))
        raw = source.read(inner, fetched, cache)
    return replace(raw, name=path.name.split(".")[0])


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            assert source.unlabelled is not None
            yield from source.unlabelled(inner, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            return source.is_labelled(inner)


ARCHIVE = Source(
    name="image-archive",
    forms=(".zip", ".tar"),
    text="any of these forms of pictures, packed; also .tar.gz and the like",
    kinds=("images",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups="`--group-from folder` or `--group-from PATTERN`",
    takes=("file_pattern",),
    holds_pictures=True,
)
