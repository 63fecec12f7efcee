"""How a text file with a table is written: encoding, separator, decimal mark, and the lines before its header.

`text_form` looks once and says; readers read by what it says. What can be taken for several things is refused in
plain words, never guessed. Nothing here knows what the columns mean.
"""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from hw3models.data.readers.mended_text import (
    MendedText,
    Mends,
    header_of,
    is_clock,
    lines_before,
    mends_of,
    thousands_of,
)
from hw3models.errors import DataError
from hw3models.runtime.file_digests import FileState, state_of

SEPARATORS = (",", ";", "\t", "|")
"""Separators, the preferred one first. Spaces are tried where none of them separates anything."""
SPACES = r"\s+"
"""The separator of columns that are set apart by any number of spaces."""
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", SPACES: "spaces", " ": "spaces"}
_LOOKED_AT = 256 * 1024
"""Characters from which the form is told."""
_LINES = 200
_BLOCK = 2**20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_CLOCK = "The first two lines are a time"
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class TextForm(NamedTuple):
    """What is needed to read a text file as a table."""

    encoding: str = "utf-8-sig"
    """The name that Python has for it."""
    separator: str = ","
    """One character, or `SPACES`."""
    decimal: str = "."
    before: int = 0
    """Lines before the header (or before the first row, where there is no header)."""
    notes: tuple[str, ...] = ()
    """What is not as usual, a sentence each."""
    mends: Mends = Mends()
    """What is left out between the first row and the last."""

    def pandas(self) -> dict[str, Any]:
        """Arguments of `pandas.read_csv`."""
        return {"encoding": self.encoding, "sep": self.separator, "decimal": self.decimal, "skiprows": self.before}

    @property
    def is_plain(self) -> bool:
        """Is there nothing but a header and rows, after the lines before them?"""
        return self.mends == Mends()

    @property
    def separated_by(self) -> str:
        """What was found, in words."""
        return _NAMES[self.separator]


def text_form(path: Path) -> TextForm:
    """How `path` (a text file, or one packed as .gz, .bz2 or .xz) is written. One in UTF-8 with commas has no notes.

    Raises:
        DataError: it is no text, or in an encoding that cannot be told.
        OSError: it cannot be read.
    """
    return _text_form(path, state_of(path))


@lru_cache(maxsize=16)
def _text_form(path: Path, _: FileState) -> TextForm:
    encoding, notes = _encoding(path)
    with open_text(path, encoding) as file:
        head = file.read(_LOOKED_AT)
        whole = len(head) < _LOOKED_AT
    if encoding.startswith("utf-16") and not {"\n", "\r"} & set(head):
        raise DataError(
            f"{path}: cannot be read as a table (its first bytes say UTF-16, but then it is a single line)."
        )
    if is_none := _no_table(head):
        raise DataError(f"{path}: {is_none}")
    lines = head.splitlines()
    lines = lines if whole else lines[:-1] or lines  # the last one may be cut
    before, named, more = _before(lines)
    if named is None and (above := _above(lines[before:], more)):
        before += above
    rows = [line for line in lines[before:] if line.strip()][:_LINES]
    separator = named or _separator(rows)
    divide = partial(cells, separator=separator)
    mends = mends_of(lines[: before + _LINES], before, separator, divide, _is_number)
    mends = _told(path, encoding, lines, mends, header_of(lines, before, divide, _is_number), more)
    if thousands := thousands_of(lines[before:], separator):
        mends = mends._replace(thousands=thousands)
        name = {".": "points", ",": "commas"}[thousands]
        more.append(f"Numbers have {name} between thousands.")
    decimal = "," if thousands == "." else "." if thousands else _decimal(rows, separator)
    if separator not in {",", "\t"} or decimal != ".":
        numbers = " and decimals written with commas" if decimal == "," else ""
        more.append(f"Columns are separated by {_NAMES[separator]}{numbers}.")
    return TextForm(encoding, separator, decimal, before, (*notes, *more), mends)


def _no_table(head: str) -> str:
    """What a text is that was taken for a table and is none, and what to do; empty where nothing says so."""
    begin = head[:200].lstrip().lower()
    if begin.startswith(("<!doctype html", "<html")):
        return "it is a web page, no table. Download the file itself: a page for signing in may have come instead."
    if begin.startswith("version https://git-lfs"):
        return "it is a pointer of Git LFS, without the data. Fetch them: git lfs pull"
    return "" if begin or head.strip() else "the file is empty."


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """The file as text, unpacked where its name says so; ends of lines as they are in the file.

    Raises:
        OSError: it cannot be opened.
    """
    with _open(path) as file, io.TextIOWrapper(cast("io.BufferedReader", file), encoding, newline="") as text:
        yield text


