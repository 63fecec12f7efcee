"""Labels of stretches of time: a table with recording, begin, end and label, as annotation programs write them.

| table | |
|---|---|
| `recording,start,end,label` | also `file`, `begin`, `stop`, `activity`; `duration` in place of the end |
| `Begin Time - ss.msec`, `End Time - ss.msec`, `Annotation` | ELAN's export, separated by tabs |
| `0.0  1.5  walk` in `r1.txt` beside `r1.wav` | Audacity's labels of each recording |
| five whole numbers without a header | HAPT's: experiment, user, label, first row, last row |

A row of a recording gets the label of the stretch that it lies in, and none between them: `--window` cuts windows, of
which those across a border are left out and counted.

T rows
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.readers.channel_rows import NAMES_OF_LABELS, named_codes
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.manifests import RECORDING_NAMES, manifest_path
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

    from hw3models.data.readers.gathered import Gathered

_BEGINS = frozenset({"start", "begin", "onset", "from", "starttime", "begintime", "tstart", "tmin", "anfang", "beginn"})
_ENDS = frozenset({"end", "stop", "offset", "to", "until", "endtime", "stoptime", "tend", "tmax", "ende", "finish"})
_LABELS = frozenset({"annotation", "annotations", "event", "value", "text", "behaviour", "behavior", "state", "tag"})
_STRETCH = re.compile(r"(\d+(?:\.\d+)?)[\t ;,]+(\d+(?:\.\d+)?)[\t ;,]+([^\d\s].*)")
"""A line of Audacity's labels."""
_TIER = re.compile(r"[^\t\d][^\t]*\t[^\t]*\t(\d+(?:\.\d+)?)\t(\d+(?:\.\d+)?)\t(?:\d+(?:\.\d+)?\t)?([^\t]+)\t?")
"""A line of what ELAN exports without a header, times as ss.msec."""
_ROWS = frozenset({"row", "rows", "sample", "samples", "index", "idx", "frame", "frames", "step", "steps"})
_SUFFIXES = (".csv", ".tsv", ".txt", ".psv")
_BY_NAME = re.compile(r"label|annot|interval|segment|event|stretch|bout|behavio", re.IGNORECASE)
"""What tables of stretches are called, where many files stand beside them."""
_FEW = 20
_MOST_BYTES = 64 * 2**20
_BEYOND = 1.5
"""So many times the longest recording, and more, is another unit."""


class Intervals(NamedTuple):
    """Stretches of recordings, as the table has them."""

    path: Path
    keys: tuple[tuple[str, ...], ...] | None
    """The names of the recordings; None where the table names none."""
    labels: tuple[str, ...]
    begins: NDArray[np.float64]
    ends: NDArray[np.float64]
    in_rows: bool
    """Are begin and end numbers of rows, both within, counted from 1?"""
    are_dates: bool = False
    in_ms: bool = False
    """Does the name of their columns say milliseconds?"""
    beside: tuple[Path, ...] = ()
    """All files, where each recording has one of its own."""

    names: Path | None = None
    """The table that names labels which are numbers."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files whose content counts."""
        names = () if self.names is None else (self.names,)
        return tuple(path.absolute() for path in (*(self.beside or (self.path,)), *names))


def intervals_in(path: Path, spec: DataSpec) -> Intervals | None:
    """The stretches of time that a text table lists; None where it is another table."""
    try:
        found = _read(path, state_of(path), spec.label_column)
    except (DataError, OSError):
        return None
    is_about_all = found is not None and found.keys is not None and len(set(found.keys)) == len(found.keys)
    if found is None or is_about_all:
        return None  # with a row for each recording it says the label of all of it
    return _with_names(found) if all(label.isdecimal() for label in found.labels) else found


def _with_names(found: Intervals) -> Intervals:
    """The same with names for labels that are numbers, of a table beside or in the folder above, as HAPT has it."""
    for folder in (found.path.parent, found.path.parent.parent):
        for path in sorted(folder.iterdir()):
            is_called = path.stem.lower() in NAMES_OF_LABELS and path.suffix.lower() in _SUFFIXES and path.is_file()
            names = named_codes(path, found.labels) if is_called else None
            if names is not None:
                return found._replace(labels=tuple(names[one] for one in found.labels), names=path)
    return found


