"""Which columns of a table are the pixels of a picture, and which shape they have; nothing is read here but its head.

| label | pixel0 | pixel1 | ... |     names that count, or `1x1, 1x2, ... 28x28`, which tell the shape as well
| emotion | pixels | Usage |        one column with all pixels, as numbers with spaces between them or as a list
| {"image": [[0, 12], [3, 4]], "label": 5}     the same as records of JSON, where pictures are asked for
| 5 | 0 | 0 | 12 | ...               no header: as many numbers as a square has pixels, and a label

H x W pixels
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from hw3models.data.pictures.sizes import parsed
from hw3models.data.readers.json_files import SUFFIXES as JSON
from hw3models.data.readers.json_files import record_frame
from hw3models.data.readers.wide_tables import FEWEST_PIXELS, PIXEL, Head, are_steps, is_number, read_head
from hw3models.errors import DataError, SpecError
from hw3models.runtime.file_digests import FileState, state_of

_ALL_IN_ONE = frozenset({"pixels", "pixel", "pixel_values", "image", "images", "img"})
"""Names of a column that holds all pixels of a picture."""
_LOOKED_AT = 20


class Shape(NamedTuple):
    """The shape of the pictures, as far as it is known before they are read."""

    height: int
    width: int
    colours: int
    """1 or 3."""


class PixelColumns(NamedTuple):
    """The columns of a table of pixels."""

    names: tuple[str, ...]
    """All columns; numbers from 0 where there is no header."""
    pixels: tuple[str, ...]
    """Names that are called like pixels, in the order of the pixels; empty where the names do not tell."""
    in_one: str = ""
    """The column with all of them."""
    shape: Shape | None = None
    """What their names tell."""
    head: Head | None = None
    """How a text file is written."""

    @property
    def has_header(self) -> bool:
        """Have the columns names?"""
        return self.head is None or self.head.has_header

    @property
    def is_named(self) -> bool:
        """Do the names alone say that these are pixels?"""
        return bool(self.pixels or self.in_one)


def is_parquet(path: Path) -> bool:
    """Is it Parquet, by its suffix?"""
    return path.suffix.lower() == ".parquet"


def is_json(path: Path) -> bool:
    """Does it hold records of JSON, by its suffix?"""
    return path.suffix.lower() in JSON


def pixel_columns(path: Path) -> PixelColumns:
    """What the head of the table says.

    Raises:
        DataError: it is no table.
    """
    try:
        state = state_of(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read as a table ({error}).") from error
    return _pixel_columns(path, state)


@lru_cache(maxsize=16)
def _pixel_columns(path: Path, _: FileState) -> PixelColumns:
    """Looked at once a file, though every step that asks which source is meant wants to know."""
    if is_parquet(path):
        return _of_parquet(path)
    if is_json(path):
        frame, held = record_frame(path)
        sizes = {name: {_size(one) for one in frame[name].head(_LOOKED_AT)} for name in held}
        return _named(tuple(frame.columns), {name: own.pop() for name, own in sizes.items() if len(own) == 1}, None)
    head = read_head(path, _LOOKED_AT)
    if not head.has_header:
        return PixelColumns(tuple(map(str, range(len(head.first)))), (), head=head)
    cells = {name: [row[at] for row in head.rows if at < len(row)] for at, name in enumerate(head.first)}
    counts = {name: _numbers_in(own) for name, own in cells.items() if own}
    return _named(tuple(head.first), {name: num for name, num in counts.items() if num}, head)


def _of_parquet(path: Path) -> PixelColumns:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from hw3models.data.readers.wide_parquet import numbers_in_lists

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            likely = [field.name for field in schema if field.name.strip().lower() in _ALL_IN_ONE]
            first = next(file.iter_batches(_LOOKED_AT, columns=likely), None) if likely else None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}).") from error
    lists = dict[str, int]()
    for name in likely:
        if first is None:
            break
        found = first.column(name).to_pylist()
        is_list = name in numbers_in_lists(schema)
        sizes = {_size(one) for one in found} if is_list else {_numbers_in(list(map(str, found)))}
        if len(sizes) == 1 and (size := sizes.pop()):
            lists[name] = size
    return _named(tuple(name for name in schema.names if not name.startswith("__index_level_")), lists, None)


def _size(cell: object) -> int:
    if isinstance(cell, list):
        return sum(map(_size, cell))
    return int(isinstance(cell, (int, float)))


def _numbers_in(cells: Sequence[str]) -> int:
    """How many numbers each cell holds, with spaces or commas between them; 0 where that differs, or it is text."""
    sizes = set()
    for cell in cells:
        words = cell.strip().strip("[]()").replace(",", " ").split()
        sizes.add(len(words) if len(words) > 1 and is_number(words[0]) and is_number(words[-1]) else 0)
    return sizes.pop() if len(sizes) == 1 else 0


def _named(names: tuple[str, ...], lists: dict[str, int], head: Head | None) -> PixelColumns:
    """Columns by their names; `lists` are those with several numbers in a cell, and how many."""
    usual = [name for name, num in lists.items() if name.strip().lower() in _ALL_IN_ONE and is_picture(num)]
    if len(usual) == 1:
        return PixelColumns(names, (), usual[0], head=head)
    found = {name: match for name in names if (match := PIXEL.fullmatch(name.strip()))}
    if len(found) < FEWEST_PIXELS:
        return PixelColumns(names, (), head=head)
    pixels = tuple(sorted(found, key=lambda name: _place(found[name])))
    places = [_place(found[name]) for name in pixels]
    rows, columns = ({place[axis] for place in places} for axis in (0, 1))
    is_grid = all(found[name]["row"] for name in pixels) and len(rows) * len(columns) == len(set(places)) == len(pixels)
    return PixelColumns(names, pixels, shape=Shape(len(rows), len(columns), 1) if is_grid else None, head=head)


def _place(match: re.Match[str]) -> tuple[int, int]:
    return (int(match["row"]), int(match["column"])) if match["row"] else (0, int(match["number"]))


def is_picture(num: int) -> bool:
    """Are so many pixels a square, grey or in colour?"""
    return num >= FEWEST_PIXELS and (
        math.isqrt(num) ** 2 == num or (num % 3 == 0 and math.isqrt(num // 3) ** 2 * 3 == num)
    )


def shape_of(num: int, image_size: str | None) -> Shape | None:
    """The shape of a picture of so many pixels; None where they are no square, and nobody said another shape.

    Raises:
        SpecError: the size is none.
    """
    if (said := parsed(image_size)) is not None:
        height, width = said
        return next((Shape(height, width, one) for one in (1, 3) if height * width * one == num), None)
    if not is_picture(num):
        return None
    colours = 1 if math.isqrt(num) ** 2 == num else 3
    side = math.isqrt(num // colours)
    return Shape(side, side, colours)


def may_be_pixels(path: Path, image_size: str | None = None) -> bool:
    """May the rows be pictures, where images are asked for? By names, or with a row of numbers for each."""
    try:
        found = pixel_columns(path)
        if found.is_named or not found.has_header:
            return found.is_named or len(found.names) > FEWEST_PIXELS
        fits = any(shape_of(len(found.names) - others, image_size) is not None for others in (0, 1))
    except (DataError, SpecError):
        return False
    return len(found.names) >= FEWEST_PIXELS and (fits or are_steps(list(found.names)))


def are_columns(path: Path) -> bool:
    """Has each pixel a column of its own, so that a row may be read as a series as well?"""
    return bool(pixel_columns(path).pixels)
