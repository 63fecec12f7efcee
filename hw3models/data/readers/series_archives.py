"""A `.zip` or `.tar` of series: a data set of the UEA and UCR archives, one file, or a folder of recordings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.readers.forms import name_of, parts_of
from hw3models.data.readers.image_archives import SERIES
from hw3models.data.source import (
    COLUMNS,
    GROUP_COLUMN,
    WINDOWS,
    Block,
    Fetching,
    Source,
    Wanted,
    files_digest,
    files_of,
    found,
    path_of,
)
from hw3models.data.unpacking import BROKEN, SUFFIXES, suffixes_of, top_of, unpacked
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_ORDER = (".ts", ".arff", ".tsv", ".csv", ".txt", ".dat", ".parquet", ".npz", ".npy", ".mat", ".h5", ".hdf5")
"""Suffixes of data: the first that a set has is read."""
_ABOUT = ("readme", "licence", "license", "description")


def _matches(source: str) -> bool:
    path = path_of(source)
    if not path.name.lower().endswith(SUFFIXES) or not path.is_file():
        return False
    try:
        return bool(suffixes_of(path) & SERIES)
    except BROKEN:
        return False


def _inner(folder: Path) -> Path:
    """What stands in the archive: the training file of a set, the only file with data, or a folder of recordings."""
    root = top_of(folder)
    files = [one for one in sorted(root.iterdir()) if one.is_file() and name_of(one).suffix in _ORDER]
    files = [one for one in files if not one.stem.lower().startswith(_ABOUT)]
    files.sort(key=lambda one: (_ORDER.index(name_of(one).suffix), one.name))
    training = [one for one in files if parts_of(one).get("train") == one and "Dimension" not in one.name]
    if training:
        return training[0]
    return files[0] if len(files) == 1 and not any(one.is_dir() for one in root.iterdir()) else root


@contextmanager
def _inside(spec: DataSpec, digest: str, cache: Path) -> Iterator[tuple[Source, DataSpec]]:
    """The source that the archive holds, and the spec for it. Errors name the archive, not the cache."""
    from hw3models.data.sources import check_options, find_source  # which know all of them, this one as well

    path = path_of(spec.source)
    folder = unpacked(path, digest, cache)
    inner = spec.model_copy(update={"source": str(_inner(folder))})
    try:
        source = find_source(inner.source)
        if "sequences" not in source.kinds:
            raise DataError(f"{inner.source}: no series were found in it.")
        check_options(source, inner)
        yield source, inner
    except DataError as error:
        raise DataError(str(error).replace(str(folder), str(path))) from error


def _fetch(spec: DataSpec, _: Fetching) -> SourceReport:
    return found(spec.source, "sequences", (path_of(spec.source),))


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    [path] = files_of(report)
    with _inside(spec, report.digest, cache) as (source, inner):
        raw = source.read(inner, source.fetch(inner, Fetching(cache, {}, 0.0, lambda _: None)), cache)
    within = path_of(inner.source).name
    return replace(
        raw, name=path.name.split(".")[0], understood=(f"{path.name} was unpacked: {within}.", *raw.understood)
    )


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            if source.unlabelled is not None:
                yield from source.unlabelled(inner, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            return source.is_labelled(inner)


ARCHIVE = Source(
    name="series-archive",
    forms=(".zip", ".tar"),
    text="any of these forms of series, packed; also .tar.gz and the like",
    kinds=("sequences",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    takes=(*WINDOWS, *COLUMNS, "layout", "axes", "arrays", "manifest", "file_pattern"),
)
