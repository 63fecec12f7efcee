"""A folder that is read by the source of one file in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.source import Block, Fetching, Source, Wanted
from hw3models.specs import DataSpec, SourceReport


@dataclass(frozen=True)
class Within:
    """What such a source does, each as the one of the same name in `Source`."""

    inner: Callable[[DataSpec], tuple[Source, DataSpec]]
    """The source of the file, and what it is asked."""

    def fetch(self, spec: DataSpec, how: Fetching) -> SourceReport:
        """The files of the inner source, under the name that the user gave."""
        source, inner = self.inner(spec)
        return source.fetch(inner, how).model_copy(update={"source": spec.source})

    def read(self, spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
        """The data, as the inner source reads them."""
        source, inner = self.inner(spec)
        return source.read(inner, report, cache)

    def unlabelled(self, spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
        """The examples alone."""
        source, inner = self.inner(spec)
        assert source.unlabelled is not None
        yield from source.unlabelled(inner, wanted)

    def is_labelled(self, spec: DataSpec) -> bool:
        """Whether the file has labels, or what lies beside it."""
        source, inner = self.inner(spec)
        return source.is_labelled(inner)
