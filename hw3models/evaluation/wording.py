"""How names, values, differences and numbers of seeds are written in sentences."""

import math
from collections.abc import Sequence

from hw3models.evaluation.metrics import METRICS
from hw3models.specs import Goal


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def sentence(text: str) -> str:
    """The text with a capital in front and a full stop behind."""
    return f"{text[:1].upper()}{text[1:]}."


def value(metric: str, mean: float) -> str:
    """`97.4%`, or three significant digits with the unit."""
    unit = METRICS[metric].unit
    return f"{100 * mean:.1f}%" if unit == "%" else f"{_significant(mean)} {unit}".strip()


def value_with_interval(metric: str, mean: float, low: float, high: float) -> str:
    """`97.4% [96.9, 97.8]`."""
    if METRICS[metric].unit != "%":
        return f"{value(metric, mean)} [{_significant(low)}, {_significant(high)}]"
    digits = _decimals(50 * (high - low))
    return f"{100 * mean:.{digits}f}% [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def amount(metric: str, size: float) -> str:
    """A difference without its interval: `0.5 points`."""
    unit = METRICS[metric].unit
    if unit != "%":
        return f"{_significant(size)} {unit}".strip()
    points = f"{100 * size:.3g}"
    return f"{points} point{'' if points == '1' else 's'}"


def difference_with_interval(metric: str, size: float, low: float, high: float) -> str:
    """`1.2 points [0.4, 2.0]`; metrics other than accuracy are named.

    There are as many digits as it takes that an end beside zero does not look like zero.
    """
    definition = METRICS[metric]
    suffix = "" if metric == "accuracy" else f" in {definition.label}"
    if definition.unit != "%":
        text = f"{_significant(size)} {definition.unit}".strip()
        return f"{text} [{_significant(low)}, {_significant(high)}]{suffix}"
    digits = _decimals(50 * (high - low))
    if low * high > 0:
        near = 100 * min(abs(low), abs(high))
        digits = max(digits, min(9, -math.floor(math.log10(near)))) if near < 0.05 else digits
    # Adding zero turns a rounded "-0.0" into "0.0".
    size, low, high = (round(100 * number, digits) + 0.0 for number in (size, low, high))
    return f"{size:.{digits}f} points [{low:.{digits}f}, {high:.{digits}f}]{suffix}"


def num_seeds(counts: Sequence[int]) -> str:
    """`5 seeds`, or `5 and 10 seeds`; `counts` leaves out families without randomness."""
    if not counts:
        return "no randomness in training"
    texts = [str(counts[0])] if len(set(counts)) == 1 else [str(count) for count in counts]
    return f"{' and '.join(texts)} {'seed' if counts == [1] * len(counts) else 'seeds'}"


def num_resamples(count: int) -> str:
    """`30 resampled splits`."""
    return f"{count} resampled split{'' if count == 1 else 's'}"


def times(factor: float) -> str:
    """`3.1x`."""
    return f"{factor:.1f}x" if factor < 10 else f"{factor:,.0f}x"


def _decimals(half_width: float) -> int:
    """Decimals with which the half width of an interval keeps a digit: one as a rule, three at most."""
    return 1 if half_width <= 0 else min(3, max(1, -math.floor(math.log10(half_width))))


def _significant(number: float) -> str:
    """Three significant digits, trailing zeros kept: 0.0190."""
    return f"{number:#.3g}".rstrip(".")


def goal_value(goal: Goal, value: float | None) -> str:
    """A trial's value as people read it: percent, or four digits."""
    if value is None:
        return "none"
    return f"{100 * value:.1f}%" if goal == "accuracy" else f"{value:.4g}"
