"""What stands in text files beside the header and the rows, and is left out on the way to whoever reads them.

| found | what becomes of it |
|---|---|
| lines of another shape before the header, as devices and exports write them | left out |
| a time and a rate before the values, in every column, as wearables write them | left out |
| units below the names of the columns | the line becomes a blank one |
| the header again between rows, in files that were put together | each becomes a blank line |
| a separator at the end of each row that the header has not | cut off |
| marks between thousands, `1.234,5` or `"1,234"` | taken out |
| a name for each row that the header has not, as R writes it | the header gets a name without letters in front |

Lines keep their numbers, so that messages name the right ones.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, NamedTuple

from hw3models.data.readers.missing import MISSING

_MOST_BEFORE = 60
"""Lines that are looked at for a header."""
_FEWEST_ROWS = 3
_MISSING = MISSING | {"-"}
_UNIX = (1e9, 2.2e9)
"""Seconds since 1970: the years 2001 to 2039."""
_FASTEST = 100_000
"""Samples a second."""
Cells = Callable[[str], list[str]]
IsNumber = Callable[[str], bool]


class Mends(NamedTuple):
    """What is left out between the first row and the last."""

    header: int = -1
    """The line of the header, from 0; -1 where there is none that is known."""
    units: int | None = None
    """The line of units, from 0."""
    comes_again: bool = False
    """Do rows hold the header again?"""
    end: str = ""
    """The mark at the end of each row that is none of its cells."""
    first_name: str = ""
    """What stands before the header's names, where rows have a cell more in front."""
    thousands: str = ""
    """The mark between them."""


_POINTS = re.compile(r"(?<![\d.,])[+-]?\d{1,3}(?:\.\d{3})+(?=,\d+(?![\d.,]))")
"""The whole part of `1.234.567,89`."""
_COMMAS = re.compile(r"(?<![\d.,])[+-]?\d{1,3}(?:,\d{3})+(?=\.\d+(?![\d.,]))")
"""The whole part of `1,234,567.89`."""
_QUOTED = re.compile(r'"\s*([+-]?[1-9]\d{0,2}(?:,\d{3})+)\s*"')
_OTHER_COMMA = re.compile(r'"\s*[+-]?(?:0\d*,\d+|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d+)\s*"')
"""A quoted number whose comma stands before decimals."""


def thousands_of(lines: Sequence[str], mark: str) -> str:
    """The mark between thousands; empty where there is none, or a comma in quotes may stand before decimals as well."""
    text = "\n".join(lines)
    if mark != "," and _POINTS.search(text):
        return "."
    is_sure = _COMMAS.search(text) is not None
    if mark == ",":
        quoted = _QUOTED.findall(text)
        is_sure = (is_sure or any(number.count(",") > 1 for number in quoted)) and not _OTHER_COMMA.search(text)
        is_sure = is_sure and (bool(quoted) or '"' in text)
    return "," if is_sure else ""


def _without_thousands(line: str, mark: str) -> str:
    if mark == ".":
        return _POINTS.sub(lambda found: found[0].replace(".", ""), line)
    line = _COMMAS.sub(lambda found: found[0].replace(",", ""), line)
    return _QUOTED.sub(lambda found: found[1].replace(",", ""), line)


class MendedText(io.TextIOBase):
    """The text of a file with what is left out of it, line by line."""

    def __init__(self, file: IO[str], mends: Mends) -> None:
        self._lines = self._mended(file, mends)
        self._rest = ""

    def readable(self) -> bool:
        """It is only read."""
        return True

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # texts alone, no other kind of line
        return iter(self.readline, "")

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]  # pandas asks for no more
        """The next line with its end, or nothing; at most `size` characters, where that is not negative."""
        line, self._rest = self._rest or next(self._lines, ""), ""
        if size is not None and 0 <= size < len(line):
            line, self._rest = line[:size], line[size:]
        return line

    def read(self, size: int | None = -1) -> str:
        """Some whole lines, at least `size` characters where there are so many; all without it."""
        if size is None or size < 0:
            rest, self._rest = self._rest, ""
            return rest + "".join(self._lines)
        text, self._rest = self._rest, ""
        pieces, num = [text], len(text)
        while num < size and (line := next(self._lines, "")):
            pieces.append(line)
            num += len(line)
        text = "".join(pieces)
        text, self._rest = text[:size], text[size:]
        return text

    @staticmethod
    def _mended(file: IO[str], mends: Mends) -> Iterator[str]:
        header = None
        for number, line in enumerate(file):
            if mends.thousands and number != mends.header:
                line = _without_thousands(line, mends.thousands)
            text = line.rstrip("\r\n")
            if number == mends.header:
                header = text
                yield mends.first_name + line
            elif number == mends.units or (mends.comes_again and text == header):
                yield line[len(text) :]
            elif mends.end and text.rstrip().endswith(mends.end):
                yield text.rstrip()[: -len(mends.end)] + line[len(text) :]
            else:
                yield line


