"""Sequences as a table in long form: one row per series and time step, in CSV or Parquet.

| sample | time | x | y | label | split | subject |      `split` (train or test) is optional, and so is the group
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from hw3models.data.checks import FILL_THEM, raise_faults, suggestion
from hw3models.data.raw import Raw, label_texts, raw_sequences
from hw3models.data.readers.columns import Columns, Piece, told, wanted_columns
from hw3models.data.readers.guessed_columns import how_to_name
from hw3models.data.readers.long_tables import (
    SPLIT_COLUMN,
    chunks,
    form_notes,
    named_groups,
    own_columns,
    row_names,
    sample_parts,
)
from hw3models.data.readers.time_columns import first_cells
from hw3models.data.readers.times import dates_note, dates_of
from hw3models.data.readers.timing import UNEVEN_TIMES, jump_note, timing_note
from hw3models.data.tails import SHORTEST, tail_note
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec

_OTHERS = "the sample, the time, the label and the split"
_MAX_ROWS = 5
"""Rows named in one fault."""


def read_table(path: Path, name: str, spec: DataSpec) -> Raw:
    """Read a table in long form; the columns are named by the spec, all others are features.

    Series stand in the order of their first row, their steps in the order of the time column (numbers, or
    dates that pandas reads). Series of unequal length are padded: see `raw_sequences`.

    Raises:
        DataError: all faults of the table together, with their rows.
    """
    table = pd.concat(list(chunks(path, spec, whole=True)))
    channels, notes = channels_of(table, spec, where=str(path))
    part = parse(table, spec, row_names(path, table), where=str(path), channels=channels)
    try:
        texts = label_texts(part.labels, spec.task)
    except ValueError as error:
        raise DataError(f"{path}: column {spec.label_column!r}: {error}.") from error
    return raw_sequences(
        name,
        part.series,
        texts,
        test=part.test,
        notes=(
            *form_notes(path),
            *notes,
            *([said] if (said := dates_note(table[spec.time_column])) else []),
            *_time_notes(part),
            *([tail_note(part.shortened, len(texts))] * (part.shortened > 0)),
        ),
        channels=part.channels,
        groups=part.groups,
    )


def _time_notes(part: "Part") -> Iterator[str]:
    """Holes and steps that are not alike; where there are none nothing."""
    jumps = jump_note(part.times, in_seconds=part.dated)
    note = jumps or timing_note(part.times, in_seconds=part.dated)
    if note is not None and (jumps or note.startswith(UNEVEN_TIMES)):
        yield note


def channels_of(table: pd.DataFrame, spec: DataSpec, *, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a table that are channels, and what is said of those that are none.

    Raises:
        DataError: none is left, or a column that was named is not there; the message begins with `where`.
    """
    with looking(where):
        raise_faults(where, column_faults(table, spec))
        names = candidates(table, spec, where=where)
        columns = Columns(names)
        if not spec.feature_columns and len(table):
            columns.look(piece_of(table, spec))
    return chosen(names, columns, spec, where=where)


def candidates(table: pd.DataFrame, spec: DataSpec, *, where: str) -> list[str]:
    """The columns that may be channels.

    Raises:
        DataError: a column that was named is not there.
    """
    found = [column for column in table.columns if column not in sample_parts(spec) or column in spec.feature_columns]
    names, faults = wanted_columns(found, spec.feature_columns, spec.ignore_columns, own_columns(spec))
    raise_faults(where, faults)
    return names


def piece_of(table: pd.DataFrame, spec: DataSpec) -> Piece:
    """Whole series, to be looked at."""
    samples, _ = pd.factorize(table[spec.sample_column], use_na_sentinel=False)
    times, faults = _times(table[spec.time_column], str)
    if times.dtype.kind not in "iuf":
        times = pd.DatetimeIndex(times).asi8
    return Piece(table, samples, None if faults else times, table[spec.label_column])


