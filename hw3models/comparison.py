"""From prediction tables to statements: which differences are real, which do not matter, what cannot be told.

Seeds are crossed with test examples and examples are paired between families (`intervals`). All pairs are
tested at 5% together (Holm 1979); a difference that is not found is called equivalent only when two
one-sided tests place it within the margin (Schuirmann 1987), else nothing can be told.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np

from hw3models.errors import DataError, DigestError, SpecError
from hw3models.intervals import Estimate, Values, estimate_difference
from hw3models.metrics import METRICS, influence_values
from hw3models.prediction_table import PredictionTable
from hw3models.specs import ComparisonReport, PairReport, PairVerdict
from hw3models.wording import pair_sentence, verdict_text

ALPHA = 0.05
"""Chance of any false "better" among all pairs of a comparison."""
DEFAULT_MARGIN = 0.005
"""Half a point: for metrics in 0..1 that are said in percent."""
RELATIVE_MARGIN = 0.02
"""For other metrics: share of the best family's value."""


def compare(
    tables: Mapping[str, PredictionTable],
    *,
    metric: str,
    train_seconds: Mapping[str, float],
    margin: float | None = None,
    baselines: Collection[str] = (),
    devices: Mapping[str, str] | None = None,
) -> ComparisonReport:
    """Compare every pair of families on the same test examples.

    `margin` is in the metric's own unit. Families with one seed are taken as deterministic.

    Raises:
        SpecError: fewer than two families, or the metric does not suit them.
        DigestError: the families were evaluated on different data.
        DataError: the same data, but other test examples.
    """
    _check(tables)
    values = {name: influence_values(table, metric) for name, table in tables.items()}
    better = max if METRICS[metric].higher_is_better else min
    best = better(float(v.mean()) for v in values.values())
    if margin is None:
        margin = DEFAULT_MARGIN if METRICS[metric].is_share else RELATIVE_MARGIN * abs(best)
    pairs = _pairs(values, metric, margin)
    order = sorted(values, key=lambda name: float(values[name].mean()), reverse=METRICS[metric].higher_is_better)
    groups = tie_groups(order, pairs)
    report = ComparisonReport(
        metric=metric,
        higher_is_better=METRICS[metric].higher_is_better,
        data_digest=next(iter(tables.values())).data_digest,
        pairs=tuple(pairs),
        groups=groups,
        cheapest=min(groups[0], key=lambda name: train_seconds[name]),
        verdict="",
        margin=margin,
    )
    means = {name: float(v.mean()) for name, v in values.items()}
    text = verdict_text(report, means, train_seconds, baselines, devices or {}, {n: len(v) for n, v in values.items()})
    return report.model_copy(update={"verdict": text})


def _check(tables: Mapping[str, PredictionTable]) -> None:
    if len(tables) < 2:
        raise SpecError(f"a comparison needs at least two families, got {', '.join(tables) or 'none'}.")
    digests = {name: table.data_digest for name, table in tables.items()}
    if len(set(digests.values())) > 1:
        listed = ", ".join(f"{name} on {digest}" for name, digest in digests.items())
        raise DigestError(f"families must be compared on the same data, got {listed}. Evaluate them on one data set.")
    first = next(iter(tables.values()))
    for name, table in tables.items():
        if not (np.array_equal(table.test_index, first.test_index) and np.array_equal(table.labels, first.labels)):
            raise DataError(f"{name} was evaluated on other test examples than {first.family}. Evaluate both again.")


def _pairs(values: Mapping[str, Values], metric: str, margin: float) -> list[PairReport]:
    names = list(combinations(values, 2))
    estimates = [estimate_difference(values[a], values[b]) for a, b in names]
    rejected = holm([estimate.p_value() for estimate in estimates], ALPHA)
    seeds = {name: len(v) for name, v in values.items()}
    num_test = next(iter(values.values())).shape[1]
    reports = []
    for (a, b), estimate, real in zip(names, estimates, rejected, strict=True):
        low, high = estimate.interval()
        verdict = judge(estimate, real, margin, higher_is_better=METRICS[metric].higher_is_better)
        pair = PairReport(
            a=a,
            b=b,
            metric=metric,
            difference=estimate.mean,
            low=low,
            high=high,
            p_value=estimate.p_value(),
            verdict=verdict,
            sentence="",
        )
        text = pair_sentence(pair, margin, seeds[a], seeds[b], num_test)
        reports.append(pair.model_copy(update={"sentence": text}))
    return reports


def judge(estimate: Estimate, is_real: bool, margin: float, *, higher_is_better: bool) -> PairVerdict:
    """The verdict on a minus b."""
    if is_real:
        return "a better" if (estimate.mean > 0) == higher_is_better else "b better"
    # Two one-sided tests at 5% each: the 90% interval lies within the margin.
    low, high = estimate.interval(0.90)
    return "equivalent" if -margin <= low and high <= margin else "cannot tell"


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Holm's step-down procedure (1979): which hypotheses are rejected at family-wise level `alpha`."""
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected


def tie_groups(order: Sequence[str], pairs: Sequence[PairReport]) -> tuple[tuple[str, ...], ...]:
    """Groups, best first: a group is its best family and all that are not found worse than that one.

    `order` is by mean, best first. Groups are no ranks: within one nothing is claimed.
    """
    beats = {(p.a, p.b) for p in pairs if p.verdict == "a better"} | {
        (p.b, p.a) for p in pairs if p.verdict == "b better"
    }
    left, groups = list(order), []
    while left:
        best = left[0]
        group = tuple(name for name in left if (best, name) not in beats)
        groups.append(group)
        left = [name for name in left if name not in group]
    return tuple(groups)
