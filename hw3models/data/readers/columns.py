"""Which columns of a long table are channels: those that tell something of the steps of a series.

A column that is the same within every series, that numbers rows or steps, or that is empty, is none unless it is asked
for (docs/decisions/0027). Large tables are watched piece by piece, others as one piece.

S series, n rows
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults, suggestion
from hw3models.errors import DataError
from hw3models.printable import few

MIN_STEPS = 10
"""Pairs of neighbouring rows within series, from which on it says something that a column never changes there."""
MIN_ROWS = 30
MIN_SERIES = 5
"""Rows and series from which on it says something that a column counts."""
_NO_NAME = re.compile(
    r"(unnamed: \d+(\.\d+)*|(__)?(index|level)(_level)?(_\d+)?(__)?|row_?(names?|id|num|number|nr)?|#)?", re.I
)
"""What pandas, R and others call an index that they wrote into the table."""
OURS = "\ue000"
"""How names of columns begin that a reader has put there itself."""
_MOST = 12
"""Columns named in one sentence."""


class Piece(NamedTuple):
    """Whole series of a table."""

    table: pd.DataFrame
    samples: NDArray[np.int64]
    """(n,) which series a row is of."""
    times: NDArray[Any] | None
    """(n,) numbers that sort; None where there are none."""
    labels: "pd.Series[Any] | None"


@dataclass
class _Watched:
    """What may still be said of a column, after all that was seen of it."""

    is_empty: bool = True
    is_still: bool = True
    """The same within every series so far."""
    is_ramp: bool = True
    """Grows by the same from step to step, or with the time, in every series."""
    is_rising: bool = True
    """Grows from row to row through the whole file."""
    is_whole: bool = True
    slope: float | None = None
    last: float = -np.inf
    low: float = np.inf
    high: float = -np.inf
    total: int = 0
    squares: int = 0
    values: set[Any] = field(default_factory=set)
    """Values of the series, where it is still."""
    label_of: dict[Any, set[Any]] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.is_empty or self.is_still or self.is_ramp or self.is_rising


class Columns:
    """What a table says of its columns, asked piece by piece."""

    def __init__(self, names: Iterable[str]) -> None:
        self.watched = {name: _Watched() for name in names}
        self.rows = 0
        self.series = 0

    @property
    def open(self) -> list[str]:
        """Columns of which something may still come out; a piece needs no others."""
        return [name for name, one in self.watched.items() if one.is_open]

    def look(self, piece: Piece) -> None:
        """Take in some more whole series."""
        order = np.lexsort((piece.samples,) if piece.times is None else (piece.times, piece.samples))
        inside = np.diff(piece.samples[order]) == 0
        _, first = np.unique(piece.samples, return_index=True)
        for name in self.open:
            if name in piece.table.columns:
                _look_at(self.watched[name], piece, name, order, inside, first)
        self.rows += len(piece.samples)
        self.series += len(first)

    def left_out(self) -> dict[str, str]:
        """Columns that are no channels, each with its reason."""
        reasons = {name: self._reason(name, one) for name, one in self.watched.items() if self.rows}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def _reason(self, name: str, one: _Watched) -> str | None:
        counts = self.rows >= MIN_ROWS and self.series >= MIN_SERIES
        if one.is_empty:
            return "holds nothing"
        if one.is_still and self.rows - self.series >= MIN_STEPS:
            return self._still(name, one)
        numbers_rows = one.is_whole and one.high - one.low + 1 == self.rows and _is_range(one, self.rows)
        is_one = self.series == 1 and self.rows >= MIN_ROWS and one.is_rising  # a recording, to be cut into windows
        if numbers_rows and (counts or is_one):
            return "numbers the rows"
        if one.is_whole and _NO_NAME.fullmatch(name):
            return "is an index by its name"
        if counts and one.is_rising:
            return "grows from row to row through all series, as a counter or a clock does"
        if counts and one.is_ramp and self.rows >= 3 * self.series:
            return "counts the steps, as the time does"
        return None

    def _still(self, name: str, one: _Watched) -> str:
        num = len(one.values)
        if num == 1:
            return "is the same everywhere"
        whose = f"; `--group-column {name}`, if it says whose they are" if num > 2 else ""
        labels = set[Any]().union(*one.label_of.values())
        if labels and num <= self.series / 2 and all(len(of_value) == 1 for of_value in one.label_of.values()):
            return f"gives the label away, as each of its {num:,} values has one{whose if num > len(labels) else ''}"
        if num < self.series:
            return f"is the same within each series, {num:,} values in {self.series:,} series{whose}"
        return "names the series: the same within each and another in every one"


def left_out_of(
    table: pd.DataFrame, names: Iterable[str], samples: NDArray[np.int64], labels: "pd.Series[Any] | None"
) -> dict[str, str]:
    """Columns `names` of a whole table that are no channels, each with its reason.

    Args:
        table: a row for each time step, in their order.
        names: what may be channels.
        samples: (n,) which recording a row is of.
        labels: of rows; they say nothing of a column where they change within a recording.
    """
    if labels is not None and labels.groupby(samples).nunique().max() > 1:
        labels = None
    columns = Columns(names)
    if len(table):
        columns.look(Piece(table, samples, None, labels))
    return columns.left_out()


def chosen_names(
    found: list[str], features: tuple[str, ...], ignored: tuple[str, ...], own: tuple[str, ...], where: str
) -> list[str]:
    """`wanted_columns`, where there is nothing else to say of the faults.

    Raises:
        DataError: a column that was named is not there, or none is left; the message begins with `where`.
    """
    names, faults = wanted_columns(found, features, ignored, own)
    raise_faults(where, faults)
    if not names:
        raise DataError(f"{where}: no channel is left. All columns are ignored.")
    return names


def _look_at(
    one: _Watched, piece: Piece, name: str, order: NDArray[np.intp], inside: NDArray[np.bool_], first: NDArray[np.intp]
) -> None:
    cells = piece.table[name]
    try:
        codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    except TypeError:  # lists: a fault of which others speak
        one.is_empty = one.is_still = one.is_ramp = one.is_rising = False
        return
    one.is_empty = one.is_empty and bool(cells.isna().all())
    if one.is_still:
        one.is_still = bool((codes == codes[first][piece.samples]).all())
        of_series = np.asarray(distinct, dtype=object)[codes[first]].tolist()
        one.values.update(of_series)
        if piece.labels is not None:
            for value, label in zip(of_series, piece.labels.iloc[first].tolist(), strict=True):
                one.label_of.setdefault(value, set()).add(label)
    if not (one.is_ramp or one.is_rising):
        return
    if not pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells) or cells.isna().any():
        one.is_ramp = one.is_rising = one.is_whole = False
        return
    _count(one, cells.to_numpy(), piece.times, order, inside)


def _count(
    one: _Watched, values: NDArray[Any], times: NDArray[Any] | None, order: NDArray[np.intp], inside: NDArray[np.bool_]
) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = values.astype(np.float64)
        one.is_rising = one.is_rising and bool((np.diff(numbers, prepend=one.last) > 0).all())
        one.is_whole = one.is_whole and bool((np.isfinite(numbers) & (numbers == np.floor(numbers))).all())
    one.last = float(numbers[-1])
    one.low, one.high = min(one.low, float(numbers.min())), max(one.high, float(numbers.max()))
    if one.is_whole and one.high - one.low < 2**40 and max(-one.low, one.high) < 2**62:
        whole = numbers.astype(np.int64).astype(object)  # Python's numbers have no end
        one.total += int(whole.sum())
        one.squares += int(np.dot(whole, whole))
    if one.is_ramp:
        steps = np.diff(numbers[order])[inside]
        one.is_ramp = _same_slope(one, steps, numbers) or (
            times is not None and _same_slope(one, _per_time(steps, times[order], inside), numbers)
        )


def _per_time(steps: NDArray[np.float64], times: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(steps / np.diff(times)[inside].astype(np.float64))


def _same_slope(one: _Watched, steps: NDArray[np.float64], numbers: NDArray[np.float64]) -> bool:
    """Do all grow by the same, and by that of the pieces before?"""
    if not len(steps):
        return True
    slope = float(steps[0]) if one.slope is None else one.slope
    near = 1e-6 * abs(slope) + 4 * np.finfo(float).eps * float(np.abs(numbers).max())
    if slope == 0 or not np.isfinite(steps).all() or not (np.abs(steps - slope) <= near).all():
        return False
    one.slope = slope
    return True


def _is_range(one: _Watched, num: int) -> bool:
    """Is every whole number from `low` to `high` there once? By their sum and the sum of their squares."""
    low, high = int(one.low), int(one.high)
    squares = (high * (high + 1) * (2 * high + 1) - (low - 1) * low * (2 * low - 1)) // 6
    return one.total == (low + high) * num // 2 and one.squares == squares


def told(left: dict[str, str]) -> str:
    """One note about them, with what decides otherwise."""
    shown = [f"{name!r} {reason}" for name, reason in list(left.items())[:_MOST]]
    more = f"; and {len(left) - _MOST:,} more" if len(left) > _MOST else ""
    some = shlex.quote(",".join(name for name in left if name.strip() and "," not in name))
    return (
        f"Not taken as channels: {'; '.join(shown)}{more}. `--feature-columns a,b,c` names all that are taken instead"
        + (f"; `--ignore-columns {some}` says that leaving them out is meant." if some != "''" else ".")
    )


def wanted_columns(
    found: list[str], features: tuple[str, ...], ignored: tuple[str, ...], own: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """The columns that may be channels; and the faults of those that were named."""
    theirs = [column for column in found if not column.startswith(OURS)]
    named = {"feature_columns": features, "ignore_columns": ignored}
    faults = [
        f"column {column!r} (`{option}`) is missing; the table has {few(theirs)}.{suggestion(column, theirs)}"
        for option, columns in named.items()
        for column in columns
        if column not in found
    ]
    faults += [f"column {column!r} is named by two options" for column in features if column in (*own, *ignored)]
    if features:
        return list(features), faults
    return [column for column in found if column not in own and column not in ignored], faults
