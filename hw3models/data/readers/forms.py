"""What all forms of series files share: their names, the files beside them, and the way to labelled examples.

A form is a function from one file to `Gathered` series; `series_source` makes a source of it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw, raw_sequences
from hw3models.data.readers.gathered import PART_WORDS, Gather, examples, finish, together
from hw3models.data.source import GROUP_COLUMN, WINDOWS, Block, Fetching, Source, Wanted, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport
from hw3models.specs.data import FormOptions

_PART = re.compile(
    r"^(?P<name>.*?)(?P<mark>^|[_\-. ])(?P<part>train|training|test|testing|val|valid|validation|dev)$", re.IGNORECASE
)
_WORDS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
PACKED = (".gz", ".bz2", ".xz")


class Named(NamedTuple):
    """The name of a file, taken apart."""

    stem: str
    """Without suffixes."""
    suffix: str
    """The ending in small letters, without `.gz` and the like."""
    ending: str
    """The ending as it is written, with `.gz`."""


def name_of(path: Path) -> Named:
    """`walk_TRAIN.tsv.gz` has the stem `walk_TRAIN` and the suffix `.tsv`."""
    packed = path.suffix.lower() in PACKED
    plain = Path(path.stem) if packed else Path(path.name)
    return Named(plain.stem, plain.suffix.lower(), path.name[len(plain.stem) :])


def parts_of(path: Path, *, pair: bool = True) -> dict[str, Path]:
    """The files of the split that `path` is of, by their parts: X_TRAIN, X_VAL and X_TEST, as they are there.

    Empty where the name is none of a part, or no other file is beside it, or with `pair` False.
    """
    named = name_of(path)
    match = _PART.match(named.stem) if pair else None
    if match is None or not path.parent.is_dir():
        return {}
    beside = {name_of(one).stem.lower(): one for one in path.parent.iterdir() if name_of(one).ending == named.ending}
    start = f"{match['name']}{match['mark']}".lower()
    there = {}
    for part, words in _WORDS.items():
        own = next((beside[start + word] for word in words if start + word in beside), None)
        if own is not None:
            there[part] = path if own.name.lower() == path.name.lower() else own
    return there if "train" in there and len(there) > 1 else {}


def name_of_set(path: Path, parts: dict[str, Path]) -> str:
    """The name without `_TRAIN`; that of the folder where nothing is left."""
    stem = name_of(path).stem
    if not parts:
        return stem
    match = _PART.match(stem)
    return (match["name"] if match else stem) or path.absolute().parent.name


def here(source: str, what: str) -> Path:
    """The file that a user gave.

    Raises:
        DataError: there is none.
    """
    path = path_of(source)
    if not path.is_file():
        wrong = "is a folder, not a file" if path.is_dir() else "is no file" if path.exists() else "does not exist"
        raise DataError(f"{path} {wrong}. Give the path of a {what} file.")
    return path


def pair_note(parts: dict[str, Path]) -> str:
    """What is said where several files are taken."""
    named = ", ".join(f"{path.name} for {part}" for part, path in parts.items() if part != "train")
    return f"Taken with {parts['train'].name}: {named} (`--no-pair` reads the named file alone)"


def series_source(
    name: str,
    suffixes: tuple[str, ...],
    text: str,
    *,
    gather: Gather,
    is_labelled: Callable[[Path, DataSpec], bool] = lambda *_: True,
    with_files: Callable[[Path, FormOptions], tuple[Path, ...]] = lambda path, _: (path,),
    groups: str = GROUP_COLUMN,
    packed: bool = True,
    takes: tuple[str, ...] = WINDOWS,
) -> Source:
    """A form of series files that is known by its suffixes.

    Args:
        name: in listings.
        suffixes: such as `.tsv`, without `.gz`.
        text: what stands in such a file.
        gather: one file to series, with labels or without looking at them.
        is_labelled: has this file labels?
        with_files: the file with those that belong to it, such as one for each dimension.
        groups: how groups are named; empty where they cannot be.
        packed: may it be `.gz`?
        takes: options that it heeds.
    """

    def matches(source: str) -> bool:
        named = name_of(Path(source))
        return named.suffix in suffixes and (packed or not source.lower().endswith(PACKED))

    def files(spec: DataSpec) -> tuple[Path, ...]:
        path = here(spec.source, " or ".join(suffixes))
        parts = parts_of(path, pair=spec.pair)
        every = [one for part in parts.values() or (path,) for one in with_files(part, spec)]
        return tuple(dict.fromkeys(every))

    def fetch(spec: DataSpec, _: object) -> SourceReport:
        return found(spec.source, "sequences", files(spec))

    def read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
        path = path_of(spec.source)
        path = path if path in files_of(report) else files_of(report)[0]
        return gathered_files(path, spec, gather)

    def unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
        yield from examples(gather(here(spec.source, suffixes[0]), spec, False), spec, wanted)

    return Source(
        name=name,
        forms=suffixes,
        text=f"{text}; or packed as .gz, .bz2, .xz" if packed else text,
        kinds=("sequences",),
        matches=matches,
        fetch=fetch,
        read=read,
        is_path=True,
        unlabelled=unlabelled,
        is_labelled=lambda spec: not path_of(spec.source).is_file() or is_labelled(path_of(spec.source), spec),
        groups=groups,
        takes=takes,
    )


def gathered_files(path: Path, spec: DataSpec, gather: Gather, *, by_name: bool = False) -> Raw:
    """The file, or the files of the split that it is of, as labelled examples; `by_name` where channels are columns."""
    parts = parts_of(path, pair=spec.pair)
    name = name_of_set(path, parts)
    if not parts:
        return finish(replace(gather(path, spec, True), name=name), spec)
    train = parts["train"]
    all_parts = [gather(train, spec, True)]
    channels = all_parts[0].channels if by_name else ()
    own = spec.model_copy(update={"feature_columns": channels, "ignore_columns": ()}) if channels else spec
    with columns_of(train, spec):
        all_parts += [gather(one, own, True) for one in parts.values() if one is not train]
    joined = together(all_parts, [PART_WORDS[part] for part in parts])
    return finish(replace(joined, name=name, form=f"{joined.form}. {pair_note(parts)}"), spec)


@contextmanager
def columns_of(train: Path, spec: DataSpec) -> Iterator[None]:
    """Who misses a column that nobody named is told who has it: the file for training."""
    try:
        yield
    except DataError as error:
        if spec.feature_columns:
            raise
        told = f"is missing, which {train.name} has (`--feature-columns` names those that all have)"
        raise DataError(str(error).replace("(`feature_columns`) is missing", told)) from error


def paired(source: Source) -> Source:
    """The same source, which takes X_TEST beside X_TRAIN as the test split."""

    def parts_for(spec: DataSpec) -> dict[str, Path]:
        return parts_of(path_of(spec.source), pair=spec.pair)

    def fetch(spec: DataSpec, how: Fetching) -> SourceReport:
        parts = parts_for(spec)
        return found(spec.source, source.kinds[0], tuple(parts.values())) if parts else source.fetch(spec, how)

    def read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
        parts = parts_for(spec)
        return read_parts(source, spec, parts, cache) if parts else source.read(spec, report, cache)

    return replace(source, fetch=fetch, read=read)


def read_parts(source: Source, spec: DataSpec, parts: dict[str, Path], cache: Path) -> Raw:
    """Files that `source` reads one by one, as the parts of one split; or a single one.

    Raises:
        DataError: they differ in their channels, or have splits of their own.
    """
    raws = list[Raw]()
    for path in parts.values():
        one = spec.model_copy(update={"source": str(path), "pair": False})
        if raws and raws[0].channels and source.table is not None:
            one = one.model_copy(update={"feature_columns": raws[0].channels})  # what training has, test has as well
        with columns_of(next(iter(parts.values())), spec):
            raws.append(source.read(one, found(str(path), "sequences", (path,)), cache))
    name = name_of_set(next(iter(parts.values())), parts if len(parts) > 1 else {})
    if len(raws) == 1:
        return replace(raws[0], name=name)
    return replace(
        joined(raws, [PART_WORDS[part] for part in parts], name), notes=(f"{pair_note(parts)}.", *_notes(raws))
    )


def _notes(raws: list[Raw]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for raw in raws for note in raw.notes))


def joined(raws: list[Raw], parts: list[str], name: str) -> Raw:
    """The examples of several sources as one, each a part of its split.

    Raises:
        DataError: they differ in their channels or groups, or have splits of their own.
    """
    first, faults = raws[0], list[str]()
    for raw in raws[1:]:
        if raw.channels != first.channels or raw.features.shape[2] != first.features.shape[2]:
            mine, theirs = (", ".join(one.channels) or str(one.features.shape[2]) for one in (first, raw))
            faults.append(f"{first.name} has channels {mine}, but {raw.name} has {theirs}")
        if (raw.groups is None) != (first.groups is None):
            faults.append(f"only one of {first.name} and {raw.name} names groups")
    faults += [
        f"{raw.name} has a split of its own (`--no-pair` reads it alone)" for raw in raws if raw.test is not None
    ]
    raise_faults(name, faults)
    series = [
        np.asarray(one if raw.lengths is None else one[: raw.lengths[row]], np.float64)
        for raw in raws
        for row, one in enumerate(raw.features)
    ]
    split = np.array([part for raw, part in zip(raws, parts, strict=True) for _ in raw.labels])
    whole = raw_sequences(
        name,
        series,
        [raw.class_names[code] for raw in raws for code in raw.labels],
        test=split == "test" if "test" in parts else None,
        channels=first.channels,
        groups=None if first.groups is None else [raw.group_names[code] for raw in raws for code in raw.groups],  # type: ignore[union-attr]
    )
    return replace(whole, validation=split == "validation" if "validation" in parts else None)
