"""What a source of data is: one object, that the registry (`sources.py`) has a line of.

A source may be known by its name, be made by our code, or be a path of the user's: a file, a folder, whatever
`matches` takes. Splits are what its `read` hands over (`Raw`).

N examples, T time steps, C channels
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.raw import Raw
from hw3models.errors import DataError
from hw3models.runtime.file_digests import file_digest
from hw3models.specs import DataSpec, Kind, SourceReport

if TYPE_CHECKING:
    import pandas as pd


class Fetching(NamedTuple):
    """What a download needs to know."""

    cache: Path
    mirrors: Mapping[str, Sequence[str]]
    """Name of a source -> base addresses instead of its own."""
    timeout: float
    """Seconds for the first byte of a mirror, and for which it may then be silent or slow."""
    tell: Callable[[str], None]
    uploads: Callable[[str, Path], None] | None = None
    """Unpacks what `hw3 upload` has left under a digest into a folder; None where nobody can."""


class Wanted(NamedTuple):
    """What a model takes."""

    kind: Kind
    shape: tuple[int, ...]
    """(H, W) or (H, W, 3), or (T, C)."""
    unequal_lengths: bool = False
    """Series may be shorter than T: they are padded with NaN at the end."""
    channels: tuple[str, ...] = ()
    """Columns of a table, in the model's order; without names all that are left, in the file's."""
    image_fit: Literal["fit", "crop", "pad"] = "fit"
    """How pictures of another shape become that of the model; see `DataOptions`."""


WINDOWS = ("window", "stride", "mixed_windows", "resample")
"""Options of what may hold recordings."""
COLUMNS = ("feature_columns", "ignore_columns")
"""Options of what has columns with names."""
GROUP_COLUMN = "`--group-column NAME`"
"""How tables name their groups; other sources have no columns."""


class Block(NamedTuple):
    """Some examples without labels."""

    ids: NDArray[Any]
    """(N,) names of the series, or numbers from 0."""
    examples: NDArray[np.float32]
    """(N, *shape)."""
    groups: tuple[str, ...] | None = None
    """N, to the letter; None where nobody named any."""


def files_digest(files: Sequence[Path]) -> str:
    """sha256 over the contents, file by file: the same on every machine, wherever the files lie.

    Raises:
        DataError: one cannot be read.
    """
    sha = hashlib.sha256()
    for path in files:
        try:
            sha.update(bytes.fromhex(file_digest(path)))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}). Fetch the raw data again.") from error
    return sha.hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where data come from. Its module is cheap to import: what is heavy is imported when it is fetched or read."""

    name: str
    """The name in listings, and what mirrors are given for."""
    forms: tuple[str, ...]
    """How users write it: `("mnist",)`, `("regime:motif", "regime:order")`, `("aeon:NAME",)`, `(".csv",)`."""
    text: str
    """What it is, in a phrase: for `--help`, forms and listings."""
    kinds: tuple[Kind, ...]
    """What it may hold, the usual first."""
    matches: Callable[[str], bool]
    """Is `source` of a spec one of these? It may look at the path."""
    fetch: Callable[[DataSpec, Fetching], SourceReport]
    """Bring the raw data to this machine; `made` and `found` below make the report."""
    read: Callable[[DataSpec, SourceReport, Path], Raw]
    """Labelled examples of what was fetched. A large table is written to the folder (the cache) as an array."""
    digest: Callable[[tuple[Path, ...]], str] = files_digest
    """Digest of the raw files' content. A folder whose names are labels has a digest of its own, with the names."""
    kind_of: Callable[[str], Kind] | None = None
    """A look at what this one holds; None: always the first of `kinds`."""
    is_path: bool = False
    """Is `source` a path of the user's?"""
    unlabelled: Callable[[DataSpec, Wanted], Iterator[Block]] | None = None
    """All examples in their order, without labels, in blocks; None where nobody asks a model about them."""
    named: Callable[[DataSpec], tuple[Path, ...]] = lambda _: ()
    """Files that its raw files name, without which they say nothing: the pictures of a table."""
    is_labelled: Callable[[DataSpec], bool] = lambda _: True
    """Has this one labels? What is not there or damaged has: then reading says so."""
    table: "Callable[[Path, Sequence[str]], pd.DataFrame] | None" = None
    """These columns of it, names to the letter, where it is a table in long form."""
    columns: Callable[[DataSpec], DataSpec] = lambda spec: spec
    """The spec with the columns of series, times and labels that this one has, where nobody named them."""
    names: Callable[[Path], Sequence[str] | None] = lambda _: None
    """What the columns, or the arrays, of this file are called; None where nothing in it has names."""
    groups: str = ""
    """How the groups of examples are named, in a phrase; empty where they cannot be."""
    takes: tuple[str, ...] = ()
    """Options of `FormOptions`, and of `COLUMNS`, that it heeds; others are refused."""
    licence: str = ""
    """The licence of the data, where it is known."""
    is_remote: bool = False
    """May fetching download? The content is then fixed by checksums, and need not be here to be known."""
    is_own: bool = False
    """Are these the user's own data though no path of this machine, whose kind is known once they are here?"""
    mirrors: str = ""
    """The environment variable with addresses that replace its own; empty where there is nothing to replace."""
    stands_for: tuple[str, ...] = ()
    """Sources that may be taken in its place: the one that is meant, then those that may have to do."""
    layout: str = ""
    """The `--layout` that asks for this source; with other ones it is not taken."""
    may_be: Callable[[str, bool], bool] = lambda *_: False
    """May this be meant, where its layout (`True`) or only its kind of data (`False`) is asked for?"""
    holds_pictures: bool = False
    """Are these pictures in files, which are brought to one size?"""
    package: str = ""
    """Name and version of the package that brings it; empty for ours."""


