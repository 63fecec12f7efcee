"""Which step of which channel a column is, by its name.

| | |
|---|---|
| counted | `t7`, `x_7` |
| dates | `2019-01-07`, `07.01.2019`, `2019-01-07 00:30`, `Jan 2019`, `1/2019`, `Q1 2019`, `2019-W07` |
| words | `Jan`, `Feb`, ...; `Mon`, `Tue`, ... |
| times | `00:30`, `9 PM`, `0.25`, `t=0.1s`, `20ms` |
| measures | `400 nm`, `w401.5`, `-0.5`, `x 20ms` |
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

_ENDS = re.compile(r"^(?P<channel>.*?)[_\-. ]?(?P<step>\d{1,15})$")
_YEAR, _MONTH = r"(?P<year>(?:19|20)\d\d)", r"(?P<month>0?[1-9]|1[0-2])"
_DATES = (
    re.compile(rf"{_YEAR}(?P<mark>[-/._]){_MONTH}((?P=mark)(?P<day>[0-2]?\d|3[01]))?"),
    re.compile(rf"(?P<day>[0-2]?\d|3[01])\.{_MONTH}\.{_YEAR}"),
    re.compile(rf"{_MONTH}[-/]{_YEAR}"),
)
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/((19|20)\d\d|\d\d)([T ]+\d{1,2}:\d\d(:\d\d)?)?")
"""Day and month in an order that the name does not tell: steps stay where they stand."""
_FULL = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTHS = tuple(word[:3] for word in _FULL)
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NAMED = re.compile(r"(?P<name>[a-z]{3})[a-z]*[-_. ]?(?P<year>(?:19|20)\d\d)", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<name>[a-z]{3,9})[-_. ']+(?P<number>\d{1,2})", re.IGNORECASE)
_PARTS = (
    re.compile(rf"(?P<kind>[QHW])[_-]?(?P<part>\d{{1,2}})[-_./ ]*{_YEAR}", re.IGNORECASE),
    re.compile(rf"{_YEAR}[-_./ ]*(?P<kind>[QHW])[_-]?(?P<part>\d{{1,2}})", re.IGNORECASE),
)
"""Quarters, halves and weeks of a year."""
_CLOCK = re.compile(r"(?P<hour>\d{1,3}):(?P<minute>[0-5]\d)(:(?P<second>[0-5]\d))?")
_HALVES = re.compile(r"(?P<hour>1[0-2]|0?\d)(:(?P<minute>[0-5]\d))?\s*(?P<half>[ap])\.?m\.?", re.IGNORECASE)
_TIMES = re.compile(r"(?:t|time)?[_= ]?(?P<number>(?:(?<![a-z])[+-])?\d+\.\d+)", re.IGNORECASE)
_UNITS = (
    "nm|um|µm|mm|cm|m|km|ns|us|µs|ms|msec|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|"
    "m?Hz|kHz|MHz|GHz|cm-1|cm\\^-1|1/cm|°C|°|deg|m?V|k?eV|m?A|m/z|ppm|Da|K|%"
)
_MEASURE = re.compile(
    rf"(?P<channel>.*?[^\d+.\-])??[_= ]*(?P<number>(?:(?<!\w)[+-])?\d+(?:\.\d+)?)[_ ]?(?P<unit>{_UNITS})?"
)
_SPECTRUM = frozenset({"", "wl", "wn", "wavelength", "wavenumber", "lambda", "nm", "freq", "mz"})
_LETTERS = ("X", "w", "f")
"""What stands before the numbers of a spectrum, letters before large ones: R writes X before any number."""
_WAVES = 100.0
Step = tuple[str, float]
"""A channel, and where a step stands among its others."""


def steps_of(names: Sequence[str]) -> dict[str, Step]:
    """The columns that are steps.

    Dates, times of the day and measures are one channel where every column that begins with a digit is one: otherwise
    2018-01 ... 2019-12 would be two channels of twelve steps.
    """
    return dict(_steps_of(tuple(names)))


@lru_cache(maxsize=8)
def _steps_of(names: tuple[str, ...]) -> dict[str, Step]:
    """The same, asked several times of a table, which may have very many columns."""
    if timed := _timed(names):
        return timed
    matches = {name: match for name in names if (match := _ENDS.match(name))}
    return {name: (match["channel"], int(match["step"])) for name, match in matches.items()}


@lru_cache(maxsize=8)
def _timed(names: tuple[str, ...]) -> dict[str, Step]:
    """The columns that are dates, times or measures; none where they are not."""
    for read in (_of_date, _of_part, _of_clock, _of_decimals):
        found = {name: step for name in names if (step := read(name.strip())) is not None}
        if len(set(found.values())) == len(found) > 2 and _has_all(found, names):
            return {name: ("", number) for name, number in found.items()}
    if len(slashed := [name for name in names if _SLASHED.fullmatch(name.strip())]) > 2:
        return {name: ("", place) for place, name in enumerate(slashed)}
    return _in_words(names) or _measured(names)


def _has_all(found: dict[str, float], names: Sequence[str]) -> bool:
    """Are all that begin with a number among them?"""
    return not any(re.match(r"[+-]?\d", name) and name not in found for name in names)


def are_timed(steps: Sequence[str]) -> bool:
    """Are these names dates, times or measures, which need not count on?"""
    readers: tuple[Callable[[str], object], ...] = (_of_date, _of_part, _of_clock, _of_decimals, _SLASHED.fullmatch)
    one_by_one = any(all(read(name.strip()) is not None for name in steps) for read in readers)
    return one_by_one or len(_timed(tuple(steps))) == len(steps)


def is_counted(name: str) -> bool:
    """Does it end with a number?"""
    return _ENDS.match(name) is not None


def _of_date(name: str) -> float | None:
    """Seconds, about; also of a date with a time of day behind it."""
    for form in _DATES:
        if match := form.fullmatch(name):
            parts = match.groupdict()
            return ((int(parts["year"]) * 12 + int(parts["month"])) * 32 + int(parts.get("day") or 0)) * 86_400
    match = _NAMED.fullmatch(name)
    if match and match["name"].lower() in _MONTHS:
        return (int(match["year"]) * 12 + _MONTHS.index(match["name"].lower()) + 1) * 32 * 86_400
    day, mark, clock = name.partition("T" if "T" in name else " ")
    seconds = _of_clock(clock.strip()) if mark and clock else None
    begin = None if seconds is None else _of_date(day)
    return None if begin is None or seconds is None else begin + seconds


def _of_part(name: str) -> float | None:
    match = next((found for form in _PARTS if (found := form.fullmatch(name))), None)
    return int(match["year"]) * 100 + int(match["part"]) if match else None


def _of_clock(name: str) -> float | None:
    if match := _HALVES.fullmatch(name):
        hour = int(match["hour"]) % 12 + 12 * (match["half"] in "pP")
        return (hour * 60 + int(match["minute"] or 0)) * 60
    match = _CLOCK.fullmatch(name)
    return (int(match["hour"]) * 60 + int(match["minute"])) * 60 + int(match["second"] or 0) if match else None


def _of_decimals(name: str) -> float | None:
    match = _TIMES.fullmatch(name)
    return float(match["number"]) if match else None


def _in_words(names: Sequence[str]) -> dict[str, Step]:
    """Months (`Jan`, also `Jan-20` of a year or a day) and weekdays, as they stand where one follows the other."""
    plain = {name: name.strip().lower() for name in names}
    for words in (_FULL, _DAYS):
        places = {name: place for name, own in plain.items() if (place := _word(own, words)) is not None}
        if len(set(places.values())) == len(places) > 2:
            follow = all((b - a) % len(words) == 1 for a, b in pairwise(places.values()))
            return {name: ("", at if follow else place) for at, (name, place) in enumerate(places.items())}
    found = {name: match for name in names if (match := _NUMBERED.fullmatch(name.strip()))}
    dated = {
        name: (place, int(match["number"]))
        for name, match in found.items()
        if (place := _word(match["name"].lower(), _FULL)) is not None
    }
    if len(dated) < 3 or len(set(dated.values())) < len(dated):
        return {}
    months = [month for month, _ in dated.values()]
    are_days = sum(a == b for a, b in pairwise(months)) > len(months) / 2
    return {
        name: ("", month * 100 + number if are_days else number * 100 + month)
        for name, (month, number) in dated.items()
    }


def _word(text: str, words: Sequence[str]) -> int | None:
    """The place of a word, also of its first three letters."""
    return next((at for at, word in enumerate(words) if text in (word, word[:3])), None)


def _measured(names: Sequence[str]) -> dict[str, Step]:
    """Numbers with a unit, with a sign, or of a spectrum; of several channels where each has the same ones."""
    matches = {name: match for name in names if (match := _MEASURE.fullmatch(name.strip()))}
    if not matches or not any(
        match["unit"] or "." in match["number"] or "-" in match["number"] for match in matches.values()
    ):
        return {}
    units = Counter((match["unit"] or "") for match in matches.values())
    unit = next(iter(units))
    found = {name: (_channel(match), float(match["number"])) for name, match in matches.items()}
    channels: dict[str, list[float]] = {}
    for channel, number in found.values():
        channels.setdefault(channel, []).append(number)
    alike = len({tuple(sorted(own)) for own in channels.values()}) == 1
    if len(units) > 1 or not alike or len(set(found.values())) < len(found) or len(found) < 3 * len(channels):
        return {}
    if not _has_all({name: step for name, (_, step) in found.items()}, names):
        return {}
    if any(is_counted(name) and name not in found for name in names):
        return {}  # t-1, t-2 beside -1, -2
    if not unit and (len(channels) > 1 or not (_are_signed(found) or _is_spectrum(found))):
        return {}
    return {name: ("" if len(channels) == 1 else channel, step) for name, (channel, step) in found.items()}


def _channel(match: re.Match[str]) -> str:
    return (match["channel"] or "").strip(" _=-.")


def _are_signed(found: dict[str, Step]) -> bool:
    """Numbers with a minus before some of them, and nothing before it; lags (-1, -2, -3) stay where they stand."""
    own = [step for _, step in found.values()]
    are_lags = all(a > b for a, b in pairwise(own))
    return min(own) < 0 and not are_lags and all(not channel for channel, _ in found.values())


def _is_spectrum(found: dict[str, Step]) -> bool:
    """Numbers with fractions that are no places in numbered channels, such as s1.0, s1.1, s1.2, s2.0, s2.1, s2.2."""
    own = [step for _, step in found.values()]
    runs = Counter(int(step) for step in own)
    numbered = len(set(runs.values())) == 1 and min(runs.values()) > 2
    steps = [b - a for a, b in pairwise(own)]
    even = max(steps) - min(steps) <= 0.01 * abs(steps[0])
    channel = next(iter(found.values()))[0]
    is_named = channel.lower() in _SPECTRUM or (channel in _LETTERS and max(own) >= _WAVES)
    return any(step % 1 for step in own) and (not numbered or (even and is_named))