def found_intervals(folder: Path, files: Sequence[Path], spec: DataSpec) -> Intervals | None:
    """The stretches that a table in a folder of recordings lists: the one that was named, else the only one at the top.

    Raises:
        DataError: there are several such tables.
    """
    if spec.manifest is not None:
        named = [manifest_path(folder, name.strip()).absolute() for name in spec.manifest.split(",")]
    else:
        named = [path.absolute() for path in files if path.parent == folder and name_of(path).suffix in _SUFFIXES]
        named = [path for path in named if len(named) <= _FEW or _BY_NAME.search(path.stem)]
    found = [one for path in named if (one := intervals_in(path, spec)) is not None]
    if spec.manifest is None and len(found) > max(1.0, len(files) / 2):
        return None  # recordings with such columns
    if len(found) > 1:
        tables = few(one.path.name for one in found)
        raise DataError(f"{folder}: {tables} may all be labels of stretches of time. Say which: `--manifest NAME`.")
    return found[0] if found else _of_each(folder, files) if spec.manifest is None else None


def _of_each(folder: Path, files: Sequence[Path]) -> Intervals | None:
    """Stretches in a file for each recording, beside it and of its name, as Audacity exports them."""
    by_name: dict[Path, list[Path]] = {}
    for path in files:
        by_name.setdefault(path.with_suffix(""), []).append(path)
    rows, tables = list[tuple[str, float, float, str]](), list[Path]()
    for both in by_name.values():
        for path in both if len(both) == 2 else ():
            if name_of(path).suffix in _SUFFIXES and (own := _labels_of(path, state_of(path))) is not None:
                other = both[both.index(path) - 1]
                rows += [(str(other.relative_to(folder)), *one) for one in own]
                tables.append(path)
    if not rows or len(tables) > len(files) / 2:
        return None
    ids, begins, ends, labels = zip(*rows, strict=True)
    keys = tuple((one,) for one in ids)
    return Intervals(tables[0], keys, labels, np.array(begins), np.array(ends), in_rows=False, beside=tuple(tables))


@lru_cache(maxsize=4096)
def _labels_of(path: Path, state: FileState) -> tuple[tuple[float, float, str], ...] | None:
    """Begin, end and label of each line; None where a line is something else."""
    if state.size > _MOST_BYTES:
        return None
    try:
        lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip() and line[0] != "\\"]
    except (OSError, UnicodeError):
        return None
    found = [_STRETCH.fullmatch(line.strip()) for line in map(_without_tier, lines)]
    if len({line.split("\t")[0] for line in lines if _TIER.match(line)}) > 1:
        return None  # several tiers of ELAN
    rows = tuple((float(one[1]), float(one[2]), one[3].strip()) for one in found if one is not None)
    return rows if rows and len(rows) == len(lines) and all(begin <= end for begin, end, _ in rows) else None


def _without_tier(line: str) -> str:
    """Begin, end and label of a line of ELAN's export: tier, participant, begin, end, duration, label."""
    match = _TIER.fullmatch(line.rstrip("\r"))
    return "\t".join(match.groups()) if match else line


def without_manifest(folder: Path, taken: Sequence[Path], spec: DataSpec) -> str | None:
    """The tables that were named without these."""
    names = (spec.manifest or "").split(",")
    rest = [name for name in names if name.strip() and manifest_path(folder, name.strip()).absolute() not in taken]
    return ",".join(rest) or None


@lru_cache(maxsize=16)
def _read(path: Path, state: FileState, label_column: str) -> Intervals | None:
    from hw3models.data.readers.wide_tables import read_head, text_frame

    if state.size > _MOST_BYTES:
        return None
    head = read_head(path)
    if not head.has_header:
        return _of_rows(path, text_frame(path, head)[0]) if len(head.first) in (4, 5) else None
    columns = _columns(head.first, label_column)
    if columns is None:
        return None
    table = text_frame(path, head)[0].apply(lambda cells: cells.str.strip())
    key, begin, end, duration, label = columns
    begins, are_dates = _numbers(table[begin])
    ends = begins + _numbers(table[duration])[0] if end is None else _numbers(table[end])[0]
    if not len(table) or np.isnan(begins).any() or np.isnan(ends).any():
        return None
    words = set(_words(begin))
    return Intervals(
        path,
        None if key is None else tuple((one,) for one in table[key]),
        tuple(table[label]),
        begins,
        ends,
        bool(words & _ROWS),
        are_dates,
        bool(words & {"ms", "msec", "milliseconds"}) and "ss" not in words,
    )