def lines_before(lines: Sequence[str], cells_by_mark: Mapping[str, Cells], is_number: IsNumber) -> int:
    """How many lines stand before the header, or before the rows: those of fewer cells, above rows of the same number.

    A line of names that only differs from the rows by a cell is a header all the same.
    """
    found: list[tuple[int, int]] = []
    for cells in cells_by_mark.values():
        rows = [(number, cells(line)) for number, line in enumerate(islice(lines, 4 * _MOST_BEFORE)) if line.strip()]
        counts = [len(row) for _, row in rows]
        if not counts or counts[-1] < 2:
            continue
        place = next(place for place in range(len(counts)) if set(counts[place:]) == {counts[-1]})
        above, below = rows[:place], rows[place:]
        if len(below) <= _FEWEST_ROWS or place > _MOST_BEFORE or any(len(row) >= counts[-1] for _, row in above):
            continue
        if above and any(map(is_number, below[0][1])) and len(above[-1][1]) > 1:
            continue  # the line above may be the header, and rows longer than that
        found.append((counts[-1], below[0][0]))
    if not found or any(line == 0 for _, line in found):
        return 0
    return max(found)[1]


def is_clock(lines: Sequence[str], cells: Cells) -> bool:
    """Are the first two lines the time of the beginning and the samples a second, both the same in every column?"""
    if len(lines) < 2 + _FEWEST_ROWS:
        return False
    try:
        begin, rate, first = ([float(cell) for cell in cells(line)] for line in lines[:3])
    except ValueError:
        return False
    same = len(set(begin)) == len(set(rate)) == 1 and len(begin) == len(rate) == len(first)
    return same and _UNIX[0] < begin[0] < _UNIX[1] and 0 < rate[0] <= _FASTEST and not _UNIX[0] < first[0] < _UNIX[1]


def mends_of(lines: Sequence[str], before: int, mark: str, cells: Cells, is_number: IsNumber) -> Mends:
    """What is left out of these first lines of a file, of which `before` stand before the header."""
    numbered = [(number, line) for number, line in enumerate(lines[before:], before) if line.strip()]
    if len(numbered) <= _FEWEST_ROWS:
        return Mends()
    (place, header), rows = numbered[0], numbered[1:]
    names = cells(header)
    has_names = not any(map(is_number, names))
    mends = Mends()
    if all(line.rstrip().endswith(";") for _, line in rows) and mark != ";":
        mends = mends._replace(end=";")
    if not has_names:
        return mends
    if _has_units(names, [cells(line) for _, line in rows], is_number):
        mends = mends._replace(units=rows[0][0])
    widths = Counter(len(cells(line)) for _, line in rows)
    if set(widths) == {len(names) + 1}:
        first = [cells(line)[0].strip() for _, line in rows]
        if all(line.rstrip().endswith(mark) for _, line in rows) and not mends.end and mark.strip():
            mends = mends._replace(end=mark)
        elif mark != "," and first == [str(number) for number in range(1, len(first) + 1)]:  # commas may be decimal
            mends = mends._replace(first_name=mark)
    return mends if mends == Mends() else mends._replace(header=place)


def header_of(lines: Sequence[str], before: int, cells: Cells, is_number: IsNumber) -> int | None:
    """The line of names, from 0; None where the first line has numbers."""
    place = next((number for number, line in enumerate(lines) if number >= before and line.strip()), None)
    return None if place is None or any(map(is_number, cells(lines[place]))) else place


def _has_units(names: list[str], rows: list[list[str]], is_number: IsNumber) -> bool:
    """Has the first row no number at all, and text where all others that are not missing have numbers?"""
    units, *others = (row for row in rows if row != names)
    if len(units) != len(names) or any(map(is_number, units)):
        return False
    for column, text in enumerate(units):
        values = [row[column] for row in others if column < len(row) and row[column].strip().lower() not in _MISSING]
        if text.strip().lower() not in _MISSING and len(values) >= 2 and all(map(is_number, values)):
            return True
    return False