@contextmanager
def open_rows(path: Path, form: TextForm) -> Iterator[IO[str]]:
    """The same without what is no row and no header (`form.mends`).

    Raises:
        OSError: it cannot be opened.
    """
    with open_text(path, form.encoding) as file:
        yield file if form.is_plain else cast("IO[str]", MendedText(file, form.mends))


@contextmanager
def rows_of(path: Path, form: TextForm) -> "Iterator[Path | IO[str]]":
    """What `pandas.read_csv` is given: the path, where nothing is to be left out of the file.

    Raises:
        OSError: it cannot be opened.
    """
    if form.is_plain:
        yield path
        return
    with open_rows(path, form) as file:
        yield file


def _above(lines: list[str], notes: list[str]) -> int:
    """Lines before the header, or before the first row, that are neither; and what is said of them."""
    marks = {mark: partial(cells, separator=mark) for mark in SEPARATORS}
    num = lines_before(lines, marks, _is_number)
    if num:
        first = next(line for line in lines if line.strip()).strip()
        are = "1 line stands" if num == 1 else f"{num} lines stand"
        notes.append(f"{are} before the header, such as {first[:40]!r}, and were left out.")
    rows = [line for line in lines[num:] if line.strip()]
    if is_clock(rows, marks.get(_separator(rows[:_LINES]), str.split)):
        begin, rate = (re.split(r"[,;\t|]", row)[0].strip() for row in rows[:2])
        notes.append(f"{_CLOCK} ({begin}) and a rate ({rate} a second) as wearables write them, no values.")
        num = lines.index(rows[2], num)
    return num


def clock_of(path: Path, form: TextForm) -> tuple[float, float] | None:
    """The time of the first row and the rows in a second, which stand above those of a wearable; None of other files.

    Raises:
        OSError: it cannot be read.
    """
    if not any(note.startswith(_CLOCK) for note in form.notes):
        return None
    with open_text(path, form.encoding) as file:
        lines = [line for line in islice(file, form.before) if line.strip()][-2:]
    begin, rate = (number_of(re.split(r"[,;\t|]", line)[0]) for line in lines)
    return begin, rate


def _told(path: Path, encoding: str, lines: list[str], mends: Mends, header: int | None, notes: list[str]) -> Mends:
    """The same, with what the rest of the file says; notes are added."""
    if mends.units is not None:
        units = lines[mends.units].strip()
        notes.append(f"Line {mends.units + 1} has units or more names, no values, and was left out: {units[:60]!r}.")
    if mends.first_name:
        notes.append("Rows have names that the header does not count, as R writes them.")
    if header is not None and (again := _comes_again(path, encoding, lines[header])):
        more = "once more" if again == 1 else f"{again:,} times more"
        notes.append(f"The header stands {more} between rows, and was left out there.")
        mends = mends._replace(comes_again=True, header=header)
    return mends


def _comes_again(path: Path, encoding: str, header: str) -> int:
    """How often a line is there once more."""
    with _open(path) as file:
        if not encoding.startswith("utf-16"):
            plain = header.encode("utf-8" if encoding == "utf-8-sig" else encoding)
            num = 0
            while block := file.read(_BLOCK) + file.readline(_BLOCK):
                num += sum(line.rstrip(b"\r") == plain for line in block.split(b"\n")) if plain in block else 0
            return max(0, num - 1)
    with open_text(path, encoding) as text:
        return max(0, sum(line.rstrip("\r\n") == header for line in text) - 1)


def number_of(cell: str) -> float:
    """The number that is written there.

    Raises:
        ValueError: it is none; Python itself would read 1_0 as 10.
    """
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def cells(line: str, separator: str) -> list[str]:
    """The cells of one line, without the quotes around them."""
    if separator == SPACES:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line.split(separator)


def uneven_row(path: Path, form: TextForm) -> str | None:
    """The first row with another number of cells than the header, in a sentence; None where all have as many.

    Raises:
        OSError, UnicodeError: it cannot be read.
    """
    with open_rows(path, form) as file:
        for _ in range(form.before):
            file.readline()
        rows = text_rows(file, form)
        _, header = next(rows, (0, []))
        for line, row in rows:
            if len(row) != len(header) and any(cell.strip() for cell in row):
                return _uneven(path, row, line + form.before, len(header), form)
    return None