def _columns(names: Sequence[str], label_column: str) -> tuple[str | None, str, str | None, str, str] | None:
    """The columns of recording, begin, end, duration and label; None where they cannot be told."""
    begin, end, duration = (_only(names, words) for words in (_BEGINS, _ENDS, frozenset({"duration"})))
    if begin is None or (end is None and duration is None):
        return None
    rest = [name for name in names if name not in {begin, end, duration}]
    rest = [name for name in rest if not {*_words(name)} & (_BEGINS | _ENDS | {"duration"})]
    label = [name for name in rest if name == label_column] or likely("label_column", rest)
    label = label or [name for name in rest if {*_words(name)} & _LABELS]
    keys = [name for name in rest if name not in label and name.lower() in RECORDING_NAMES]
    keys = keys or [name for name in likely("sample_column", rest) if name not in label]
    return (
        (keys[0] if keys else None, begin, end, duration or "", label[0]) if len(label) == 1 and len(keys) < 2 else None
    )


def _only(names: Sequence[str], words: frozenset[str]) -> str | None:
    """The column whose name has one of the words; of ELAN's three forms of a time that in seconds."""
    own = [name for name in names if words.intersection(_words(name)) or "".join(_words(name)) in words]
    seconds = [name for name in own if {"ss", "msec"} <= set(_words(name)) and "hh" not in _words(name)]
    own = seconds if len(own) > 1 and seconds else own
    return own[0] if len(own) == 1 else None


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) if word]


def _numbers(cells: "pd.Series[str]") -> tuple[NDArray[np.float64], bool]:
    """Numbers, and whether they are dates; hours, minutes and seconds are seconds."""
    import pandas as pd

    from hw3models.data.readers.times import BEGIN, dates_of

    numbers = pd.to_numeric(cells.str.replace(",", "."), errors="coerce")
    if numbers.notna().all():
        return np.asarray(numbers, np.float64), False
    dates = dates_of(cells)
    seconds = np.asarray((dates - BEGIN).dt.total_seconds(), np.float64)
    return seconds, bool(dates.dt.year.min() > 1970)


def _of_rows(path: Path, table: "pd.DataFrame") -> Intervals | None:
    """Whole numbers without a header: what names the recording, label, first row, last row."""
    if not len(table) or not table.apply(lambda cells: cells.str.strip().str.isdecimal()).all(axis=None):
        return None
    *keys, label, first, last = (table[name].str.strip() for name in table.columns)
    begins, ends = first.to_numpy(np.float64), last.to_numpy(np.float64)
    if (begins > ends).any() or not (np.diff(begins) > 0).mean() > 0.5 or label.nunique() > len(table) / 2:
        return None
    return Intervals(path, tuple(zip(*keys, strict=True)), tuple(label), begins, ends, in_rows=True)


def with_intervals(found: "Gathered", intervals: Intervals) -> "Gathered":
    """The recordings with the label of each row.

    Raises:
        DataError: no stretch is of a recording, times are of another unit, or stretches with other labels overlap.
    """
    rows_of = _matched(found, intervals)
    factor = _factor(found, intervals)
    row_labels, labelled = list[NDArray[Any]](), 0
    for number, one in enumerate(found.series):
        labels = np.full(len(one), "", dtype=object)
        at = _places(found, number, intervals, factor)
        near = 0.01 * float(np.median(np.diff(at))) if len(at) > 1 else 0.0  # 70 * 0.02 is not 1.4
        for row in rows_of.get(number, ()):
            begin, end = intervals.begins[row], intervals.ends[row]
            inside = (at >= begin - near) & ((at <= end) if intervals.in_rows else (at < end - near))
            if (
                other := next((own for own in labels[inside] if own not in ("", intervals.labels[row])), None)
            ) is not None:
                raise DataError(
                    f"{intervals.path}: in {found.ids[number]!r} stretches of {other!r} and {intervals.labels[row]!r} "
                    f"overlap (from {begin:g} on). Keep one label for each time, as of one tier."
                )
            labels[inside] = intervals.labels[row]
        row_labels.append(labels)
        labelled += int((labels != "").sum())
    total = sum(map(len, found.series))
    if not labelled:
        raise DataError(
            f"{intervals.path}: no row lies in one of its {len(intervals.labels):,} stretches, from "
            f"{intervals.begins.min():g} to {intervals.ends.max():g}. {_spans(found)} Write both in one unit."
        )
    without = len(found) - len(rows_of)
    note = (
        f"Labels of {len(intervals.labels):,} stretches of time in {_named(intervals)}"
        f"{f', named in {intervals.names.name}' if intervals.names is not None else ''}"
        f"{' (rows, counted from 1)' * intervals.in_rows}{' (in milliseconds)' * (factor != 1)}: "
        f"{labelled:,} of {total:,} rows have one" + (f"; {without:,} recordings have none." if without else ".")
    )
    return replace(found, labels=None, row_labels=row_labels, notes=(*found.notes, note))


