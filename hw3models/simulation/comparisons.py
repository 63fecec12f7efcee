"""How often whole comparisons are right: tables whose truth is known, judged as `hw3 compare` judges them."""

import math
import os
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.evaluation.comparison import LookPlan, compare
from hw3models.evaluation.metrics import METRICS, measure, predictions
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score_of
from hw3models.evaluation.sequential import settled
from hw3models.runtime.orphans import end_with
from hw3models.simulation.cells import Cell
from hw3models.simulation.rates import Rate, mean, rate, ratio
from hw3models.simulation.reference import plain_t
from hw3models.simulation.worlds import draw, with_value
from hw3models.specs import ComparisonReport, PairReport, Report
from hw3models.stats.intervals import Estimate, difference
from hw3models.stats.power import power_of, unbiased

What = Literal[
    "false alarms",
    "coverage of scores",
    "coverage of differences",
    "wrongly equivalent",
    "points behind the best mean",
    "power lost",
    "power promised too much",
    "power of looks",
    "size of looks",
]
LOOKS = (5, 10, 20, 40, 50)
_NEVER = 1e-9
"""A margin within which nothing is equivalent."""
_EQUAL = 1e-6
AGAIN = 4
"""How many times the repeats a cell is done again with that seemed to miss a limit."""
_PILOT = 60
_FOUND_MOSTLY = 2.8
"""Standard errors that a difference is found with in 80% of cases."""
_HARDEST = {1: 3.8, 15: 6.4}
"""Pairs -> standard errors of a margin at which "equivalent" is wrong most often: with more the difference is found."""


class Figure(Report):
    """What came of one cell."""

    cell: str
    what: What
    rate: Rate
    repeats: int
    seeds: int
    conservative: bool
    exception: str
    """Why the promise does not count here; nothing where it does."""


class Requirement(NamedTuple):
    """A line of what must hold, of the figures that it is about."""

    what: What
    where: str
    at_least: float
    at_most: float
    least_seeds: int = 1
    most_seeds: int = 1000

    def concerns(self, figure: Figure) -> bool:
        """Is the figure one that this is promised of?"""
        return figure.what == self.what and self.least_seeds <= figure.seeds <= self.most_seeds and not figure.exception

    def excess(self, figure: Figure) -> float:
        """Distance by which the figure passes the nearer limit; negative within."""
        lower = -np.inf if figure.conservative else self.at_least
        return max(figure.rate.share - self.at_most, lower - figure.rate.share)

    def is_beyond(self, figure: Figure) -> bool:
        """Does the figure pass a limit with its whole Monte Carlo interval?"""
        lower = -np.inf if figure.conservative else self.at_least
        return figure.rate.low > self.at_most or figure.rate.high < lower


_NO_LIMIT = float("inf")
REQUIREMENTS = (
    Requirement("false alarms", "S >= 5, n >= 100, 20 groups or more", 0.03, 0.065, least_seeds=5),
    Requirement("false alarms", "S = 3, the same", -_NO_LIMIT, 0.075, most_seeds=4),
    Requirement("coverage of scores", "every metric, S >= 5, n >= 100", 0.935, _NO_LIMIT, least_seeds=5),
    Requirement("coverage of differences", "the same", 0.935, _NO_LIMIT, least_seeds=5),
    Requirement("wrongly equivalent", "true difference at the margin or beyond", -_NO_LIMIT, 0.055),
    Requirement("points behind the best mean", "families of 90, 88, 86, 86, 80, 76%", -_NO_LIMIT, 0.5),
    Requirement("power lost", "alike families, n = 1,000", -_NO_LIMIT, 0.05),
    Requirement("power of looks", "5, 10, 20, 40, 50 seeds against 50", 0.92, _NO_LIMIT),
    Requirement("size of looks", "the same", -_NO_LIMIT, 0.055),
)
"""What was promised, and is checked."""


