"""How numbers, names and sentences are written on the page. Values with intervals are as in the verdicts."""

import math
import re

from markupsafe import Markup, escape

from hw3models.evaluation import wording
from hw3models.evaluation.metrics import METRICS
from hw3models.families import display_name, facts_of
from hw3models.specs import Score

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def family_name(name: str) -> str:
    """The name as people write it."""
    return display_name(name)


def is_baseline(name: str) -> bool:
    """Is it there to be beaten? Unknown families are taken for networks."""
    return facts_of([name])[name].is_baseline


def metric_name(name: str) -> str:
    """The metric's name, such as `balanced accuracy`."""
    return METRICS[name].label if name in METRICS else name.replace("_", " ")


def is_percent(name: str) -> bool:
    """Is it kept as a share and shown in percent?"""
    return name in METRICS and METRICS[name].unit == "%"


def higher_is_better(name: str) -> bool:
    """Unknown metrics are taken for scores."""
    return name not in METRICS or METRICS[name].higher_is_better


def value(metric: str, number: float) -> str:
    """`97.4%`."""
    if not math.isfinite(number):
        return "n/a"
    return wording.value(metric, number) if metric in METRICS else f"{number:.4g}"


def value_and_interval(metric: str, score: Score) -> tuple[str, str]:
    """`97.4%` and `[96.9, 97.8]`, with the same number of decimals."""
    if not all(map(math.isfinite, (score.mean, score.low, score.high))):
        return value(metric, score.mean), ""
    if metric not in METRICS:
        return f"{score.mean:.4g}", f"[{score.low:.4g}, {score.high:.4g}]"
    text = wording.value_with_interval(metric, score.mean, score.low, score.high)
    mean, bracket, rest = text.partition(" [")
    return mean, f"{bracket.strip()}{rest}"


def difference(metric: str, size: float, low: float, high: float, *, margin: float | None = None) -> tuple[str, str]:
    """`+1.2 points` and `[0.4, 2.0]`, with digits enough to lie within the `margin` where the difference does."""
    if not all(map(math.isfinite, (size, low, high))):
        return "n/a", ""
    if metric not in METRICS:
        return f"{size:+.4g}", f"[{low:.4g}, {high:.4g}]"
    text = wording.difference_with_interval(metric, size, low, high, margin=margin)
    first, _, rest = text.partition(" [")
    return f"+{first}" if size > 0 and not first.startswith(("-", "0.0 ")) else first, f"[{rest.partition(']')[0]}]"


def p_value(p: float) -> str:
    """Three decimals; `<0.001` below."""
    if not math.isfinite(p):
        return "n/a"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def seconds(number: float) -> str:
    """`12 ms`, `3.4 s`, `75 s`, `12 min`, `3.2 h`."""
    if not math.isfinite(number):
        return "n/a"
    if number < 0.0005:
        return "<1 ms" if number > 0 else "0 s"
    if number < 1:
        return f"{1000 * number:.0f} ms"
    if number < 100:
        return f"{number:.1f} s" if number < 10 else f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 6000 else f"{number / 3600:.1f} h"


def count(number: int) -> str:
    """`1,234,567`."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`, `2 classes`, `3 families`."""
    if number == 1:
        return f"1 {noun}"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("ss") else f"{noun}s"
    return f"{number:,} {ending}"


def shape(lengths: tuple[int, ...]) -> str:
    """`50 x 8`, with a real times sign."""
    return " × ".join(f"{length:,}" for length in lengths)


def number_list(numbers: tuple[int, ...]) -> str:
    """`0 to 4` for a run of numbers without a gap, else all of them."""
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(str(number) for number in numbers)


def lead_and_rest(text: str) -> tuple[str, str]:
    """The first sentence, and all others."""
    first, *others = _SENTENCE_END.split(text.strip(), maxsplit=1)
    return first, others[0] if others else ""


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters, cut between words where there are any."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[longest // 2 :] else head}…"


def with_code(text: str) -> Markup:
    """Escaped, with `words between backticks` as code."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        # A backtick without its partner is only a backtick.
        parts[-2:] = [escape("`").join(parts[-2:])]
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))
