"""A folder with the files of one set of pictures: tables of pixels or `.mat`, one for each part."""

from pathlib import Path

from hw3models.data.pictures.listing import part_called
from hw3models.data.readers import mat_images, pixel_tables
from hw3models.data.readers.within import Within
from hw3models.data.source import GROUP_COLUMN, Source, path_of
from hw3models.specs import DataSpec

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


_WITHIN = Within(_inner)
SET = Source(
    name="image-set",
    forms=("FOLDER/",),
    text="with a table of pixels or a `.mat` for each part",
    kinds=("images",),
    matches=lambda source: bool(source.strip()) and train_file(path_of(source)) is not None,
    fetch=_WITHIN.fetch,
    read=_WITHIN.read,
    is_path=True,
    unlabelled=_WITHIN.unlabelled,
    is_labelled=_WITHIN.is_labelled,
    groups=GROUP_COLUMN,
    takes=pixel_tables.TABLE.takes,
)
