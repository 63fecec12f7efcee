"""`hw3 calibrate`: how often whole comparisons are right where the truth is known, as a page."""

import math
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from pydantic import TypeAdapter

from flows.terminal import remark
from hw3models.runtime.code_version import code_version
from hw3models.runtime.environment import describe_environment
from hw3models.runtime.files import check_writable, write_atomically
from hw3models.runtime.sums import with_sum, without_sum
from hw3models.simulation.cells import Cell, cells, quick_cells
from hw3models.simulation.comparisons import AGAIN, REQUIREMENTS, Figure, Requirement, run
from hw3models.simulation.trained import calibrate_trained
from hw3models.specs import Environment
from tasks.settings import Settings

HEAD = """# Calibration

How often is a verdict wrong? Whole comparisons, judged by the code that judges real ones, of predictions whose truth is
known. They come of another model than the one that the intervals rest on (`hw3models/simulation/worlds.py`): on the
scale of logits, with the difficulty of examples (standard deviation 3), what is hard for one family alone (1.5), the
luck of seeds (0.3 where nothing else is said; *steady* 0.1, *lively* 1.5) and the rest (1). Families are equal where
their true values are, found by quadrature. Brackets are 95% Monte Carlo intervals.

## What must hold

| what | where | must be | cells | worst cell | measured there | holds |
|---|---|---|---|---|---|---|
"""
NOTES = """
*False alarms*: studies in which one or more pairs of truly equal families are separated. *Coverage*: 95% intervals
that hold the truth; of two families the one with the lower coverage. *Wrongly equivalent*: studies that call a pair
equivalent whose true difference is the margin or more. *Points behind the best mean*: how much worse the family is that
one is told to take than the one with the best mean, on average, in points; the worse families are cheaper. *Power
lost*: against the plain t-test of version 0.1 (`hw3models/simulation/reference.py`), on differences that it finds in
four of five cases. *Power of looks*: found with looks at {looks} seeds, for each found with 50 at once.

A cell that seemed to pass a limit was done again with {again} times the repeats and other draws: those figures stand
here, so that the worst of many cells is not only the unluckiest. "Within error" means that the figure passes the limit,
and its interval does not.
"""
TRAINED = """## Networks that were really trained

The same family against itself, with other seeds, on synthetic data drawn anew each time
(`hw3models/simulation/trained.py`); intervals are 95% over the data sets.

| family | data | S | data sets x pairs | false alarms, % |
|---|---|---|---|---|
"""
_FIGURES = TypeAdapter(list[Figure])
COLUMNS = ("false alarms", "coverage of scores", "coverage of differences", "wrongly equivalent")
"""Figures of most cells; all others have one or two of their own."""


def write_calibration(
    output: Path, *, repeats: int, trained: int, quick: bool = False, minutes: float = math.inf
) -> Path:
    """Simulate all cells (or a few, `quick`), telling each as it is done, and write `output`.

    `trained` is the number of data sets that networks are really trained on; with 0 that part stays as it is. Cells are
    kept in `build`, and not done again by the same code: so a run that was stopped, or had only so many `minutes`, goes
    on.
    """
    check_writable(output)
    start = time.monotonic()
    environment = describe_environment()
    planned = quick_cells() if quick else list(cells())
    found = _simulate(planned, repeats, Settings().home / "build" / "calibration", start + 60 * minutes)
    command = f"hw3 calibrate --repeats {repeats}{' --quick' if quick else ''}"
    done = f"{len({one.cell for one in found}):,} of {len(planned):,} cells"
    took = f"{done}, the last of them in {time.monotonic() - start:.0f} s with two processes"
    conditions = f"`{command}`: {took}, on {environment.hardware}, code {environment.code}."
    networks = _trained(trained, environment) if trained else _kept(output)
    write_atomically(output, f"{page(found)}\n{conditions}\n{networks}".encode())
    return output


