"""A time in several columns: a date and a time of day, a time and its milliseconds, or year, month, day and hour.

`--time-column Date,Time` names them. Where what they hold can be nothing else they are found out, and that is said.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

_MOST = 500
"""Columns; a table with more has a row for each series."""
LOOKED_AT = 200
"""Rows in which a series must come twice: in a table with a row for each series no name does."""
Cells = Callable[[str], Sequence[str]]
"""The first cells of a column, as texts."""
_DAY = re.compile(r"(19|20)\d{2}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2})|(19|20)\d{6}")
_MIDNIGHT = re.compile(r"[ T]00:00:00(\.0+)?$")
"""What pandas and others write behind a date."""
_CLOCK = re.compile(r"(0 days )?([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_PIECES = r"^(?:0 days )?(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*([AaPp])?"
_WHOLE_SECONDS = re.compile(r"\d{8,10}|.*:\d{2}\s*([ap]\.?m\.?)?", re.IGNORECASE)
_OF_DAYS = ("date", "datum", "day", "tag", "fecha", "jour", "dia", "data", "日期", "日付")
_NOT_OF_ROWS = ("birth", "geburt", "dob", "naiss", "nacim")
_FRACTIONS = {"ms": 3, "msec": 3, "msecs": 3, "millis": 3, "millisec": 3, "millisecond": 3, "milliseconds": 3}
_FRACTIONS |= {"millisekunden": 3, "us": 6, "micros": 6, "microsecond": 6, "microseconds": 6, "ns": 9}
_STARTS = ("time", "timestamp", "datetime", "date", "zeit", "zeitstempel", "uhrzeit", "temps", "hora", "fecha")
_CALENDAR: tuple[tuple[str, ...], ...] = (
    *(("year", "yyyy", "yr"), ("month", "mm", "mon"), ("day", "dd")),
    *(("hour", "hh", "hr"), ("minute", "min"), ("second", "sec", "ss")),
)


def first_cells(table: "pd.DataFrame") -> Cells:
    """The first cells of columns of a table; what is missing is no time in any form."""
    return lambda name: list(map(str, table[name].head(LOOKED_AT).tolist()))


def time_parts(spec: DataSpec) -> tuple[str, ...]:
    """The columns that say the time together; nothing where one does."""
    parts = tuple(part.strip() for part in spec.time_column.split(","))
    return parts if len(parts) > 1 and all(parts) else ()


def found_parts(names: Sequence[str], cells: Cells) -> str | None:
    """`Date,Time`, where two or more columns can only be the time together; None where none can."""
    if len(names) > _MOST:
        return None
    days = [name for name in names if _all(_DAY, _without_midnight(cells(name)))]
    clocks = [name for name in days and names if _all(_CLOCK, cells(name))]
    days = [name for name in days if _is_of_rows(name)]
    if len(clocks) > 1:
        clocks = [name for name in clocks if _plain(name).startswith(_STARTS)]
    if len(days) == len(clocks) == 1:
        return f"{days[0]},{clocks[0]}"
    others = [name for name in names if _plain(name) in (*_STARTS, "t", "elapsed", "secondselapsed")]
    if not others and (calendar := _calendar(names, cells)):
        return ",".join(calendar)
    if "time" in names:  # which says it alone
        return None
    starts = [name for name in others if _all(_WHOLE_SECONDS, own := cells(name)) and len(set(own)) < len(own)]
    rests = [name for name in names if _plain(name) in _FRACTIONS and _is_fraction(name, cells(name))]
    return f"{starts[0]},{rests[0]}" if len(starts) == len(rests) == 1 else None


def with_time(table: "pd.DataFrame", spec: DataSpec) -> "pd.DataFrame":
    """The table with the time of its rows as one column of texts, `2024-03-05 09:00:00.5`, where several say it."""
    parts = time_parts(spec)
    if not parts or spec.time_column in table.columns or not set(parts) <= set(table.columns):
        return table
    texts = [_text(table[part]) for part in parts]
    if _is_calendar(parts):
        year, *rest = (text.str.zfill(2) for text in texts)
        date = year + "-" + rest[0] + "-" + rest[1]
        return table.assign(**{spec.time_column: _with_clock(date, rest[2:])})
    joined = texts[0]
    for part, text in zip(parts[1:], texts[1:], strict=True):
        digits = _FRACTIONS.get(_plain(part))
        if digits is not None and text.str.fullmatch(rf"\d{{1,{digits}}}").any():
            pieces = joined.str.extract(r"^(.*?)(\s*(?:[AaPp]\.?[Mm]\.?)?)$")
            joined = pieces[0] + "." + text.str.zfill(digits) + pieces[1]
        else:
            joined = joined.str.replace(_MIDNIGHT, "", regex=True) + " " + _of_24_hours(text)
    return table.assign(**{spec.time_column: joined})


def _text(cells: "pd.Series[Any]") -> "pd.Series[str]":
    """Cells as text, missing where there is nothing."""
    text = cells.astype("str").str.strip().str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    return text.where(cells.notna() & (text != ""))


def _of_24_hours(clock: "pd.Series[str]") -> "pd.Series[str]":
    """`9:05:00,5 PM` as `21:05:00.5`; what is no time of day as it is, to be refused with what stands there."""
    pieces = clock.str.extract(_PIECES)
    half = pieces[3].str.lower()
    hours = pieces[0].astype("float")
    hours = (hours % 12 + 12 * (half == "p")).where(half.notna(), hours)
    known = hours.notna()
    texts = hours[known].astype("int").astype("str").str.zfill(2)
    texts = texts + ":" + pieces[1][known] + ":" + pieces[2][known].fillna("00").str.replace(",", ".")
    return clock.where(~known, texts.reindex(clock.index))


def _calendar(names: Sequence[str], cells: Cells) -> list[str]:
    """Columns of year, month and day, and those of hours and what is smaller, as far as they are there."""
    found = list[str]()
    for words in _CALENDAR:
        own = [name for name in names if _plain(name).rstrip("s") in words]
        if len(own) != 1 or not all(cell.strip().removesuffix(".0").isdecimal() for cell in cells(own[0])):
            break
        found.append(own[0])
    years = cells(found[0]) if len(found) > 2 else []
    return found if years and all(1900 <= float(year) < 2100 for year in years) else []


def _is_calendar(parts: Sequence[str]) -> bool:
    """Are the columns called year, month, day, and hour and so on?"""
    are = all(_plain(part).rstrip("s") in words for part, words in zip(parts, _CALENDAR, strict=False))
    return are and 2 < len(parts) <= len(_CALENDAR)


def _with_clock(date: "pd.Series[str]", parts: "list[pd.Series[str]]") -> "pd.Series[str]":
    """`2024-03-05 09:00:00` of a date and hours, or hours, minutes and seconds; the date alone of nothing more."""
    for mark, part in zip(" ::", parts, strict=False):
        date = date + mark + part
    return date + ":00" * (3 - len(parts)) if parts else date


def _all(form: re.Pattern[str], cells: Sequence[str]) -> bool:
    return bool(cells) and all(form.fullmatch(cell.strip()) for cell in cells)


def _without_midnight(cells: Sequence[str]) -> list[str]:
    return [_MIDNIGHT.sub("", cell.strip()) for cell in cells]


def _is_fraction(name: str, cells: Sequence[str]) -> bool:
    most = 10 ** _FRACTIONS[_plain(name)]
    plain = [cell.strip().removesuffix(".0") for cell in cells]
    return bool(plain) and all(cell.isdecimal() and int(cell) < most for cell in plain)


def _is_of_rows(name: str) -> bool:
    """May the column hold the days of rows, and not when somebody was born?"""
    plain = _plain(name)
    are_days = plain.isdecimal() or any(word in plain for word in _OF_DAYS)
    return are_days and not any(word in plain for word in _NOT_OF_ROWS)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, re.sub(r"\s*[(\[].*?[)\]]", "", name).lower()))
