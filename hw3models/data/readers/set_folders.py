"""A folder that holds one set: NAME_TRAIN and NAME_TEST of any text form, or a table and that of its labels."""

from collections.abc import Collection
from pathlib import Path

from hw3models.data.readers import arff_files, text_tables, ts_files
from hw3models.data.readers.folders import text_files
from hw3models.data.readers.forms import name_of, parts_of
from hw3models.data.readers.within import Within
from hw3models.data.source import GROUP_COLUMN, Source, path_of
from hw3models.errors import SpecError
from hw3models.specs import DataSpec

_READERS = {".ts": ts_files.TS, ".arff": arff_files.ARFF, **dict.fromkeys(text_tables.SUFFIXES, text_tables.TEXT)}
"""The forms that a set may have, the best first."""
_FEW = 4
"""Fewer files than that may be a table with tables of labels."""


def train_file(folder: Path) -> Path | None:
    """The training file of the one set in a folder; None where there is none, or several, or other tables as well."""
    if not folder.is_dir():
        return None
    for suffix in _READERS:
        files = sorted(path for path in folder.iterdir() if name_of(path).suffix == suffix and path.is_file())
        trains = [path for path in files if parts_of(path).get("train") == path]
        named = [path for path in trains if name_of(path).stem.lower() == f"{folder.absolute().name.lower()}_train"]
        if suffix in text_tables.SUFFIXES and trains and not _are_all(text_files(folder), parts_of(trains[0]).values()):
            return None  # recordings, each in a file
        if len(named or trains) == 1:
            return (named or trains)[0]
    files = text_files(folder)
    return next((path for path in files if 1 < len(files) < _FEW and _are_all(files, [path])), None)


def _are_all(files: list[Path], tables: Collection[Path]) -> bool:
    """Is there nothing but these tables, and those of their labels?"""
    if len(files) == len(tables):
        return len(files) > 1
    labels = {beside for path in tables for beside in text_tables.labels_beside(path)}
    return bool(labels) and set(files) == {*tables, *labels}


def _inner(spec: DataSpec) -> tuple[Source, DataSpec]:
    """The reader of the set, and what it is asked."""
    path = train_file(path_of(spec.source))
    assert path is not None
    source = _READERS[name_of(path).suffix]
    if spec.group_column is not None and source.groups != GROUP_COLUMN:
        raise SpecError(
            f"`group_column` is {spec.group_column!r}, but {path.name} has no columns. Its groups are named by "
            f"{source.groups}; leave `--group-column` out."
        )
    asked = [name for name in SET.takes if getattr(spec, name) != DataSpec.model_fields[name].default]
    if unheeded := [name for name in asked if name not in source.takes]:
        raise SpecError(f"`{unheeded[0]}` is given, but {path.name} is read in one way only. Leave it out.")
    return source, spec.model_copy(update={"source": str(path)})


_WITHIN = Within(_inner)
SET = Source(
    name="set",
    forms=("FOLDER/",),
    text="that holds NAME_TRAIN and NAME_TEST of one set, or a table and one of labels",
    kinds=("sequences",),
    matches=lambda source: train_file(path_of(source)) is not None,
    fetch=_WITHIN.fetch,
    read=_WITHIN.read,
    is_path=True,
    unlabelled=_WITHIN.unlabelled,
    is_labelled=_WITHIN.is_labelled,
    takes=text_tables.TEXT.takes,
    groups=text_tables.TEXT.groups,
)
