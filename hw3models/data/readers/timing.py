"""When rows were recorded: the step between them, holes, and how series come to a grid.

N series, T time steps, C channels
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    from hw3models.data.readers.gathered import Gathered

Floats = NDArray[np.float64]
HOLE = 3.0
"""So many times the usual step, and more, is a hole: something is missing there."""
JUMP = 20.0
"""So many times the usual step, and more, within a series is likely the begin of another recording."""
UNEVEN_TIMES = "The time step is mostly "
_UNEVEN = 0.2
"""Share of the usual step by which steps may differ before they are worth a word."""
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_STEPS = 10_000_000


class Step(NamedTuple):
    """The step of a grid."""

    size: float
    in_seconds: bool
    """Else in the unit of the time column."""
    text: str


def parse_step(text: str) -> Step:
    """`20ms`, `0.5 s`, `5min`, or a number without a unit.

    Raises:
        SpecError: it is none of these.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([a-zµ]*)\s*", text)
    unit = match[2] if match else ""
    size = float(match[1]) if match else 0.0
    if size <= 0 or not np.isfinite(size) or (unit and unit not in _UNITS):
        raise SpecError(
            f"`resample` is {text!r}; a time step such as 20ms, 1s or 5min is needed (units: {', '.join(_UNITS)}), or "
            "a number in the time column's own unit."
        )
    return Step(size * _UNITS.get(unit, 1.0), bool(unit), text.strip())


def usual_step(times: Sequence[Floats]) -> float | None:
    """The median step between rows of all series; None where there are no two rows."""
    steps = [np.diff(one) for one in times if len(one) > 1]
    return float(np.median(np.concatenate(steps))) if steps else None


def holes(times: Floats, usual: float) -> NDArray[np.int64]:
    """Rows after which something is missing."""
    return np.flatnonzero(np.diff(times) > HOLE * usual)


def timing_note(times: Sequence[Floats] | None, *, in_seconds: bool) -> str | None:
    """The step between rows, whether it is even, and holes, in a sentence; None where there are no times."""
    if times is None or (usual := usual_step(times)) is None or usual <= 0:
        return None
    steps = np.concatenate([np.diff(one) for one in times if len(one) > 1])
    num_holes = [len(holes(one, usual)) for one in times]
    shown = duration(usual) if in_seconds else f"{usual:g} in the time column's unit"
    uneven = float((np.abs(steps - usual) > _UNEVEN * usual).mean())
    if uneven <= 0.01 and not any(num_holes):
        return f"The time step is {shown}."
    said = [f"{UNEVEN_TIMES}{shown}"]
    if uneven > 0.01:
        said.append(f"{100 * uneven:.0f}% of the steps differ from it by more than {100 * _UNEVEN:.0f}%")
    if any(num_holes):
        series = sum(num > 0 for num in num_holes)
        said.append(f"there are {sum(num_holes):,} holes (of {HOLE:g} steps and more) in {series:,} series")
    return f"{'; '.join(said)}: rows are taken one after another; {_grid(usual, in_seconds)}."


def _grid(usual: float, in_seconds: bool) -> str:
    step = duration(usual).replace(" ", "") if in_seconds else f"{usual:g}"
    return f"`--resample {step}` brings them to a grid"


def jump_note(times: Sequence[Floats] | None, *, in_seconds: bool) -> str | None:
    """A warning of long pauses within series, as where trials whose numbers begin anew have become one series."""
    if times is None or (usual := usual_step(times)) is None or usual <= 0:
        return None
    num_jumps = [int((np.diff(one) > JUMP * usual).sum()) for one in times]
    if not any(num_jumps):
        return None
    longest = max(float(np.diff(one).max()) for one in times if len(one) > 1)
    shown = duration(longest) if in_seconds else f"{longest:g}"
    return (
        f"Time jumps within {sum(num > 0 for num in num_jumps):,} of {len(times):,} series, {sum(num_jumps):,} times, "
        f"by up to {shown} ({longest / usual:,.0f} usual steps). Are they several recordings under one name? "
        "`--sample-column NAME,OTHER` names a series by several columns together; if they are pauses, "
        f"{_grid(usual, in_seconds)}, and `--window` cuts none across a pause."
    )


def duration(seconds: float) -> str:
    """`20 ms`, `1 min`, `1.5 h`."""
    for unit in ("d", "h", "min", "s", "ms", "us"):
        if seconds >= _UNITS[unit] * 0.9999:
            return f"{round(seconds / _UNITS[unit], 4):g} {unit}"
    return f"{seconds / _UNITS['ns']:g} ns"


