"""How comparisons are said: sentences with their uncertainty, the most important first."""

from collections.abc import Collection, Mapping, Sequence

from hw3models.families import FAMILIES
from hw3models.metrics import METRICS
from hw3models.specs import ComparisonReport, PairReport


def family_label(name: str) -> str:
    """As people write it: `cnn` is CNN."""
    labels = {family.name: family.label for families in FAMILIES.values() for family in families.values()}
    return labels.get(name, name)


def join(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def value_text(metric: str, value: float) -> str:
    """A value of the metric: percent for shares."""
    return f"{100 * value:.1f}%" if METRICS[metric].is_share else f"{value:.3g}"


def difference_text(metric: str, difference: float, low: float, high: float) -> str:
    """`1.2 points [0.4, 2.0]`, or in the metric's own unit. The interval is in the difference's direction."""
    if METRICS[metric].is_share:
        return f"{100 * difference:.1f} points [{_zero(100 * low)}, {_zero(100 * high)}]"
    return f"{difference:.3g} {METRICS[metric].label} [{low:.3g}, {high:.3g}]"


def pair_sentence(pair: PairReport, margin: float, seeds_a: int, seeds_b: int, num_test: int) -> str:
    """One pair in a sentence, with the design in brackets."""
    a, b = family_label(pair.a), family_label(pair.b)
    design = f"(95%, {_seeds(seeds_a, seeds_b)}, {num_test:,} test examples)"
    if pair.verdict in {"a better", "b better"}:
        if pair.verdict == "b better":
            a, b = b, a
        # The size of the advantage, whichever way the metric and the pair are turned.
        ends = sorted((abs(pair.low), abs(pair.high)) if pair.low * pair.high >= 0 else (pair.low, pair.high))
        text = difference_text(pair.metric, abs(pair.difference), ends[0], ends[1])
        small = " - less than the margin that matters" if abs(pair.difference) < margin else ""
        return f"{a} beats {b} by {text} {design}{small}"
    text = difference_text(pair.metric, pair.difference, pair.low, pair.high)
    if pair.verdict == "equivalent":
        return f"{a} and {b} are equivalent within {_margin(pair.metric, margin)}: difference {text} {design}"
    return f"{a} and {b} cannot be separated on this data: difference {text} {design}"


def verdict_text(
    report: ComparisonReport,
    means: Mapping[str, float],
    train_seconds: Mapping[str, float],
    baselines: Collection[str],
    devices: Mapping[str, str],
    seeds: Mapping[str, int],
) -> str:
    """The overall verdict: baselines that are not beaten, the best group, what it beats, cautions."""
    sentences = [
        *_against_baselines(report, means, baselines),
        _best(report, means, train_seconds),
        *_runners_up(report),
        *_cautions(baselines, devices, seeds),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def winner_of(pairs: Sequence[PairReport], a: str, b: str) -> str | None:
    """Which of the two is better beyond noise; None when neither is."""
    for pair in pairs:
        if {pair.a, pair.b} == {a, b}:
            return {"a better": pair.a, "b better": pair.b}.get(pair.verdict)
    return None


def _against_baselines(report: ComparisonReport, means: Mapping[str, float], baselines: Collection[str]) -> list[str]:
    """Said first: a network that does not beat the simple methods beyond noise is not worth its cost."""
    order = sorted(means, key=lambda name: means[name], reverse=report.higher_is_better)
    simple, networks = [n for n in order if n in baselines], [n for n in order if n not in baselines]
    if not simple or not networks:
        return []
    bar = simple[0]
    if any(winner_of(report.pairs, network, bar) == network for network in networks):
        return []
    label, value = family_label(bar), value_text(report.metric, means[bar])
    if all(winner_of(report.pairs, network, bar) == bar for network in networks):
        return [f"The baseline {label} ({value}) beats every network."]
    return [f"No network beats the baseline {label} ({value}) beyond noise."]


def _best(report: ComparisonReport, means: Mapping[str, float], train_seconds: Mapping[str, float]) -> str:
    group = report.groups[0]
    leader = group[0]
    if len(group) == 1:
        rest = [name for later in report.groups[1:] for name in later]
        pair = next(p for p in report.pairs if {p.a, p.b} == {leader, rest[0]})
        return f"{pair.sentence}." if len(rest) == 1 else f"{pair.sentence}, the next."
    inside = [p for p in report.pairs if p.a in group and p.b in group]
    names = join([family_label(name) for name in group])
    if all(pair.verdict == "equivalent" for pair in inside):
        statement = f"{names} are equivalent within {_margin(report.metric, report.margin)}"
    else:
        values = f"{value_text(report.metric, means[group[-1]])} to {value_text(report.metric, means[leader])}"
        statement = f"{names} cannot be separated on this data ({values})"
    cheapest = report.cheapest
    if cheapest == leader:
        return f"{statement}; the cheapest to train of them is {family_label(cheapest)}."
    ratio = train_seconds[leader] / max(train_seconds[cheapest], 1e-9)
    times = f"{ratio:.1f}x" if ratio < 100 else "over 100x"
    return (
        f"{statement}; the cheapest is {family_label(cheapest)} ({times} faster to train than {family_label(leader)})."
    )


def _runners_up(report: ComparisonReport) -> list[str]:
    """The later groups, in order, each behind the best of the group before."""
    if len(report.groups) < 2 or (len(report.groups) == 2 and len(report.groups[0]) == len(report.groups[1]) == 1):
        return []
    parts = [join([family_label(name) for name in group]) for group in report.groups[1:]]
    return [f"Behind: {'; then '.join(parts)}."]


def _cautions(baselines: Collection[str], devices: Mapping[str, str], seeds: Mapping[str, int]) -> list[str]:
    cautions = []
    fewest = min((count for name, count in seeds.items() if name not in baselines), default=3)
    if fewest < 3:
        cautions.append(f"Caution: with {_count(fewest, 'seed')} the luck of training is hardly known; use at least 3.")
    if len(set(devices.values())) > 1:
        listed = join([f"{family_label(name)} on {device}" for name, device in devices.items()])
        cautions.append(f"Training times are of different devices and not comparable: {listed}.")
    return cautions


def _seeds(a: int, b: int) -> str:
    """A single seed stands for a deterministic method: the other's count says it."""
    if a == b or min(a, b) == 1:
        return _count(max(a, b), "seed")
    return f"{a} and {b} seeds"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _margin(metric: str, margin: float) -> str:
    return f"{100 * margin:.2g} points" if METRICS[metric].is_share else f"{margin:.2g}"


def _zero(value: float) -> str:
    """One decimal, without a negative zero."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text