def text_rows(file: IO[str], form: TextForm) -> Iterator[tuple[int, list[str]]]:
    """Each with the number of its (last) line, from 1."""
    if form.separator == SPACES:
        yield from ((number, line.split()) for number, line in enumerate(file, 1))
        return
    reader = csv.reader(file, delimiter=form.separator)
    yield from ((reader.line_num, row) for row in reader)


def _uneven(path: Path, row: list[str], line: int, wanted: int, form: TextForm) -> str:
    text = form.separator.join(row)[:60]
    found = f"line {line} has {len(row)} fields where the header has {wanted}: {text!r}"
    if text.startswith("#"):
        return f"{found}. {without_comments(path)}"
    if form.separator == "," and len(row) > wanted and sum(map(_is_whole, row)) >= 2 * (len(row) - wanted):
        return f"{found}. Are decimals written with commas? Then separate columns by semicolons"
    return f"{found}. Give every line a field for each column"


def without_comments(path: Path) -> str:
    """What to do about lines of comments between rows."""
    return f"Leave out lines of comments: grep -v '^#' {quoted(path)} > clean.csv"


def _is_whole(cell: str) -> bool:
    return cell.strip().lstrip("+-").isdecimal()


def quoted(path: Path) -> str:
    """Text that can be pasted into a shell."""
    import shlex

    return shlex.quote(str(path))


@contextmanager
def _damage_told() -> Iterator[None]:
    """Damage is an `OSError`, as that of other packed files is."""
    try:
        yield
    except lzma.LZMAError as error:
        raise OSError(f"the packed file is damaged: {error}") from error


