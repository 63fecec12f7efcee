"""A folder with the files of one set of pictures: tables of pixels or `.mat`, one for each part."""

from collections.abc import Iterator
from pathlib import Path

from hw3models.data.pictures.listing import part_called
from hw3models.data.raw import Raw
from hw3models.data.readers import mat_images, pixel_tables
from hw3models.data.source import GROUP_COLUMN, Block, Fetching, Source, Wanted, path_of
from hw3models.specs import DataSpec, SourceReport

_FORMS = {mat_images.MAT: (".mat",), pixel_tables.TABLE: pixel_tables.SUFFIXES}
_MOST_FILES = 20
_FOR_OTHERS = "submission"
"""A word in the names of tables that are to be filled in."""


def train_file(folder: Path) -> tuple[Source, Path] | None:
    """The file for training, with its reader, where the folder holds nothing else than files of its set."""
    try:
        some = sorted(one for one in folder.iterdir() if not one.name.startswith((".", "__")))
    except OSError:
        return None
    files = [one for one in some if not one.name.lower().startswith("readme") and _FOR_OTHERS not in one.stem.lower()]
    if not 0 < len(files) <= _MOST_FILES:
        return None
    for source, suffixes in _FORMS.items():
        if all(one.suffix.lower() in suffixes and one.is_file() and source.matches(str(one)) for one in files):
            own = [one for one in files if part_called(one.stem)[0] in (None, "train")]
            return (source, own[0]) if len(own) == 1 else None
    return None


def _inner(spec: DataSpec) -> tuple[Source, DataSpec]:
    found = train_file(path_of(spec.source))
    assert found is not None
    return found[0], spec.model_copy(update={"source": str(found[1])})


def _fetch(spec: DataSpec, how: Fetching) -> SourceReport:
    source, inner = _inner(spec)
    return source.fetch(inner, how).model_copy(update={"source": spec.source})


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    source, inner = _inner(spec)
    return source.read(inner, report, cache)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    source, inner = _inner(spec)
    assert source.unlabelled is not None
    yield from source.unlabelled(inner, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    source, inner = _inner(spec)
    return source.is_labelled(inner)


SET = Source(
    name="image-set",
    forms=("FOLDER/",),
    text="with a table of pixels or a `.mat` for each part",
    kinds=("images",),
    matches=lambda source: bool(source.strip()) and train_file(path_of(source)) is not None,
    fetch=_fetch,
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    takes=pixel_tables.TABLE.takes,
)
