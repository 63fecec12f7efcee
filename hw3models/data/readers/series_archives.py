"""A `.zip` or `.tar` of series: a data set of the UEA and UCR archives, one file, or a folder of recordings."""

from pathlib import Path

from hw3models.data.readers import json_files
from hw3models.data.readers.archives import archive_source
from hw3models.data.readers.forms import name_of, parts_of
from hw3models.data.readers.image_archives import ARRAYS, SERIES
from hw3models.data.source import COLUMNS, GROUP_COLUMN, WINDOWS, Source, path_of
from hw3models.data.unpacking import BROKEN, SUFFIXES, suffixes_of, top_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec

_TEXTS = (".ts", ".arff", ".tsv", ".csv", ".txt", ".dat", ".psv")
_ORDER = (*_TEXTS, ".parquet", ".npz", ".npy", ".mat", ".h5", ".hdf5")
"""Suffixes of data: the first that a set has is read."""
_ABOUT = ("readme", "licence", "license", "description")


def _matches(source: str) -> bool:
    """An archive with series; one with pictures is asked before."""
    path = path_of(source)
    if not path.name.lower().endswith(SUFFIXES) or not path.is_file():
        return False
    try:
        return bool(suffixes_of(path) & (SERIES | ARRAYS | set(json_files.SUFFIXES)))
    except BROKEN:
        return False


def _inner(folder: Path) -> Path:
    """What stands in the archive: the training file of a set, the only file with data, or a folder of recordings."""
    root = top_of(folder)
    there = [one for one in sorted(root.iterdir()) if one.is_file()]
    files = [one for one in there if name_of(one).suffix in _ORDER]
    if not files and len(own := [one for one in there if name_of(one).suffix in json_files.SUFFIXES]) == 1:
        return own[0]  # beside other data JSON says something about them
    files = [one for one in files if not one.stem.lower().startswith(_ABOUT)]
    files.sort(key=lambda one: (_ORDER.index(name_of(one).suffix), one.name))
    training = [one for one in files if parts_of(one).get("train") == one and "Dimension" not in one.name]
    if training:
        return training[0]
    return files[0] if len(files) == 1 and not any(one.is_dir() for one in root.iterdir()) else root


def _within(folder: Path, spec: DataSpec) -> tuple[Source, Path]:
    from hw3models.data.sources import check_options, find_source  # which know all of them, this one as well

    inner = _inner(folder)
    source = find_source(str(inner), spec.layout)
    if "sequences" not in source.kinds:
        raise DataError(f"{inner}: no series were found in it.")
    check_options(source, spec.model_copy(update={"source": str(inner)}))
    return source, inner


ARCHIVE = archive_source(
    "series-archive",
    "sequences",
    "any of these forms of series, packed; also .tar.gz and the like",
    matches=_matches,
    within=_within,
    groups=GROUP_COLUMN,
    takes=(*WINDOWS, *COLUMNS, "layout", "axes", "arrays", "manifest", "file_pattern"),
)
