"""What archives of pictures and of series share: they are unpacked, and what stands in them is read as itself."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.source import Block, Fetching, Source, Wanted, files_digest, files_of, found, path_of
from hw3models.data.unpacking import unpacked
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec, Kind, SourceReport

Within = Callable[[Path, DataSpec], tuple[Source, Path]]
"""The source that stands in an unpacked folder, and its path there; `DataError` and `SpecError` where there is none."""


def archive_source(
    name: str,
    kind: Kind,
    text: str,
    *,
    matches: Callable[[str], bool],
    within: Within,
    groups: str,
    takes: tuple[str, ...],
    holds_pictures: bool = False,
) -> Source:
    """A source for `.zip` and `.tar` archives.

    Args:
        name: in listings.
        kind: what stands in it.
        text: the same in words.
        matches: is it such an archive?
        within: finds what stands in it.
        groups: how groups are named.
        takes: options that may be heeded by what stands in it.
        holds_pictures: are they pictures?
    """

    @contextmanager
    def inside(spec: DataSpec, digest: str, cache: Path) -> Iterator[tuple[Source, DataSpec]]:
        """What the archive holds, and the spec for it. Errors name the archive, not the cache."""
        path = path_of(spec.source)
        folder = unpacked(path, digest, cache)
        try:
            source, inner = within(folder, spec)
            yield source, spec.model_copy(update={"source": str(inner)})
        except (DataError, SpecError) as error:
            raise type(error)(str(error).replace(str(folder), str(path))) from error

    @contextmanager
    def for_now(spec: DataSpec) -> Iterator[tuple[Source, DataSpec]]:
        digest = files_digest((path_of(spec.source),))
        with tempfile.TemporaryDirectory(prefix="hw3-") as folder, inside(spec, digest, Path(folder)) as opened:
            yield opened

    def read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
        [path] = files_of(report)
        with inside(spec, report.digest, cache) as (source, inner):
            raw = source.read(inner, source.fetch(inner, Fetching(cache, {}, 0.0, lambda _: None)), cache)
        said = f"{path.name} was unpacked: {path_of(inner.source).name}."
        own = raw.understood if holds_pictures else (said, *raw.understood)
        return replace(raw, name=path.name.split(".")[0], understood=own)

    def examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
        with for_now(spec) as (source, inner):
            if source.unlabelled is not None:
                yield from source.unlabelled(inner, wanted)

    def is_labelled(spec: DataSpec) -> bool:
        with for_now(spec) as (source, inner):
            return source.is_labelled(inner)

    return Source(
        name=name,
        forms=(".zip", ".tar"),
        text=text,
        kinds=(kind,),
        matches=matches,
        fetch=lambda spec, _: found(spec.source, kind, (path_of(spec.source),)),
        read=read,
        is_path=True,
        unlabelled=examples,
        is_labelled=is_labelled,
        groups=groups,
        takes=takes,
        holds_pictures=holds_pictures,
    )
