"""Families as a table for the terminal: score, interval as a bar, seconds a seed, verdict against the best."""

import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hw3models.evaluation.facts import Facts, fact
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.standing import standing
from hw3models.evaluation.wording import decimals, seconds_column
from hw3models.specs import ComparisonReport, Score

BAR = (12, 28)
"""Characters of a bar, at least and at most."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What bars and the family to take are drawn with."""

    line: str
    dot: str
    ends: str
    left: str
    right: str
    take: str


PRETTY = Marks(line="─", dot="●", ends="├┤", left="◂", right="▸", take="→")
PLAIN = Marks(line="-", dot="o", ends="||", left="<", right=">", take=">")


def marks_for(encoding: str | None) -> Marks:
    """Drawn with lines where the encoding has them."""
    try:
        "─●├┤◂▸→".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return PRETTY


def terminal_width() -> int:
    """Columns of the terminal, or 80 where there is none; more than 120 are not used."""
    return max(60, min(120, shutil.get_terminal_size((80, 24)).columns))


def wrapped(text: str, indent: int = 2) -> list[str]:
    """The text in lines of the terminal's width; all but the first are indented."""
    return textwrap.wrap(
        text, terminal_width(), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )


def score_table(
    metric: str,
    scores: Mapping[str, Score],
    comparison: ComparisonReport | None,
    seconds: Mapping[str, float],
    facts: Facts,
    *,
    width: int | None = None,
    marks: Marks | None = None,
) -> list[str]:
    """The lines, best family first: `scores` is in that order, `seconds` are of the training of one seed."""
    marks = marks or marks_for(sys.stdout.encoding)
    labels = {name: fact(facts, name).label for name in scores}
    told = _scores(metric, list(scores.values()))
    times = seconds_column([seconds.get(name, math.nan) for name in scores])
    standings = [standing(comparison, name, labels) if comparison else "" for name in scores]
    heads = ("", METRICS[metric].label if metric in METRICS else metric, "s a seed", "against the best")
    columns = [list(labels.values()), told, times, standings]
    sizes = [max(map(len, (head, *cells))) for head, cells in zip(heads, columns, strict=True)]
    room = (width or terminal_width()) - 2 - sum(sizes) - 2 * (len(sizes) + 1)
    axis = _axis(scores, facts)
    low, high = _ends(metric, axis)
    size = max(BAR[0], min(BAR[1], room), len(low) + 1 + len(high))
    take = comparison.take if comparison else ""
    lines = [_row("", heads[0], heads[1], f"{low}{high:>{size - len(low)}}", *heads[2:], sizes)]
    for row, (name, score) in enumerate(scores.items()):
        mark = marks.take if name == take else ""
        cells = (labels[name], told[row], _bar(score, axis, size, marks), times[row], standings[row])
        lines.append(_row(mark, *cells, sizes))
    return lines


def _row(mark: str, name: str, score: str, bar: str, time: str, verdict: str, sizes: Sequence[int]) -> str:
    first, second, third, _ = sizes
    return f"{mark:<1} {name:<{first}}  {score:>{second}}  {bar}  {time:>{third}}  {verdict}".rstrip()


def _scores(metric: str, scores: Sequence[Score]) -> list[str]:
    """All with the same number of decimals."""
    means = [score.mean for score in scores]
    if metric in METRICS and METRICS[metric].unit == "%":
        digits = decimals(scores[0].low, scores[0].high) if scores else 1
        return [f"{100 * mean:.{digits}f}%" if math.isfinite(mean) else "n/a" for mean in means]
    return _fixed(means)


def _fixed(numbers: Sequence[float]) -> list[str]:
    """Three significant digits of the smallest that is not zero, six decimals at most, for all."""
    sizes = [abs(number) for number in numbers if math.isfinite(number) and number]
    digits = max(0, min(6, 2 - math.floor(math.log10(min(sizes))))) if sizes else 0
    return [f"{number:,.{digits}f}" if math.isfinite(number) else "n/a" for number in numbers]


def _axis(scores: Mapping[str, Score], facts: Facts) -> tuple[float, float]:
    """The lowest and the highest end, less each baseline without which that is a quarter as long, or less."""
    spans = {
        name: (min(score.low, score.mean), max(score.high, score.mean))
        for name, score in scores.items()
        if all(map(math.isfinite, (score.low, score.mean, score.high)))
    }
    for name in reversed(list(spans)):
        rest = {other: span for other, span in spans.items() if other != name}
        if fact(facts, name).is_baseline and len(rest) > 1 and _length(rest) <= _length(spans) / 4:
            spans = rest
    if not spans:
        return 0.0, 1.0
    low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _length(spans: Mapping[str, tuple[float, float]]) -> float:
    return max(high for _, high in spans.values()) - min(low for low, _ in spans.values())


def _ends(metric: str, axis: tuple[float, float]) -> tuple[str, str]:
    """The ends of the bars' axis, for its head."""
    if metric in METRICS and METRICS[metric].unit == "%":
        digits = 0 if axis[1] - axis[0] >= 0.05 else 1
        low, high = (f"{100 * end:.{digits}f}%" for end in axis)
    else:
        low, high = (f"{end:.3g}" for end in axis)
    return low, high


def _bar(score: Score, axis: tuple[float, float], size: int, marks: Marks) -> str:
    """`  ├──●─┤    `: the interval and its mean, on the axis."""
    low, high = axis
    if not all(map(math.isfinite, (score.low, score.mean, score.high))):
        return " " * size
    if score.mean < low:
        return marks.left.ljust(size)
    if score.mean > high:
        return marks.right.rjust(size)
    places = [round((end - low) / (high - low) * (size - 1)) for end in (score.low, score.mean, score.high)]
    first, middle, last = (min(max(place, 0), size - 1) for place in places)
    cells = [" "] * size
    cells[first : last + 1] = marks.line * (last + 1 - first)
    if last > first:
        cells[first], cells[last] = marks.ends[0], marks.ends[1]
    cells[middle] = marks.dot
    return "".join(cells)
