"""Times as people and devices write them: ISO 8601, day and month in either order, times of a day, numbers with a unit.

Which of two numbers is the day is told by the ones above 12; where nothing tells it, nothing is guessed.
"""

import re

import numpy as np
import pandas as pd

_DATE = (
    r"^(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})"
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*([AaPp]\.?[Mm]\.?)?)?$"
)
_CLOCK = r"^(\d{1,4}):(\d{2}):(\d{2}(?:[.,]\d+)?)$"
_SPAN = r"^(\d+(?:[.,]\d+)?)\s*(ns|us|µs|ms|msec|s|sec|secs|seconds?|min|minutes?|h|hours?)$"
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "min": 60.0, "minute": 60.0, "h": 3600.0}
_SECONDS |= {"minutes": 60.0, "hour": 3600.0, "hours": 3600.0}
BEGIN = pd.Timestamp("1970-01-01", tz="UTC")
_HOUR, _DAY = 3600, 86_400


def dates_of(cells: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Dates in UTC, also of what says no day; `NaT` where a cell cannot be read, or can be in two ways."""
    dates = pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True)
    return _others(cells)[0] if len(cells) and dates.isna().all() else dates


def dates_note(cells: "pd.Series[str]") -> str | None:
    """How they were read, where they are neither numbers nor ISO 8601."""
    if not len(cells) or pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return None
    if pd.to_numeric(cells, errors="coerce").notna().any():
        return None
    if pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True).notna().any():
        return None
    dates, how = _others(cells)
    return (
        None
        if how is None or dates.isna().all()
        else f"Times in {str(cells.name)!r} such as {str(cells.iloc[0])[:40]!r} are {how}."
    )


def _others(cells: "pd.Series[str]") -> "tuple[pd.Series[pd.Timestamp], str | None]":
    texts = cells.astype("str").str.strip()
    nothing = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns, UTC]", name=cells.name)
    example = next(iter(texts.dropna()), "")
    if re.match(_DATE, example):
        return _of_days(texts, nothing)
    if re.match(_CLOCK, example):
        parts = texts.str.extract(_CLOCK)
        numbers = parts.apply(lambda part: pd.to_numeric(part.str.replace(",", "."), errors="coerce"))
        seconds = numbers[0] * _HOUR + numbers[1] * 60 + numbers[2]
        if seconds.max() < _DAY and seconds.max() >= _DAY - _HOUR and seconds.min() < _HOUR:
            return nothing, None  # past midnight, or not: what is later cannot be told
        return _since(seconds), "hours, minutes and seconds"
    if match := re.match(_SPAN, example):
        parts = texts.str.extract(_SPAN)
        if not (parts[1] == match[2]).all():
            return nothing, None
        numbers_of = pd.to_numeric(parts[0].str.replace(",", "."), errors="coerce")
        return _since(numbers_of * _SECONDS.get(match[2], 1.0)), f"numbers of {match[2]}"
    return nothing, None


def _since(seconds: "pd.Series[float]") -> "pd.Series[pd.Timestamp]":
    nanoseconds = (seconds * 1e9).round()
    return BEGIN + pd.to_timedelta(nanoseconds.where(np.isfinite(nanoseconds)), unit="ns")


def _of_days(
    texts: "pd.Series[str]", nothing: "pd.Series[pd.Timestamp]"
) -> "tuple[pd.Series[pd.Timestamp], str | None]":
    parts = texts.str.extract(_DATE)
    first, second = (pd.to_numeric(parts[place], errors="coerce") for place in (0, 2))
    is_one_day = len((parts[0] + parts[1] + parts[2] + parts[3]).unique()) == 1
    if (first > 12).any() and (second > 12).any():
        return nothing, None
    if (first > 12).any() or (parts[1] == ".").all() or (is_one_day and not (second > 12).any()):
        day, month, order = first, second, "day, month and year"
    elif (second > 12).any():
        day, month, order = second, first, "month, day and year"
    else:
        return nothing, None
    year = pd.to_numeric(parts[3], errors="coerce")
    days = pd.to_datetime(
        pd.DataFrame({"year": year.where(year > 99, year + 2000), "month": month, "day": day}),
        errors="coerce",
        utc=True,
    )
    hours, minutes = (pd.to_numeric(parts[place], errors="coerce").fillna(0) for place in (4, 5))
    seconds = pd.to_numeric(parts[6].str.replace(",", "."), errors="coerce").fillna(0)
    half = parts[7].str.lower().str.slice(0, 1)
    hours = (hours % 12 + 12 * (half == "p")).where(half.notna(), hours)
    since = pd.to_timedelta(((hours * _HOUR + minutes * 60 + seconds) * 1e9).round(), unit="ns")
    dates: pd.Series[pd.Timestamp] = days + since
    dates.name = nothing.name
    return dates, "of one day" if is_one_day else order