def _simulate(planned: Sequence[Cell], repeats: int, folder: Path, until: float) -> list[Figure]:
    """Figures of all cells in order: kept ones of the same code, and new ones, which are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{repeats}-{code_version('simulate')}.jsonl"
    lines = kept.read_text(encoding="utf-8", errors="replace").splitlines() if kept.exists() else []
    # One that was cut off or edited is done again.
    before = [one for line in lines for one in _FIGURES.validate_json(without_sum(line) or "[]")]
    known = {one.cell for one in before}
    found = before
    with kept.open("a", encoding="utf-8") as file:
        file.write("\n" * bool(lines))  # the last one may be half a line
        for figures in run([one for one in planned if one.title not in known], repeats=repeats, until=until):
            found += figures
            for one in figures:
                remark(f"{one.cell}: {one.what} {_rate(one)} of {one.repeats:,}")
            file.write(f"{with_sum(_FIGURES.dump_json(figures).decode())}\n")
            file.flush()
    return [one for cell in planned for one in found if one.cell == cell.title]


def page(found: Sequence[Figure]) -> str:
    """All that simulations say: what must hold first, the worst cells by name, then every cell."""
    rows = "".join(_line(one, found) for one in REQUIREMENTS)
    looks = "5, 10, 20, 40 and 50"
    return f"{HEAD}{rows}{NOTES.format(looks=looks, again=AGAIN)}{_misses(found)}{_exceptions(found)}{_all(found)}"


def _line(required: Requirement, found: Sequence[Figure]) -> str:
    concerned = [one for one in found if required.concerns(one)]
    if not concerned:
        return ""
    worst = max(concerned, key=required.excess)
    beyond = sum(required.is_beyond(one) for one in concerned)
    holds = f"**no** ({beyond} cells)" if beyond else "yes" if required.excess(worst) <= 0 else "within error"
    cells = [required.what, required.where, _limits(required), f"{len(concerned)}", worst.cell, _rate(worst), holds]
    return f"| {' | '.join(cells)} |\n"


def _limits(required: Requirement) -> str:
    scale, unit = (1, "") if required.what == "points behind the best mean" else (100, "%")
    low, high = (f"{scale * limit:g}{unit}" for limit in (required.at_least, required.at_most))
    if required.at_least < 0:
        return f"at most {high}"
    return f"at least {low}" if required.at_most > 1 else f"{low} to {high}"


def _misses(found: Sequence[Figure]) -> str:
    """Every cell that passes a limit with its whole interval."""
    lines = [
        f"- {required.what} ({_limits(required)}): {one.cell}: {_rate(one)}\n"
        for required in REQUIREMENTS
        for one in found
        if required.concerns(one) and required.is_beyond(one)
    ]
    return f"\n### Where it does not hold\n\n{''.join(lines)}" if lines else ""


def _exceptions(found: Sequence[Figure]) -> str:
    """Cells that promises leave out, with the reason, and the worst figure of each reason."""
    lines = []
    for reason in dict.fromkeys(one.exception for one in found if one.exception):
        for what, wanted in (("false alarms", max), ("coverage of scores", min), ("coverage of differences", min)):
            concerned = [one for one in found if one.exception == reason and one.what == what]
            if concerned:
                worst = wanted(concerned, key=lambda one: one.rate.share)
                lines.append(f"| {reason} | {what} | {worst.cell} | {_rate(worst)} |\n")
    if not lines:
        return ""
    return (
        "\n### Exceptions\n\nNear the ceiling (98% right and more) and in rare classes (fewer than ten test examples) "
        "false alarms may be rarer than 3%: few examples tell anything, and the floors under their variance are wide. "
        "So with medians over seeds, whose limits step from one seed to the next, with AUROC of 20 groups, and where "
        "only some of the families are equal: the level is shared by all pairs.\n\n"
        f"| why | what | worst cell | measured there |\n|---|---|---|---|\n{''.join(lines)}"
    )


def _all(found: Sequence[Figure]) -> str:
    head = f"| cell | repeats | {' | '.join(COLUMNS)} | other |\n|---|---|---|---|---|---|---|\n"
    rows = []
    for cell, group in groupby(found, key=lambda one: one.cell):
        figures = list(group)
        by_what = {one.what: one for one in figures}
        columns = [_rate(by_what[what]) if what in by_what else "" for what in COLUMNS]
        other = "; ".join(f"{one.what} {_rate(one)}" for one in figures if one.what not in COLUMNS)
        rows.append(f"| {cell} | {figures[0].repeats:,} | {' | '.join(columns)} | {other} |\n")
    return f"\n<details markdown><summary>All {len(rows)} cells, in %</summary>\n\n{head}{''.join(rows)}\n</details>\n"


def _trained(datasets: int, environment: Environment) -> str:
    start, lines = time.monotonic(), [f"\n{TRAINED}"]
    for one in calibrate_trained(datasets=datasets):
        alarms = f"{100 * one.false_alarms:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        lines.append(f"| {one.family} | {one.source} | {one.seeds} | {one.datasets:,} x {one.pairs} | {alarms} |\n")
        remark(lines[-1].strip())
    took = f"{time.monotonic() - start:.0f} s on {environment.hardware}, code {environment.code}"
    return f"{''.join(lines)}\n`hw3 calibrate --trained {datasets}`: {took}.\n"


def _kept(page: Path) -> str:
    """What the page already says about trained networks, with its own conditions."""
    heading = TRAINED.partition("\n")[0]
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    _, found, rest = before.partition(heading)
    return f"\n{found}{rest}" if found else ""


def default_output(*, quick: bool = False) -> Path:
    """The page in the documentation of a checkout; what was made in a hurry is not for it."""
    return Settings().home / ("build" if quick else "docs") / "calibration.md"


def _rate(one: Figure) -> str:
    scale = 1 if one.what == "points behind the best mean" else 100
    digits = 2 if scale == 1 else 1
    share, low, high = (f"{scale * value:.{digits}f}" for value in (one.rate.share, one.rate.low, one.rate.high))
    return f"{share} [{low}, {high}]"
