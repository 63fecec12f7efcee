"""Which step of which channel a column is, by its name: `t7`, `x_7`, `2019-01-07`, `07.01.2019`, `00:30`, `0.25`."""

import re
from collections.abc import Sequence

_ENDS = re.compile(r"^(?P<channel>.*?)[_\-. ]?(?P<step>\d{1,15})$")
_YEAR, _MONTH = r"(?P<year>(?:19|20)\d\d)", r"(?P<month>0?[1-9]|1[0-2])"
_DATES = (
    re.compile(rf"{_YEAR}(?P<mark>[-/._]){_MONTH}((?P=mark)(?P<day>[0-2]?\d|3[01]))?"),
    re.compile(rf"(?P<day>[0-2]?\d|3[01])\.{_MONTH}\.{_YEAR}"),
    re.compile(rf"{_MONTH}/{_YEAR}"),
)
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/(19|20)\d\d")
"""Day and month in an order that the name does not tell: steps stay where they stand."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(r"(?P<name>[a-z]{3})[a-z]*[-_. ]?(?P<year>(?:19|20)\d\d)", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hour>\d{1,3}):(?P<minute>[0-5]\d)(:(?P<second>[0-5]\d))?")
_TIMES = re.compile(r"(?:t|time)?[_= ]?(?P<number>\d+\.\d+)", re.IGNORECASE)
Step = tuple[str, float]
"""A channel, and where a step stands among its others."""


def steps_of(names: Sequence[str]) -> dict[str, Step]:
    """The columns that are steps.

    Dates, times of the day and decimal numbers are one channel where every column that begins with a digit is one:
    otherwise 2018-01 ... 2019-12 would be two channels of twelve steps.
    """
    for read in (_of_date, _of_clock, _of_decimals):
        found = {name: step for name in names if (step := read(name.strip())) is not None}
        numbers = set(found.values())
        if len(numbers) == len(found) > 2 and not any(name[:1].isdigit() and name not in found for name in names):
            return {name: ("", number) for name, number in found.items()}
    if len(slashed := [name for name in names if _SLASHED.fullmatch(name.strip())]) > 2:
        return {name: ("", place) for place, name in enumerate(slashed)}
    matches = {name: match for name in names if (match := _ENDS.match(name))}
    return {name: (match["channel"], int(match["step"])) for name, match in matches.items()}


def are_timed(steps: Sequence[str]) -> bool:
    """Are these names dates, times of the day or decimal numbers, which need not count on?"""
    readers = (_of_date, _of_clock, _of_decimals, _SLASHED.fullmatch)
    return any(all(read(name.strip()) is not None for name in steps) for read in readers)


def is_counted(name: str) -> bool:
    """Does it end with a number?"""
    return _ENDS.match(name) is not None


def _of_date(name: str) -> float | None:
    for form in _DATES:
        if match := form.fullmatch(name):
            parts = match.groupdict()
            return (int(parts["year"]) * 12 + int(parts["month"])) * 32 + int(parts.get("day") or 0)
    match = _NAMED.fullmatch(name)
    if match and match["name"].lower() in _MONTHS:
        return (int(match["year"]) * 12 + _MONTHS.index(match["name"].lower()) + 1) * 32
    return None


def _of_clock(name: str) -> float | None:
    match = _CLOCK.fullmatch(name)
    return (int(match["hour"]) * 60 + int(match["minute"])) * 60 + int(match["second"] or 0) if match else None


def _of_decimals(name: str) -> float | None:
    match = _TIMES.fullmatch(name)
    return float(match["number"]) if match else None
