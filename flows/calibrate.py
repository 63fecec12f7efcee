"""`hw3 calibrate`: the false-positive rate of the verdict, as a page with its figure."""

import time
from pathlib import Path

from flows.terminal import remark
from hw3models.runtime.environment import describe_environment
from hw3models.simulation.figure import calibration
from hw3models.simulation.simulated import EXAMPLES, SEEDS, Calibration, Rate, calibrate
from hw3models.simulation.trained import calibrate_trained
from tasks.settings import Settings

HEAD = """# Calibration

How often does a comparison find a difference where there is none, hold its intervals what they promise, and find what
its power advice says it would? Thousands of comparisons whose truth is known, simulated with crossed effects of seeds
and examples (`hw3models/simulation/simulated.py`), each judged by the code that judges real ones.

![False alarms, coverage and power of every design]({figure})

Whiskers are 95% Monte Carlo intervals; the grey bands are 3.5 to 6.5%, 93.5 to 96.5%, and 5 points.

| S | n | effects | false alarms, % | coverage, % | difference, points | found, % | promised, % |
|---|---|---|---|---|---|---|---|
"""
TRAINED = """
## Networks that were really trained

The same family against itself, with other seeds, on synthetic data drawn anew each time
(`hw3models/simulation/trained.py`); intervals are 95% over the data sets.

| family | data | S | data sets x pairs | false alarms, % |
|---|---|---|---|---|
"""


def write_calibration(
    output: Path, *, repeats: int, seeds: tuple[int, ...], examples: tuple[int, ...], trained: int
) -> Path:
    """Run all designs, telling each as it is done, and write `output` with its figure beside it.

    `trained` is the number of data sets that networks are really trained on; 0 leaves that part out.
    """
    start, found = time.monotonic(), []
    for one in calibrate(seeds, examples, repeats=repeats):
        found.append(one)
        remark(_row(one))
    figure = output.with_suffix(".png")
    output.parent.mkdir(parents=True, exist_ok=True)
    calibration(found).savefig(figure, dpi=140, facecolor="white")
    simulated = time.monotonic() - start
    tables = _trained(trained) if trained else ""
    environment = describe_environment()
    rows = "".join(f"{_row(one)}\n" for one in found)
    took = f"{repeats:,} repeats of each kind in {simulated:.0f} s, all of it in {time.monotonic() - start:.0f} s"
    designs = " ".join(
        [*(f"--seeds {one}" for one in seeds), *(f"--examples {one}" for one in examples)]
        if (seeds, examples) != (SEEDS, EXAMPLES)
        else []
    )
    command = f"hw3 calibrate --repeats {repeats} --trained {trained} {designs}".strip()
    conditions = f"`{command}`: {took} on {environment.hardware}, code {environment.code}."
    output.write_text(f"{HEAD.format(figure=figure.name)}{rows}{tables}\n{conditions}\n", encoding="utf-8")
    return output


def _trained(datasets: int) -> str:
    lines = [TRAINED]
    for one in calibrate_trained(datasets=datasets):
        alarms = f"{100 * one.false_alarms:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        lines.append(f"| {one.family} | {one.source} | {one.seeds} | {one.datasets:,} x {one.pairs} | {alarms} |\n")
        remark(lines[-1].strip())
    return "".join(lines)


def default_output() -> Path:
    """The page in the documentation of a checkout."""
    return Settings().home / "docs" / "calibration.md"


def _row(one: Calibration) -> str:
    cells = [f"{one.seeds}", f"{one.examples:,}", one.effects, _rate(one.false_alarms), _rate(one.coverage)]
    cells += [f"{one.difference:.2f}", _rate(one.power), f"{100 * one.promised:.1f}"]
    return f"| {' | '.join(cells)} |"


def _rate(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