def made(source: str, kind: Kind, version: int) -> SourceReport:
    """The report of data that our code makes or a library ships: no file, and a version for its digest."""
    digest = hashlib.sha256(f"{source}-{version}".encode()).hexdigest()[:16]
    return SourceReport(source=source, kind=kind, digest=digest)


def found(source: str, kind: Kind, files: Sequence[Path], digest: str | None = None) -> SourceReport:
    """The report of raw files that are here."""
    digest = files_digest(files) if digest is None else digest
    return SourceReport(source=source, kind=kind, files=tuple(map(str, files)), digest=digest)


def files_of(report: SourceReport) -> tuple[Path, ...]:
    """The raw files."""
    return tuple(map(Path, report.files))


def path_of(source: str) -> Path:
    """The path that a user gave."""
    return Path(source).expanduser().absolute()


def file_source(
    suffix: str,
    text: str,
    *,
    read: Callable[[DataSpec, SourceReport, Path], Raw],
    files: Callable[[Path], tuple[Path, ...]] = lambda path: (path,),
    kinds: tuple[Kind, ...] = ("sequences",),
    kind_of: Callable[[Path], Kind] | None = None,
    unlabelled: Callable[[DataSpec, Wanted], Iterator[Block]] | None = None,
    is_labelled: Callable[[DataSpec], bool] = lambda _: True,
    table: "Callable[[Path, Sequence[str]], pd.DataFrame] | None" = None,
    groups: str = "",
) -> Source:
    """A file format that is known by its suffix.

    Args:
        suffix: such as `.csv`.
        text: what stands in such a file.
        read: as in `Source`.
        files: the raw files, whose content counts: the file itself and what belongs to it.
        kinds: as in `Source`.
        kind_of: a look into the file.
        unlabelled: as in `Source`.
        is_labelled: as in `Source`; asked of files that are there.
        table: as in `Source`.
        groups: as in `Source`.
    """

    def locate(source: str) -> tuple[Path, ...]:
        path = path_of(source)
        if not path.is_file():
            what = "is a folder, not a file" if path.is_dir() else "is no file" if path.exists() else "does not exist"
            raise DataError(f"{path} {what}. Give the path of a {suffix} file.")
        return files(path)

    def look(source: str) -> Kind:
        return kinds[0] if kind_of is None else kind_of(locate(source)[0])

    return Source(
        name=suffix.removeprefix("."),
        forms=(suffix,),
        text=text,
        kinds=kinds,
        matches=lambda source: Path(source).suffix.lower() == suffix,
        fetch=lambda spec, _: found(spec.source, look(spec.source), locate(spec.source)),
        read=read,
        kind_of=look if kind_of is not None else None,
        is_path=True,
        unlabelled=unlabelled,
        is_labelled=lambda spec: not path_of(spec.source).is_file() or is_labelled(spec),
        table=table,
        groups=groups,
    )
