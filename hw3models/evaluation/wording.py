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


def value(metric: str, mean: float, digits: int = 1) -> str:
    """`97.4%`, or three significant digits with the unit; `digits` are decimals of percent."""
    unit = METRICS[metric].unit
    return f"{100 * mean:.{digits}f}%" if unit == "%" else f"{_significant(mean)} {unit}".strip()


def value_with_interval(metric: str, mean: float, low: float, high: float, digits: int | None = None) -> str:
    """`97.4% [96.9, 97.8]`, with as many decimals of percent as the interval needs, or `digits`."""
    if METRICS[metric].unit != "%":
        return f"{value(metric, mean)} [{_significant(low)}, {_significant(high)}]"
    digits = decimals(low, high) if digits is None else digits
    return f"{100 * mean:.{digits}f}% [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def decimals(low: float, high: float) -> int:
    """Decimals of percent with which the half width of an interval keeps a digit: one as a rule, three at most."""
    half_width = 50 * (high - low)
    return 1 if not 0 < half_width < math.inf else min(3, max(1, -math.floor(math.log10(half_width))))


def amount(metric: str, size: float, digits: int = 3) -> str:
    """A difference without its interval: `0.5 points`, with `digits` significant digits."""
    definition = METRICS[metric]
    if definition.unit != "%":
        return f"{_significant(size, digits)} {definition.unit}".strip()
    points = _plain(100 * size, digits)
    return f"{points} point{'' if points == '1' else 's'}"


def margin_amount(metric: str, margin: float, digits: int = 3) -> str:
    """The margin as `amount`, rounded up, so that what lies within the margin lies within what is printed."""
    return amount(metric, printed_margin(metric, margin, digits), digits)


def printed_margin(metric: str, margin: float, digits: int = 3) -> float:
    """The margin that is printed, in the metric's own unit."""
    scale = 100 if METRICS[metric].unit == "%" else 1
    step = 10.0 ** (math.floor(math.log10(scale * margin)) + 1 - digits)
    # What a user wrote, such as 0.005, is no whole number of steps only by rounding.
    return float(f"{math.ceil(round(scale * margin / step, 6)) * step / scale:.12g}")


def difference_with_interval(metric: str, size: float, low: float, high: float, *, margin: float | None = None) -> str:
    """`1.2 points [0.4, 2.0]`; metrics other than accuracy are named.

    There are as many digits as it takes that an end beside zero does not look like zero, and that an interval within
    the `margin` looks so.
    """
    definition = METRICS[metric]
    suffix = "" if metric == "accuracy" else f" in {definition.label}"
    if definition.unit != "%":
        text = f"{_significant(size)} {definition.unit}".strip()
        return f"{text} [{_significant(low)}, {_significant(high)}]{suffix}"
    digits = difference_decimals(low, high, margin)
    # Adding zero turns a rounded "-0.0" into "0.0".
    size, low, high = (round(100 * number, digits) + 0.0 for number in (size, low, high))
    return f"{size:.{digits}f} points [{low:.{digits}f}, {high:.{digits}f}]{suffix}"


def is_smaller(metric: str, size: float, low: float, high: float, margin: float) -> bool:
    """Does the difference look smaller than the margin, as both are printed?"""
    limit = printed_margin(metric, margin)
    if METRICS[metric].unit == "%":
        return round(100 * size, difference_decimals(low, high)) < round(100 * limit, 9)
    return float(_significant(size)) < limit


def difference_decimals(low: float, high: float, margin: float | None = None) -> int:
    """Decimals of a difference in points."""
    digits = decimals(low, high)
    if low * high > 0:
        near = 100 * min(abs(low), abs(high))
        digits = max(digits, min(12, -math.floor(math.log10(near)))) if near < 0.05 else digits
    if margin is not None:
        _, _, behind = _plain(100 * printed_margin("accuracy", margin), 3).partition(".")
        digits = max(digits, len(behind))
    return digits


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
    if factor >= 1_000_000:
        return "over 1,000,000x"
    return f"{factor:.1f}x" if factor < 10 else f"{factor:,.0f}x"


def seconds_column(seconds: Sequence[float]) -> list[str]:
    """Times below each other, with as many decimals for all as the longest needs; empty where one is not known."""
    known = [one for one in seconds if math.isfinite(one)]
    digits = 0 if max(known, default=0.0) >= 100 else 1 if max(known, default=0.0) >= 10 else 2
    least = 10.0**-digits
    told = [f"{one:.{digits}f}" if one >= least / 2 or one == 0 else f"<{least:.{digits}f}" for one in seconds]
    return [text if math.isfinite(one) else "" for text, one in zip(told, seconds, strict=True)]


def _significant(number: float, digits: int = 3) -> str:
    """Significant digits, trailing zeros kept: 0.0190; or ∞."""
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{number + 0.0:#.{digits}g}".rstrip(".")


def _plain(number: float, digits: int) -> str:
    """Significant digits, without trailing zeros and exponents."""
    text = f"{number:.{digits}g}"
    return text if "e" not in text else f"{float(text):.12f}".rstrip("0").rstrip(".")


def goal_value(goal: Goal, value: float | None) -> str:
    """A trial's value as people read it: percent, or four digits."""
    if value is None:
        return "none"
    return f"{value:.4g}" if goal == "loss" else f"{100 * value:.1f}%"