def _named(intervals: Intervals) -> str:
    more = len(intervals.beside) - 1
    return f"{intervals.path.name}{f' and {more:,} more' if more > 0 else ''}"


def _matched(found: "Gathered", intervals: Intervals) -> dict[int, list[int]]:
    """The stretches of each recording that has some."""
    if intervals.keys is None:
        if len(found) > 1:
            raise DataError(
                f"{intervals.path}: there are {len(found):,} recordings, and no column says of which a stretch is. Add "
                "one that is called `file` or `recording`."
            )
        return {0: list(range(len(intervals.labels)))}
    of_key: dict[tuple[str, ...], int] = {}
    for number, id in enumerate(found.ids):
        for name in (id, Path(id).name, Path(id).stem):
            of_key.setdefault((name,), number)
    numbers = [tuple(str(int(one)) for one in re.findall(r"\d+", Path(id).stem)) for id in found.ids]
    if len(set(numbers)) == len(numbers):
        of_key = {**{own: number for number, own in enumerate(numbers) if own}, **of_key}
    rows: dict[int, list[int]] = {}
    for row, key in enumerate(intervals.keys):
        plain = tuple(str(int(one)) if one.isdecimal() else one for one in key)
        if (at := of_key.get(key, of_key.get(plain))) is not None:
            rows.setdefault(at, []).append(row)
    if not rows:
        common = ", ".join("/".join(key) for key, _ in Counter(intervals.keys).most_common(3))
        raise DataError(f"{intervals.path}: its recordings are {common}, ..., but there are {few(found.ids)}.")
    return rows


def _places(found: "Gathered", number: int, intervals: Intervals, factor: float) -> NDArray[np.float64]:
    """(T,) where the rows of a recording are, in the unit of the stretches."""
    if intervals.in_rows or found.times is None:
        return np.asarray(np.arange(1.0, len(found.series[number]) + 1), np.float64)
    times = found.times[number] + found.begin
    return np.asarray((times - times[0] if _is_since_begin(found, intervals) else times) / factor)


def _is_since_begin(found: "Gathered", intervals: Intervals) -> bool:
    """Times since the begin of each recording, where those of rows are dates?"""
    first = found.begin + (float(found.times[0][0]) if found.times and len(found.times[0]) else 0.0)
    return found.in_seconds and first > 1e8 and not intervals.are_dates and intervals.begins.min() < 1e8


def _factor(found: "Gathered", intervals: Intervals) -> float:
    """The unit of the stretches in that of the times.

    Raises:
        DataError: they are of another unit.
    """
    if intervals.in_rows or found.times is None:
        longest = float(max(map(len, found.series)))
    else:
        since = _is_since_begin(found, intervals)
        longest = max(float(at[-1] - at[0] if since else at[-1] + found.begin) for at in found.times if len(at))
    last = float(intervals.ends.max())
    if last <= _BEYOND * longest:
        return 1.0
    if intervals.in_ms and last / 1000 <= _BEYOND * longest and not intervals.in_rows:
        return 1e-3
    raise DataError(f"{intervals.path}: its last stretch ends at {last:g}. {_spans(found)} Write both in one unit.")


def _spans(found: "Gathered") -> str:
    if found.times is None:
        return f"Recordings have no times, and {max(map(len, found.series)):,} rows at most."
    ends = [float(at[-1]) + found.begin for at in found.times if len(at)]
    return f"Recordings have times from {found.begin:g} to {max(ends):g}."