class _Xz(lzma.LZMAFile):
    """A packed file of which no other error comes than of gzip's and bzip2's."""

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes, all by default."""
        with _damage_told():
            return super().read(size)

    def read1(self, size: int = -1) -> bytes:
        """Read what is there already."""
        with _damage_told():
            return super().read1(size)

    def readline(self, size: int | None = -1) -> bytes:
        """Read to the end of a line."""
        with _damage_told():
            return super().readline(size)


def _open(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if suffix == ".bz2":
        return cast("IO[bytes]", bz2.open(path, "rb"))
    return cast("IO[bytes]", _Xz(path)) if suffix == ".xz" else path.open("rb")


def _encoding(path: Path) -> tuple[str, list[str]]:
    """UTF-8 if all of it is, UTF-16 by its mark or its zeros, else Windows-1252, where it can be that."""
    with _open(path) as file:
        head = file.read(4096)
    for mark, name in _BOMS:
        if head.startswith(mark) and name == "utf-16":
            return name, ["The text is in UTF-16."]
    if not head.startswith(codecs.BOM_UTF8) and (wide := _without_mark(head)):
        return wide, ["The text is in UTF-16."]
    bad, has_utf8, is_binary = _look(path)
    if bad is None:
        return "utf-8-sig", []
    where = f"{path}: line {bad.line} holds {bad.text!r}, which is not UTF-8"
    if is_binary:
        raise DataError(
            f"{where}, and the file holds control characters: is it text? Export the table as CSV in UTF-8."
        )
    if has_utf8:
        raise DataError(f"{where}, as other lines are: the file is damaged or put together of two. Write it anew.")
    try:
        text = bad.text.decode("cp1252")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}. Say which encoding it is when you convert it: "
            f"iconv -f ENCODING -t UTF-8 {quoted(path)} > utf8.csv (iconv -l lists them)."
        ) from error
    note = f"The text is not UTF-8 and was read as Windows-1252, so that line {bad.line} holds {text!r}"
    return "cp1252", [f"{note}; if that is wrong: iconv -f ENCODING -t UTF-8 {quoted(path)} > utf8.csv."]


def _without_mark(head: bytes) -> str | None:
    """ASCII in UTF-16 has a zero in every second byte."""
    if len(head) < 4:
        return None
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.8 * len(odd) and not even.count(0):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.8 * len(even) and not odd.count(0) else None


class _Bad(NamedTuple):
    """The first word that is not UTF-8."""

    line: int
    text: bytes


def _look(path: Path) -> tuple[_Bad | None, bool, bool]:
    """The first word that is not UTF-8; are there others beyond ASCII that are; are there control characters?"""
    bad, has_utf8, is_binary, line = None, False, False, 1
    with _open(path) as file:
        while block := file.read(_BLOCK) + file.readline(_BLOCK):
            plain = block.isascii()
            if not plain and bad is None:
                try:
                    block.decode("utf-8")
                    has_utf8 = True
                except UnicodeDecodeError as error:
                    bad = _Bad(line + block.count(b"\n", 0, error.start), _word(block, error.start))
            if not plain and bad is not None:
                has_utf8 = has_utf8 or _has_utf8(block)
                is_binary = is_binary or _CONTROLS.search(block) is not None
            line += block.count(b"\n")
    return bad, has_utf8, is_binary


_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def _has_utf8(block: bytes) -> bool:
    """Is there a character of several bytes? In Windows-1252 such pairs do not stand in words."""
    return _UTF8.search(block) is not None


def _word(block: bytes, at: int) -> bytes:
    marks = b',;\t|\r\n"'
    start = max((block.rfind(bytes([mark]), 0, at) for mark in marks), default=-1) + 1
    ends = [end for mark in marks if (end := block.find(bytes([mark]), at)) >= 0]
    return block[max(start, at - 30) : min([*ends, at + 30])]


def _before(lines: list[str]) -> tuple[int, str | None, list[str]]:
    """Lines before the header, the separator that one of them names, and notes."""
    skipped, named = 0, None
    if lines and (excel := re.fullmatch(r"sep=(.)", lines[0].strip())):
        skipped, named = 1, excel[1] if excel[1] in SEPARATORS else None
    first = skipped
    while skipped < len(lines) and (not lines[skipped].strip() or lines[skipped].startswith("#")):
        skipped += 1
    if skipped > first and skipped < len(lines) and _is_header(lines[skipped - 1], lines[skipped]):
        skipped -= 1  # as numpy.savetxt writes it
    if not any(line.startswith("#") for line in lines[first:skipped]):
        return (first, named, [])  # blank lines are the business of who reads
    return skipped, named, [f"{skipped - first} lines before the header are comments (#) and were left out."]


def _is_header(comment: str, row: str) -> bool:
    """Names after `#`, as many as there are numbers and texts in the row below?"""
    for separator in (*SEPARATORS, SPACES):
        names, values = cells(comment.lstrip("# "), separator), cells(row, separator)
        if len(names) == len(values) > 1:
            return any(map(_is_number, values)) and not any(map(_is_number, names))
    return False


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None or _COMMA_NUMBER.fullmatch(cell.strip()) is not None


def _separator(rows: list[str]) -> str:
    """Commas where they do; else what gives every row as many cells, and most of them."""
    if not rows:
        return ","
    counts = {mark: [len(cells(row, mark)) for row in rows] for mark in SEPARATORS}
    even = {mark: found[0] for mark, found in counts.items() if found[0] > 1 and len(set(found)) == 1}
    if "," in even and max(even.values()) == even[","]:
        return ","
    if even:
        return max(even, key=lambda mark: (even[mark], -SEPARATORS.index(mark)))
    headers = {mark: found[0] for mark, found in counts.items() if found[0] > 1}
    if headers:  # rows are ragged, which is said of the separator that the header has
        return max(headers, key=lambda mark: (headers[mark], -SEPARATORS.index(mark)))
    spaced = {len(row.split()) for row in rows}
    if any('"' in row for row in rows) and not any("  " in row for row in rows):
        quoted_cells = [len(cells(row, " ")) for row in rows]  # a name in quotes may hold spaces
        if len(set(quoted_cells[1:])) == 1 and quoted_cells[0] in {quoted_cells[-1], quoted_cells[-1] - 1}:
            return " "
    if len(rows) > 2 and {len(row.split()) for row in rows[1:]} == {len(rows[0].split()) + 1}:
        return " " if not any("  " in row for row in rows) else ","
    return SPACES if len(spaced) == 1 and spaced.pop() > 1 else ","


def _decimal(rows: list[str], separator: str) -> str:
    """A comma where more columns have numbers with one than with a point: a name of a series may be `1.0`."""
    commas, points = set[int](), set[int]()
    for row in rows[1:]:
        for column, cell in enumerate(cell.strip() for cell in cells(row, separator)):
            if _COMMA_NUMBER.fullmatch(cell):
                commas.add(column)
            elif "." in cell and _NUMBER.fullmatch(cell):
                points.add(column)
    return "," if len(commas) > len(points) and not commas & points else "."