def on_grid(found: "Gathered", spec: DataSpec) -> "Gathered":
    """Series at even times, where `--resample` asks for it.

    Between two rows values are linear, unless there is a hole, where they are missing. Where the grid is at least twice
    as wide as the usual step, its values are means over a step. A row's label is that of the nearest row.

    Raises:
        SpecError: the step is no time, or its unit is not that of the times.
        DataError: there are no times, or the grid would be too long.
    """
    if spec.resample is None:
        return found
    step = parse_step(spec.resample)
    usual = None if found.times is None else usual_step(found.times)
    if found.times is None or usual is None or usual <= 0:
        raise DataError(
            f"{found.where}: `--resample {step.text}` needs the time of each row, but none was found. Name its column "
            "(`--time-column`), or leave `--resample` out."
        )
    check_unit(step, usual, in_seconds=found.in_seconds)
    series, times, labels = list[Floats](), list[Floats](), list[NDArray[Any]]()
    for number, (one, at) in enumerate(zip(found.series, found.times, strict=True)):
        if (at[-1] - at[0]) / step.size > _MOST_STEPS:
            raise DataError(
                f"{found.where}: series {found.ids[number]!r} would have {(at[-1] - at[0]) / step.size:,.0f} steps of "
                f"{step.text}. Give a larger step, or say where the time is wrong: it spans {at[-1] - at[0]:,.6g}."
            )
        grid = at[0] + step.size * np.arange(int(np.floor((at[-1] - at[0]) / step.size + 1e-6)) + 1)
        own = usual_step([at]) if found.even else None
        series.append(grid_values(one, at, grid, step.size, own or usual))
        times.append(grid)
        if found.row_labels is not None:
            middle = (at[1:] + at[:-1]) / 2
            labels.append(found.row_labels[number][np.searchsorted(middle, grid, side="left")])
    before, after = sum(map(len, found.series)), sum(map(len, series))
    missing = sum(int(np.isnan(one).any(axis=1).sum()) for one in series)
    note = f"Resampled to steps of {step.text}: {before:,} rows became {after:,}"
    note += f", {missing:,} of them without a value (holes)." if missing else "."
    row_labels = None if found.row_labels is None else labels
    return replace(found, series=series, times=times, row_labels=row_labels, notes=(*found.notes, note))


def check_unit(step: Step, usual: float, *, in_seconds: bool) -> None:
    """May the times have a grid of this step?

    Raises:
        SpecError: its unit is not that of the times.
    """
    if in_seconds and not step.in_seconds:
        raise SpecError(f"`resample` is {step.text!r}: times are dates, so give a unit, such as {step.text}s.")
    if not in_seconds and step.in_seconds and not 0.1 <= step.size / usual <= 1000:
        raise SpecError(
            f"`resample` is {step.text!r}, but the times are numbers without a unit, {usual:g} apart: as seconds that "
            f"does not fit. Give the step as a number in the unit of the time column, such as {usual:g}."
        )


def grid_values(one: Floats, at: Floats, grid: Floats, size: float, usual: float) -> Floats:
    """Values (len(grid), C) at even times, of rows at their own."""
    values = np.empty((len(grid), one.shape[1]))
    for channel in range(one.shape[1]):
        there = ~np.isnan(one[:, channel])
        known, numbers = at[there], one[there, channel]
        if not len(known):
            values[:, channel] = np.nan
        elif size >= 2 * usual:
            values[:, channel] = _means(known, numbers, grid, size)
        else:
            # Where a value lies just on the grid it is taken, also at the edge of a hole.
            after = np.clip(np.searchsorted(known, grid - 1e-9 * size, side="left"), 0, len(known) - 1)
            before = np.clip(np.searchsorted(known, grid + 1e-9 * size, side="right") - 1, 0, len(known) - 1)
            in_hole = known[after] - known[before] > HOLE * max(usual, size)
            outside = (grid > known[-1] + size) | (grid < known[0] - size)
            values[:, channel] = np.where(in_hole | outside, np.nan, np.interp(grid, known, numbers))
    return values


def _means(known: Floats, numbers: Floats, grid: Floats, size: float) -> Floats:
    cell = np.clip(((known - grid[0]) / size + 1e-6).astype(np.int64), 0, len(grid) - 1)
    counts = np.bincount(cell, minlength=len(grid))
    sums = np.bincount(cell, weights=numbers, minlength=len(grid))
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