def run(cells: Sequence[Cell], *, repeats: int, processes: int = 2, until: float = math.inf) -> Iterator[list[Figure]]:
    """Do every cell, in order; none is begun after `until` (of `time.monotonic`).

    A cell that seems to miss a limit is done again, with more repeats and other draws, which count.
    """
    with ProcessPoolExecutor(processes, initializer=end_with, initargs=(os.getpid(),)) as pool:
        begun: deque[Future[list[Figure]]] = deque()
        for cell in cells:
            if len(begun) > processes:
                yield begun.popleft().result()
            if time.monotonic() > until:
                break
            begun.append(pool.submit(_judge, cell, repeats))
        yield from (one.result() for one in begun)


def _judge(cell: Cell, repeats: int) -> list[Figure]:
    first = simulate(cell, repeats)
    if not any(one.concerns(figure) and one.excess(figure) > 0 for one in REQUIREMENTS for figure in first):
        return first
    return simulate(cell, AGAIN * repeats, attempt=1)


def simulate(cell: Cell, repeats: int, attempt: int = 0) -> list[Figure]:
    """The figures of one cell; another `attempt` has other draws."""
    rng = np.random.default_rng([20_261_127, zlib.crc32(cell.title.encode()), attempt])
    number = max(20, round(repeats * cell.share))
    kinds = {"verdicts": _verdicts, "margin": _margin, "take": _take, "looks": _looks, "power": _power}
    return [
        Figure(
            cell=cell.title,
            what=what,
            rate=found,
            repeats=number,
            seeds=cell.fewest,
            conservative=cell.is_conservative,
            exception="" if what in ("wrongly equivalent", "points behind the best mean") else cell.exception,
        )
        for what, found in kinds[cell.kind](cell, number, rng).items()
    ]


def _compare(cell: Cell, tables: dict[str, PredictionTable], **more: object) -> ComparisonReport:
    given: dict[str, object] = {"train_seconds": {}, **more}
    return compare(
        tables,
        metric=cell.metric,
        margin=cell.margin or _NEVER,
        facts=cell.world.facts,
        with_power=False,
        estimand=cell.estimand,
        **given,  # type: ignore[arg-type]
    )


def _is_separated(pair: PairReport) -> bool:
    return pair.verdict in ("a better", "b better")


# ---------------------------------------------------------------------------------------- verdicts


def _verdicts(cell: Cell, repeats: int, rng: np.random.Generator) -> dict[What, Rate]:
    true = dict(zip(cell.world.names, cell.truths, strict=True))
    hits: dict[What, int] = defaultdict(int)
    scores = dict.fromkeys(true, 0)
    for _ in range(repeats):
        tables = draw(rng, cell.world)
        for what, hit in _of_pairs(_compare(cell, tables).pairs, true, cell.margin).items():
            hits[what] += hit
        if len(tables) == 2:
            for name, table in tables.items():
                found = score_of(measure(table, cell.metric, cell.estimand), cell.metric)
                scores[name] += found.low <= true[name] <= found.high
    rates = {what: rate(number, repeats) for what, number in hits.items()}
    if len(true) == 2:
        # Of the family that it holds less often for.
        rates["coverage of scores"] = rate(min(scores.values()), repeats)
    return rates


def _of_pairs(pairs: Sequence[PairReport], true: dict[str, float], margin: float | None) -> dict[What, bool]:
    """What one comparison says, each said where it can be wrong."""
    apart = {pair: true[pair.a] - true[pair.b] for pair in pairs}
    found: dict[What, bool] = {}
    if equal := [pair for pair in pairs if abs(apart[pair]) < _EQUAL]:
        found["false alarms"] = any(_is_separated(pair) for pair in equal)
    if margin is None and len(pairs) == 1:
        found["coverage of differences"] = pairs[0].low <= apart[pairs[0]] <= pairs[0].high
    if margin is not None and (beyond := [pair for pair in pairs if abs(apart[pair]) >= margin - _EQUAL]):
        found["wrongly equivalent"] = any(pair.verdict == "equivalent" for pair in beyond)
    return found