def chosen(
    names: list[str], columns: Columns, spec: DataSpec, *, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What comes of the looks: the channels, and notes.

    Raises:
        DataError: no channel is left.
    """
    left = {} if spec.feature_columns else columns.left_out()
    taken = tuple(name for name in names if name not in left)
    if not taken:
        reasons = told(left) if left else "All columns are ignored."
        raise DataError(f"{where}: no channel is left. {reasons}")
    return taken, (told(left),) if left else ()


class Part(NamedTuple):
    """Whole series of a table."""

    names: list[str]
    """N, to the letter."""
    series: list[NDArray[np.float64]]
    """N of (T_i, C), sorted by time."""
    apart: str | None
    """The first series whose rows do not stand together; None where there is none."""
    dated: bool
    """Are the times dates, not numbers?"""
    labels: NDArray[Any]
    """(N,), of any type; empty where they were not read."""
    test: NDArray[np.bool_] | None
    """(N,) True for test; None without a column for it."""
    channels: tuple[str, ...]
    """C names."""
    groups: list[str] | None
    """N, to the letter; None where no column was named."""
    times: list[NDArray[np.float64]] | None = None
    """N of (T_i,) from the begin of each series, in seconds where they are dates."""
    shortened: int = 0
    """Series that end before their last rows, which hold nothing."""


def parse(
    table: pd.DataFrame,
    spec: DataSpec,
    row_name: Callable[[int], str],
    *,
    where: str,
    labelled: bool = True,
    channels: tuple[str, ...] = (),
) -> Part:
    """The series in a table whose i-th row is called `row_name(i)`.

    Args:
        table: whole series.
        spec: names the columns.
        row_name: for messages.
        where: what messages begin with.
        labelled: False: labels, split and gaps are the business of who asked, and are not looked at.
        channels: the columns of the features; all that are left where none are named.

    Raises:
        DataError: all faults together, with their rows; the message begins with `where`.
    """
    with looking(where):
        return _parsed(table, spec, row_name, where, labelled, channels)


@contextmanager
def looking(where: str) -> Iterator[None]:
    """Texts of a Parquet file are looked into for the first time where they are compared: what is no text is told."""
    try:
        yield
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{where}: cannot be read as a table ({str(error).strip()}).") from error


def parse_pieces(
    pieces: Iterable[pd.DataFrame], path: Path, spec: DataSpec, *, labelled: bool = True, channels: tuple[str, ...] = ()
) -> Iterator[Part]:
    """`parse` of each, all of the one file `path`: times that are numbers here and dates there do not sort."""
    first = None
    for table in pieces:
        part = parse(table, spec, row_names(path, table), where=str(path), labelled=labelled, channels=channels)
        first = part if first is None else first
        if part.dated != first.dated:
            dated, plain = (part, first) if part.dated else (first, part)
            raise DataError(
                f"{path}: column {spec.time_column!r} holds dates for series {dated.names[0]!r}, but numbers for "
                f"series {plain.names[0]!r}. Write all alike."
            )
        yield part


def _parsed(
    table: pd.DataFrame,
    spec: DataSpec,
    row_name: Callable[[int], str],
    where: str,
    labelled: bool,
    channels: tuple[str, ...],
) -> Part:
    raise_faults(where, column_faults(table, spec, labelled=labelled))
    if not len(table):
        raise DataError(f"{where}: the table has columns but no rows.")
    columns = list(channels) or [c for c in table.columns if c not in own_columns(spec)]
    is_tail = _tails(table, columns, spec)
    if is_tail.any():
        kept, whole, name_of = np.flatnonzero(~is_tail), table, row_name
        table, row_name = whole.iloc[kept], lambda i: name_of(int(kept[i]))
    faults: list[str] = []
    names = table[spec.sample_column]
    samples, distinct = pd.factorize(names, use_na_sentinel=False)
    fill = spec.missing != "refuse" or not labelled
    features, features_faults = _numbers(table[columns], samples, row_name, fill=fill)
    times, time_faults = _times(table[spec.time_column], row_name)
    faults += features_faults + time_faults
    for column in (spec.sample_column, *([spec.label_column] * labelled), *named_groups(spec)):
        faults += _empty_faults(table[column], row_name)
    faults += _duplicate_faults(samples, times, table, spec, row_name)
    labels = _constant(table[spec.label_column], samples, names, row_name, faults) if labelled else np.empty(0)
    test = _test_mask(table, samples, row_name, names, faults) if labelled else None
    groups = None
    if spec.group_column is not None:
        of_series = _constant(table[spec.group_column], samples, names, row_name, faults)
        groups = [str(group) for group in of_series.tolist()]
    raise_faults(where, faults)
    texts = [str(name) for name in distinct]
    back = np.diff(samples) < 0  # series are numbered as they come
    return Part(
        names=texts,
        apart=texts[samples[int(back.argmax()) + 1]] if back.any() else None,
        series=_series(features, samples, times),
        times=_since(times, samples),
        dated=times.dtype.kind not in "iuf",
        labels=labels,
        test=test,
        channels=tuple(map(str, columns)),
        groups=groups,
        shortened=len(set(whole[spec.sample_column][is_tail])) if is_tail.any() else 0,
    )


def _tails(table: pd.DataFrame, columns: list[str], spec: DataSpec) -> NDArray[np.bool_]:
    """(rows,) True behind the last row of a series with any value in it."""
    empty = table[columns].isna().all(axis=1).to_numpy()
    if not empty.any():
        return empty
    samples, _ = pd.factorize(table[spec.sample_column], use_na_sentinel=False)
    times, faults = _times(table[spec.time_column], str)
    if faults:
        return np.zeros(len(table), bool)
    order = np.lexsort((times, samples))
    num = np.bincount(samples)
    place = np.arange(len(order)) - np.repeat(np.cumsum(num) - num, num)  # of each row in its series, sorted
    last = np.full(len(num), -1)
    np.maximum.at(last, samples[order][~empty[order]], place[~empty[order]])
    is_tail = np.zeros(len(table), bool)
    is_tail[order] = (place > last[samples[order]]) & (last[samples[order]] >= SHORTEST - 1)
    return is_tail


def column_faults(table: pd.DataFrame, spec: DataSpec, *, labelled: bool = True) -> list[str]:
    """Columns that are missing, or hold what is no cell; the table may have no rows."""
    found = [str(column) for column in table.columns]
    needed = {
        "sample_column": spec.sample_column,
        "time_column": spec.time_column,
        **({"label_column": spec.label_column} if labelled else {}),
        **({} if spec.group_column is None else {"group_column": spec.group_column}),
    }
    faults = []
    if len(set(needed.values())) < len(needed) or SPLIT_COLUMN in needed.values():
        faults.append(f"the names of the columns must differ from each other and from 'split', got {needed}")
    missing = {field: column for field, column in needed.items() if column not in found}
    if missing:
        are = [f"column {column!r} (`{field}`) is missing" for field, column in missing.items()]
        close = "".join(suggestion(column, found) for column in missing.values())
        # What was named by hand is misspelt; of the others nobody said what they are called.
        nameless = [field for field, column in missing.items() if column == DataSpec.model_fields[field].default]
        one_hot = _one_hot(table, spec) if "label_column" in missing else ""
        named = _how_to_name(nameless, table, needed.values()) if nameless else ""
        faults.append(f"{'; '.join(are)}; the table has {few(found)}.{close}{named}{one_hot}")
    if faults and len(found) == 1 and not found[0].isalnum():
        faults.append("the columns seem to be separated by something else than commas, semicolons, tabs or |")
    own = own_columns(spec)
    faults += [
        f"column {column!r} holds lists or tables; one number or text in each row is needed"
        for column in found
        if column in own and not _is_plain(table[column]) and any(map(_is_nested, table[column]))
    ]
    if not [c for c in found if c not in own]:
        others = "the sample, the time, the label, the split and the group" if spec.group_column else _OTHERS
        faults.append(f"there is no feature column beside those of {others}")
    return faults


def _how_to_name(nameless: list[str], table: pd.DataFrame, needed: Iterable[str]) -> str:
    rest = [str(name) for name in table.columns if name not in needed]
    return how_to_name(nameless, rest, first_cells(table))


def _one_hot(table: pd.DataFrame, spec: DataSpec) -> str:
    """What to do where the label is divided into a column of 0 and 1 for each class; nothing where it is not."""
    rest = [column for column in table.columns if column not in own_columns(spec)]
    flags = [
        column
        for column in rest
        if pd.api.types.is_numeric_dtype(table[column]) and table[column].isin([0, 1]).all() and table[column].any()
    ]
    if len(flags) < 2 or not len(table) or not (table[flags].astype(float).sum(axis=1) == 1).all():
        return ""
    return (
        f" Columns {few(flags)} seem to be the label, a column for each class. Make one of them: "
        f"table[{spec.label_column!r}] = table[{flags!r}].idxmax(axis=1)"
    )


def _is_plain(cells: "pd.Series[Any]") -> bool:
    """Numbers or dates: nothing to look into, row by row, which takes longer than all else on millions of rows."""
    return pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells)


def nested_fault(column: str) -> str:
    """What is said of a column that would be a channel, but holds no cells."""
    ignore = "" if "," in column or not column.isprintable() else f" (`--ignore-columns {shlex.quote(column)}`)"
    return f"column {column!r} holds lists or tables; one number or text in each row is needed{ignore}"


def _is_nested(cell: object) -> bool:
    return isinstance(cell, (np.ndarray, list, tuple, dict, set))


def _rows(mask: NDArray[np.bool_], row_name: Callable[[int], str]) -> str:
    """`line 3, line 9 and 12 more`."""
    places = np.flatnonzero(mask)
    named = ", ".join(row_name(int(i)) for i in places[:_MAX_ROWS])
    return named + (f" and {len(places) - _MAX_ROWS:,} more" if len(places) > _MAX_ROWS else "")


def _numbers(
    table: pd.DataFrame, samples: NDArray[np.int64], row_name: Callable[[int], str], *, fill: bool
) -> tuple[NDArray[np.float64], list[str]]:
    """Features float64 (rows, C), with the faults of every column; what is missing is NaN where it will be filled."""
    values = np.zeros(table.shape, np.float64)
    faults = []
    for index, column in enumerate(table.columns):
        cells = table[column]
        types = pd.api.types
        if not (types.is_numeric_dtype(cells) or types.is_string_dtype(cells) or types.is_object_dtype(cells)):
            faults.append(f"feature {column!r} has type {cells.dtype}; numbers are needed")
            continue
        values[:, index] = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        empty = cells.isna().to_numpy()
        text = np.isnan(values[:, index]) & ~empty
        if text.any() and any(map(_is_nested, cells[text])):
            faults.append(nested_fault(str(column)))
            continue
        if text.any():
            example = cells.iloc[int(text.argmax())]
            faults.append(
                f"feature {column!r} is not a number at {_rows(text, row_name)}: {str(example)[:40]!r}"
                + (f" (`--group-column {column}`, if it says whose series it is)" * _may_group(cells, samples))
                + (f" (`--ignore-columns {shlex.quote(str(column))}`, if it is no channel)" * bool(text.all()))
            )
        if empty.any() and not fill:
            faults.append(f"feature {column!r} is missing at {_rows(empty, row_name)} ({FILL_THEM})")
        if (infinite := np.isinf(values[:, index])).any():
            faults.append(f"feature {column!r} is infinite at {_rows(infinite, row_name)}")
    return values, faults


def _may_group(cells: "pd.Series[Any]", samples: NDArray[np.int64]) -> bool:
    """Is it the same within each series, and for several of them?"""
    codes, values = pd.factorize(cells, use_na_sentinel=False)
    _, first = np.unique(samples, return_index=True)
    return bool((codes == codes[first][samples]).all()) and 1 < len(values) < len(first)


def _times(cells: "pd.Series[Any]", row_name: Callable[[int], str]) -> tuple[NDArray[Any], list[str]]:
    """Something that sorts: numbers, else dates as int64."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        bad = cells.isna().to_numpy()
        times = cells.to_numpy()
    else:
        numbers = pd.to_numeric(cells, errors="coerce")
        if numbers.dtype.kind in "iu" and not numbers.isna().any():
            return numbers.to_numpy(), []  # as float64, large ones that differ would be the same
        times = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~np.isfinite(times)
        if bad.all():
            dates = dates_of(cells)
            bad, times = dates.isna().to_numpy(), dates.to_numpy()
    if not bad.any():
        return times, []
    example = str(cells.iloc[int(bad.argmax())])[:40]
    return times, [
        f"column {cells.name!r} is neither a number nor a date (ISO 8601) at {_rows(bad, row_name)}: {example!r}"
        f"{_as_iso(str(cells.name), example)}"
    ]


def _as_iso(column: str, example: str) -> str:
    """How pandas writes such times as ISO 8601; nothing for what looks like no time."""
    name = repr(column)
    if re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*", example):
        return f" (is the day first? table[{name}] = pandas.to_datetime(table[{name}], dayfirst=True), or False)"
    if re.fullmatch(r"\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?", example):
        return (
            f" (minutes or hours? past midnight? Say seconds: table[{name}] = "
            f"pandas.to_timedelta(table[{name}]).dt.total_seconds())"
        )
    if re.search(r"\d{1,2}:\d{2}.*\b[AaPp]\.?[Mm]", example) or re.match(r"\d{4}[-/]", example):
        return f" (dates of other forms: table[{name}] = pandas.to_datetime(table[{name}]))"
    if re.fullmatch(r"[A-Za-z_]+\d+", example):
        return f" (numbers behind letters: table[{name}] = table[{name}].str.extract(r'(\\d+)').astype(int))"
    return ""


def _empty_faults(cells: "pd.Series[Any]", row_name: Callable[[int], str]) -> list[str]:
    empty = cells.isna().to_numpy()
    if not _is_plain(cells):
        empty = empty | (cells.astype("str").str.strip() == "").to_numpy(dtype=bool)
    return [f"column {cells.name!r} is empty at {_rows(empty, row_name)}"] if empty.any() else []


def _duplicate_faults(
    samples: NDArray[np.int64],
    times: NDArray[Any],
    table: pd.DataFrame,
    spec: DataSpec,
    row_name: Callable[[int], str],
) -> list[str]:
    twice = pd.DataFrame({"sample": samples, "time": times}).duplicated().to_numpy()
    twice = twice & ~pd.isna(times)  # what could not be read is not the same
    if not twice.any():
        return []
    first = table.iloc[int(twice.argmax())]
    apart = _telling_apart(samples, times, table, spec)
    hint = "" if apart is None else f" (`--sample-column {spec.sample_column},{apart}` tells them apart)"
    return [
        f"a series has two rows for the same time at {_rows(twice, row_name)}: {spec.sample_column} "
        f"{str(first[spec.sample_column])!r}, {spec.time_column} {str(first[spec.time_column])!r}{hint}"
    ]


def _telling_apart(samples: NDArray[np.int64], times: NDArray[Any], table: pd.DataFrame, spec: DataSpec) -> str | None:
    """The column with the fewest values which, with the sample, has no two rows for one time: a trial of a subject."""
    found: list[tuple[int, str]] = []
    for column in table.columns:
        if column in own_columns(spec) and column not in named_groups(spec):
            continue
        codes, values = pd.factorize(table[column], use_na_sentinel=False)
        rows = pd.DataFrame({"sample": samples, "column": codes, "time": times})
        if len(values) < len(rows) / 3 and not rows.duplicated().any():
            found.append((len(values), column))
    return min(found)[1] if found else None


def _constant(
    cells: "pd.Series[Any]",
    samples: NDArray[np.int64],
    names: "pd.Series[Any]",
    row_name: Callable[[int], str],
    faults: list[str],
) -> NDArray[Any]:
    """The value of each series, in the order of the series' codes; a fault where it changes within one."""
    codes, values = pd.factorize(cells, use_na_sentinel=False)
    _, first = np.unique(samples, return_index=True)
    changed = codes != codes[first][samples]
    if changed.any():
        row = int(changed.argmax())
        faults.append(
            f"column {cells.name!r} changes within a series at {_rows(changed, row_name)}: series "
            f"{str(names.iloc[row])!r} has {str(cells.iloc[first[samples[row]]])!r} and {str(cells.iloc[row])!r}"
        )
    return np.asarray(np.asarray(values)[codes[first]])


def _test_mask(
    table: pd.DataFrame,
    samples: NDArray[np.int64],
    row_name: Callable[[int], str],
    names: "pd.Series[Any]",
    faults: list[str],
) -> NDArray[np.bool_] | None:
    """(N,) True for test, or None without a `split` column."""
    if SPLIT_COLUMN not in table.columns:
        return None
    words = table[SPLIT_COLUMN].astype("str").str.strip().str.lower()
    unknown = ~words.isin(["train", "test"]).to_numpy()
    if unknown.any():
        example = str(table[SPLIT_COLUMN].iloc[int(unknown.argmax())])[:40]
        faults.append(f"column 'split' must be train or test, at {_rows(unknown, row_name)} it is {example!r}")
    return np.asarray(_constant(words, samples, names, row_name, faults) == "test", dtype=bool)


def _since(times: NDArray[Any], samples: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """(T_i,) of each series, sorted, from its begin; exact for large numbers as well."""
    numbers = times if times.dtype.kind in "iuf" else pd.DatetimeIndex(times).as_unit("ns").asi8 / 1e9
    order = np.lexsort((numbers, samples))
    parts = np.split(numbers[order], np.cumsum(np.bincount(samples))[:-1])
    return [(one - one[0]).astype(np.float64) for one in parts]


def _series(
    features: NDArray[np.float64], samples: NDArray[np.int64], times: NDArray[Any]
) -> list[NDArray[np.float64]]:
    """(T_i, C) of each series, sorted by time."""
    by_series = np.lexsort((times, samples))
    ends = np.cumsum(np.bincount(samples))[:-1]
    return np.split(features[by_series], ends)
