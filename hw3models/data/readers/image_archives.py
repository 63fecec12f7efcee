"""A `.zip` or `.tar` of pictures, in any of the forms that a folder or a file of them may have."""

import tempfile
from functools import lru_cache
from pathlib import Path

from hw3models.data.readers import cifar_files, idx_files, image_arrays, image_folders, image_tables, pixel_tables
from hw3models.data.readers.archives import archive_source
from hw3models.data.readers.forms import parts_of
from hw3models.data.source import Source, path_of
from hw3models.data.unpacking import BROKEN, SUFFIXES, suffixes_of, top_of, unpacked
from hw3models.errors import DataError
from hw3models.specs import DataSpec

ARRAYS = frozenset({".npz", ".h5", ".hdf5", ".parquet"})
"""Suffixes of what holds pictures or series."""
_TABLES = frozenset({".tsv", ".csv", ".txt", ".dat", ".psv"})
"""Suffixes of tables whose rows may be the pixels of pictures."""
SERIES = frozenset({*_TABLES, ".ts", ".arff", ".lvm", ".mat", ".npy", ".wav"})
"""Suffixes of what holds series, or says something about pictures."""
_INNER = (image_tables.TABLE, pixel_tables.TABLE, image_arrays.NPZ, image_arrays.HDF5, image_folders.FOLDER)
_FOLDERS = (idx_files.IDX, cifar_files.CIFAR)
_RECORDS = frozenset({".idx3-ubyte"})
"""Suffixes of what can only be pictures, without being one."""
_LOOKED_INTO = 2**28
"""Bytes of an archive up to which it is unpacked to see what its arrays are; larger ones are taken for pictures."""


def _matches(source: str) -> bool:
    """An archive with a picture in it, or with nothing but arrays and tables that are pictures."""
    path = path_of(source)
    if not path.name.lower().endswith(SUFFIXES) or not path.is_file():
        return False
    from hw3models.data.pictures import decoding

    try:
        held = suffixes_of(path)
    except BROKEN:
        return True  # which is told when it is unpacked
    if not held or held & (decoding.SUFFIXES | decoding.FOREIGN | _RECORDS):
        return True
    if not held & (ARRAYS | _TABLES) or held & (SERIES - _TABLES):
        return False
    state, has_tables = path.stat(), bool(held & _TABLES)
    return not has_tables if state.st_size > _LOOKED_INTO else _has_images(path, state.st_mtime_ns, has_tables)


@lru_cache(maxsize=16)
def _has_images(path: Path, _: int, has_tables: bool) -> bool:
    """Are its arrays or tables pictures? Asked again where the file was written again."""
    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        try:
            return _within(unpacked(path, "look", Path(folder)), DataSpec())[0] is not image_folders.FOLDER
        except DataError:
            return not has_tables  # which is told when it is read, of tables by the reader of series


def _within(folder: Path, _: DataSpec) -> tuple[Source, Path]:
    """What stands in the archive: a table of pictures, one file of arrays, or a folder of pictures."""
    root = top_of(folder)
    files = sorted(one for one in root.iterdir() if one.is_file())
    for source in _INNER[:-1]:
        matching = [one for one in files if source.matches(str(one))]
        training = [one for one in matching if parts_of(one).get("train") == one]
        if len(training or matching) == 1:
            return source, (training or matching)[0]
    for source in (image_tables.TABLE, *_FOLDERS):
        if source.matches(str(root)):
            return source, root
    return image_folders.FOLDER, root


ARCHIVE = archive_source(
    "image-archive",
    "images",
    "any of these forms of pictures, packed; also .tar.gz and the like",
    matches=_matches,
    within=_within,
    groups="`--group-from folder` or `--group-from PATTERN`",
    takes=("file_pattern", "pixel_bits", "axes", "image_size"),
    holds_pictures=True,
)