def _margin(cell: Cell, repeats: int, rng: np.random.Generator) -> dict[What, Rate]:
    num = len(cell.world.families)
    different = _made_different(cell, rng, _HARDEST[num * (num - 1) // 2])
    apart = abs(different.truths[0] - different.truths[-1])
    # Of pairs that are equal nothing can be wrong: only those at the margin count.
    return {
        what: found
        for what, found in _verdicts(replace(different, margin=apart), repeats, rng).items()
        if what == "wrongly equivalent"
    }


def _take(cell: Cell, repeats: int, rng: np.random.Generator) -> dict[What, Rate]:
    true = dict(zip(cell.world.names, cell.truths, strict=True))
    # The worse, the cheaper: each trains 0.7 times as long as the next better one.
    seconds = {name: 1000 * 0.7**number for number, name in enumerate(true)}
    lost = []
    for _ in range(repeats):
        report = _compare(cell, draw(rng, cell.world), train_seconds=seconds)
        lost.append(100 * (true[report.groups[0][0]] - true[report.take]))
    return {"points behind the best mean": mean(np.array(lost))}


# ----------------------------------------------------------------------------------- looks and power


def _looks(cell: Cell, repeats: int, rng: np.random.Generator) -> dict[What, Rate]:
    size = np.array([_found_by_looks(cell, draw(rng, cell.world)) for _ in range(repeats)])
    different = _made_different(cell, rng, _FOUND_MOSTLY)
    looks, fixed = np.array([_both_ways(different, draw(rng, different.world)) for _ in range(repeats)]).T
    return {"size of looks": rate(int(size.sum()), repeats), "power of looks": ratio(looks, fixed)}


def _both_ways(cell: Cell, tables: dict[str, PredictionTable]) -> tuple[bool, bool]:
    return _found_by_looks(cell, tables), _is_separated(_compare(cell, tables).pairs[0])


def _found_by_looks(cell: Cell, tables: dict[str, PredictionTable]) -> bool:
    before: tuple[PairReport, ...] = ()
    for number, seeds in enumerate(LOOKS):
        seen = {name: table.of_first(seeds) for name, table in tables.items()}
        report = _compare(cell, seen, looks=LookPlan(LOOKS, number), settled=before)
        before = settled(report)
        if before:
            return _is_separated(before[0])
    return False


def _power(cell: Cell, repeats: int, rng: np.random.Generator) -> dict[What, Rate]:
    different = _made_different(cell, rng, _FOUND_MOSTLY)
    first, second = different.truths
    found, before, estimates = [], [], []
    for _ in range(repeats):
        tables = draw(rng, different.world)
        found.append(_is_separated(_compare(different, tables).pairs[0]))
        before.append(plain_t(*(_right(table) for table in tables.values())) <= 0.05)
        estimates.append(difference(*(measure(table, cell.metric) for table in tables.values())))
    promised = power_of(first - second, _typical(estimates))
    hits = rate(sum(found), repeats)
    return {
        "power lost": mean(np.array(before, float) - np.array(found, float)),
        "power promised too much": Rate(
            share=promised - hits.share, low=promised - hits.high, high=promised - hits.low
        ),
    }


def _typical(found: Sequence[Estimate]) -> Estimate:
    """What the advice of the median comparison rests on."""
    return Estimate(
        0.0,
        float(np.median([unbiased(one).variance for one in found])),
        float(np.median([one.df for one in found])),
    )


def _made_different(cell: Cell, rng: np.random.Generator, errors: float) -> Cell:
    """The same, with the second half of the families worse, by so many standard errors of a pair."""
    pilot = [list(draw(rng, cell.world).values()) for _ in range(_PILOT)]
    pairs = [[measure(table, cell.metric) for table in (tables[0], tables[-1])] for tables in pilot]
    apart = errors * float(np.median([difference(*pair).variance for pair in pairs])) ** 0.5
    families, classes = cell.world.families, cell.world.classes
    half = len(families) // 2
    worse = cell.truths[0] + (-apart if METRICS[cell.metric].higher_is_better else apart)
    changed = tuple(with_value(one, cell.metric, worse, classes) for one in families[half:])
    return replace(cell, world=replace(cell.world, families=(*families[:half], *changed)))


def _right(table: PredictionTable) -> NDArray[np.float64]:
    right: NDArray[np.float64] = (predictions(table) == table.labels).astype(np.float64)
    return right
