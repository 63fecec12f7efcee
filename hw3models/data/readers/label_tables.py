"""A table of labels beside a table of series, a row for each series: `labels.csv` (id, label) beside `data.csv`.

`--manifest labels.csv` names it. Otherwise one that lies beside and is called `labels`, `NAME_labels` or the like is
taken, where the table of series has no labels itself; of `NAME_train` that of the same part.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.gathered import PART_WORDS
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.intervals import Intervals, intervals_in
from hw3models.data.source import path_of
from hw3models.errors import DataError, SpecError
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".psv")
_SINGULAR = ("y", "label", "target", "class", "annotation", "outcome", "truth", "meta", "metadata")
_WORDS = frozenset((*_SINGULAR, "labels", "targets", "classes", "annotations", "outcomes"))
"""Words that the names of tables of labels are made of, beside the name of the table that they are of."""
_MOST_COLUMNS = 100
_MOST_NAMES = 20_000
"""Columns of a table of series; one of more is refused by its reader."""
_MOST_BYTES = 256 * 2**20
_SPLIT = "split"


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "case": str.casefold,
    "zeros before": lambda name: re.sub(r"(?<!\d)0+(?=\d)", "", name),
    "`.0` behind": lambda name: name.removesuffix(".0"),
    "the suffix": lambda name: Path(name).stem,
}


class LabelTable(NamedTuple):
    """What a table says of series."""

    path: Path
    key: str
    """The column with the names of series."""
    label: str | None
    """Its column of labels, where these are wanted."""
    columns: dict[str, dict[str, str]]
    """Column of the joined table -> value of each series."""
    paths: tuple[Path, ...]
    """All files that it was put together of."""
    faults: tuple[str, ...] = ()
    intervals: Intervals | None = None
    """Where it says the labels of stretches of time, these."""

    def join(self, table: "pd.DataFrame", sample: str) -> "pd.DataFrame":
        """The table of series with these columns; nothing where a series has no row."""
        if sample not in table.columns:
            return table
        ids = table[sample].astype("str").str.strip()
        added = {name: ids.map(values) for name, values in self.columns.items() if name not in table.columns}
        return table.assign(**added) if added else table

    @property
    def said(self) -> str:
        """How it was taken, in a sentence."""
        what = "Labels" if self.label is not None else ", ".join(map(repr, self.columns))
        where = f" in {self.label!r}" if self.label is not None else ""
        return f"{what}{where} of {self.path.name}, by {self.key!r} (`--manifest` names another table)."


def label_table(path: Path, spec: DataSpec, names: Sequence[str]) -> LabelTable | None:
    """The table that says the labels of the series in `path`, whose columns are `names`; None where none does.

    Raises:
        SpecError: one was named that is not there.
        DataError: one was named that has no column of series or of labels, or two labels for one series.
    """
    if spec.manifest is not None:
        return _joined([_named(path, one.strip()) for one in spec.manifest.split(",")], path, spec, names)
    if not names or len(names) > _MOST_NAMES or spec.label_column in names or likely("label_column", names):
        return None
    every = list[LabelTable]()
    for candidate in _beside(path):
        try:
            found = _read(candidate, spec, names)
        except DataError:
            continue
        if found is not None and found.label is not None:
            raise_faults(str(candidate), found.faults)
            every.append(found)
    for other in every[1:]:
        _check_same(every[0], other, path, spec)
    return every[0] if every else None


def _check_same(first: LabelTable, other: LabelTable, path: Path, spec: DataSpec) -> None:
    """Two tables that were found, of which the first would be taken, say the same; one of the same part comes before.

    Raises:
        DataError: they say something else of a series.
    """
    if _words(first.path)[0] != _words(other.path)[0]:
        return
    mine, theirs = (one.columns.get(spec.label_column, {}) for one in (first, other))
    unlike = next((id for id, value in theirs.items() if mine.get(id, value) != value), None)
    if unlike is not None or (first.intervals is None) != (other.intervals is None):
        said = f"{mine[unlike]!r} and {theirs[unlike]!r} of series {unlike!r}" if unlike is not None else "other things"
        raise DataError(
            f"{path}: {first.path.name} and {other.path.name} beside it say {said}. Name the one with the labels: "
            f"`--manifest {first.path.name}` or `--manifest {other.path.name}`."
        )


def joiner(path: Path, spec: DataSpec) -> "Callable[[pd.DataFrame], pd.DataFrame]":
    """Adds what a table of labels says to the pieces of the table in `path`."""
    found: list[LabelTable | None] = []

    def join(table: "pd.DataFrame") -> "pd.DataFrame":
        if not found:
            found.append(label_table(path, spec, list(table.columns)))
        return table if found[0] is None else found[0].join(table, spec.sample_column)

    return join


def without_row(table: LabelTable, ids: Sequence[str]) -> str:
    """What is wrong where the table lacks some of the series `ids`; empty where it has all."""
    known = next(iter(table.columns.values()), None)
    if known is None or not (missing := [one for one in dict.fromkeys(map(str, ids)) if one.strip() not in known]):
        return ""
    more = f" and {len(missing) - 1:,} more series" if len(missing) > 1 else ""
    return (
        f"{table.path}: it has no row for series {missing[0]!r}{more}; its names in {table.key!r} are "
        f"{', '.join(map(repr, list(known)[:3]))}, ...."
        f"{_alike(missing, known) or f'{suggestion(missing[0], list(known)[:1000])} Write a row for each.'}"
    )


def _alike(missing: Sequence[str], known: Iterable[str]) -> str:
    """What tells the names of the two tables apart, where it is no more than how they are written."""
    for how, plain in _SPELLINGS.items():
        theirs = {plain(name) for name in known}
        if all(plain(one.strip()) in theirs for one in missing):
            return f" The names differ in {how} only: write them alike in both tables."
    return ""


def _named(path: Path, name: str) -> Path:
    for one in (path_of(name), path.parent / name):
        if one.is_file():
            return one
    raise SpecError(f"`manifest`: there is no file {name!r}, neither here nor in {path.parent}.")


def _joined(tables: list[Path], path: Path, spec: DataSpec, names: Sequence[str]) -> LabelTable:
    """Tables that were named, put together."""
    every, columns = list[LabelTable](), dict[str, dict[str, str]]()
    for one in tables:
        found = _read(one, spec, names)
        if found is None:
            raise DataError(
                f"{one}: none of its columns ({', '.join(_cells(one, state_of(one))[0][:8])}) names the series of "
                f"{path.name} and says their {spec.label_column!r}. It needs {spec.sample_column!r} and the label."
            )
        raise_faults(str(one), found.faults)
        every.append(found)
        for name, values in found.columns.items():
            before = columns.setdefault(name, values)
            if unlike := next((id for id, value in values.items() if before.get(id, value) != value), None):
                raise DataError(
                    f"{one}: series {unlike!r} has {values[unlike]!r} in column {name!r}, but {before[unlike]!r} in "
                    "another table. Name one of them."
                )
            columns[name] = {**before, **values}
    label = next((one.label for one in every if one.label is not None), None)
    intervals = next((one.intervals for one in every if one.intervals is not None), None)
    path_with = next((one.path for one in every if one.label is not None), every[0].path)
    paths = tuple(one.path for one in every)
    return LabelTable(path_with, every[0].key, label, columns, paths, intervals=intervals)


def _beside(path: Path) -> list[Path]:
    """Files beside a table that are called as its labels would be, those of the same part first."""
    part, base = _words(path)
    found = list[tuple[bool, str, Path]]()
    for one in path.parent.iterdir() if path.parent.is_dir() else ():
        if name_of(one).suffix not in _SUFFIXES or one.name.startswith(".") or one.name == path.name:
            continue
        its_part, words = _words(one)
        rest = words - base
        if rest and rest <= _WORDS and its_part in (None, part):
            found.append((its_part is None, one.name, one))
    return [one for _, _, one in sorted(found)[:8] if one.is_file()]


def _words(path: Path) -> tuple[str | None, set[str]]:
    """The part of a split that a file is of by its name, and the other words of the name."""
    words = [word for word in re.split(r"[_\-. ]+", name_of(path).stem.lower()) if word]
    part = next((PART_WORDS[word] for word in words if word in PART_WORDS), None)
    return part, {word for word in words if word not in PART_WORDS}


def _read(table: Path, spec: DataSpec, names: Sequence[str]) -> LabelTable | None:
    """What the table says; None where no column names the series, or none says what is wanted."""
    if (intervals := intervals_in(table, spec)) is not None:
        return LabelTable(table, spec.sample_column, "label", {}, (table,), (), intervals)
    columns, cells = _cells(table, state_of(table))
    if (key := _key(columns, cells, spec, names)) is None:
        return None
    label_wanted = spec.label_column not in names
    group = spec.group_column if spec.group_column in columns and spec.group_column not in names else None
    split = _SPLIT if _SPLIT in columns and _SPLIT not in names else None
    others = [name for name in columns if name not in {key, group, split, *key.split(",")}]
    label = _label(others, spec) if label_wanted else None
    taken = {name: own for name, own in ((spec.label_column, label), (group, group), (split, split)) if name and own}
    if not taken:
        return None
    keys = cells[key]
    faults, found = list[str](), dict[str, dict[str, str]]()
    for name, own in taken.items():
        values = dict[str, str]()
        for one, value in zip(keys, cells[own], strict=True):
            if values.setdefault(one, value) != value:
                faults.append(f"series {one!r} has {values[one]!r} and {value!r} in {own!r}; one is needed")
        found[name] = {one: value for one, value in values.items() if value}
    return LabelTable(table, key, label, found, (table,), tuple(faults))


def _key(columns: list[str], cells: dict[str, list[str]], spec: DataSpec, names: Sequence[str]) -> str | None:
    """The column that names the series: called as in their table, or the only one that is called so at all."""
    if spec.sample_column in columns and spec.sample_column in names:
        return spec.sample_column
    parts = [part.strip() for part in spec.sample_column.split(",")]
    if len(parts) > 1 and set(parts) <= set(columns):  # several columns name a series together, as in the table
        marked = [[cell.replace("\\", "\\\\").replace("/", "\\/") for cell in cells[part]] for part in parts]
        cells[spec.sample_column] = ["/".join(row) for row in zip(*marked, strict=True)]
        return spec.sample_column
    if spec.sample_column not in names:
        common = [name for name in likely("sample_column", columns) if name in names]
        return common[0] if len(common) == 1 else None
    usual = likely("sample_column", columns)
    return usual[0] if len(usual) == 1 else None


def _label(others: list[str], spec: DataSpec) -> str | None:
    if spec.label_column in others:
        return spec.label_column
    if spec.label_column != DataSpec.model_fields["label_column"].default:
        return None
    known = [name for name in others if name == "y"] or likely("label_column", others) or others
    return known[0] if len(known) == 1 else None


def _cells(path: Path, state: FileState) -> tuple[list[str], dict[str, list[str]]]:
    columns, cells = _cells_of(path, state)
    return list(columns), dict(cells)


@lru_cache(maxsize=16)
def _cells_of(path: Path, state: FileState) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The columns of a small table with a header, as texts without spaces around them."""
    from dataclasses import replace

    from hw3models.data.readers.wide_tables import read_head, text_frame

    if state.size > _MOST_BYTES:
        raise DataError(f"{path}: a table of labels has at most {_MOST_BYTES // 2**20} MiB; is it one of series?")
    head = replace(read_head(path), known=True)
    if not 2 <= len(head.first) <= _MOST_COLUMNS:
        raise DataError(f"{path}: a table of labels has 2 to {_MOST_COLUMNS} columns; it has {len(head.first)}.")
    table = text_frame(path, head)[0]
    return tuple(map(str, table.columns)), {str(name): table[name].str.strip().tolist() for name in table.columns}
