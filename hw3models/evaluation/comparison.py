"""Which family is better on the same test examples, and is the difference real?

Every pair: difference, 95% interval and two-sided p by Student's t (`hw3models.stats.intervals`), Holm's correction
(1979) over all pairs at 5%. Pairs that it does not separate are equivalent where the 90% interval lies within the
margin (two one-sided tests at 5%, Schuirmann 1987); the others cannot be told apart on these data.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np

from hw3models.errors import DataError, DigestError, SpecError
from hw3models.evaluation.facts import NO_FACTS, Facts, fact
from hw3models.evaluation.metrics import METRICS, available, default_metric, measure
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.verdicts import (
    Setting,
    Standings,
    cheapest,
    overall_verdict,
    pair_sentence,
    power_advice,
    winner_and_loser,
)
from hw3models.specs import ComparisonReport, PairReport, PairVerdict, PowerReport, Score
from hw3models.stats.intervals import Estimate, Measured, bounded_interval, difference
from hw3models.stats.multiple_testing import LEVEL, holm
from hw3models.stats.power import advise

DEFAULT_MARGINS = {"%": 0.005, "dB": 0.1}
"""By unit: half a percentage point, a tenth of a decibel."""
RELATIVE_MARGIN = 0.02
"""Share of the best family's value, for all other metrics."""


def compare(
    tables: Mapping[str, PredictionTable],
    *,
    metric: str | None = None,
    margin: float | None = None,
    train_seconds: Mapping[str, float],
    facts: Facts = NO_FACTS,
    devices: Mapping[str, str] | None = None,
    budgets: Mapping[str, int] | None = None,
    level: float = LEVEL,
    settled: Collection[PairReport] = (),
) -> ComparisonReport:
    """Compare families by their prediction tables.

    A family with a single seed that is not deterministic cannot be told from any other: "cannot tell".

    `metric` is the first that all tables allow where none is given. `margin` is the largest difference that does not
    matter, in the metric's own unit (0.005 is half a point of accuracy). `train_seconds` are of all seeds together;
    cost is compared per seed. `facts` say how a family is called, whether one seed of it says everything, and which
    families are baselines that a network must beat. `devices` say where each family was trained, `budgets` how many
    recipes were tried to find its own (networks only): what is unequal is said. `level` is of all tests together;
    `settled` are pairs whose verdict stands from an earlier look at the same study
    (`hw3models.evaluation.sequential`).

    Two tables of resampled splits are compared on the splits that both have.

    Raises:
        SpecError: no tables, no such metric (or not for these tables), or a margin that is not positive.
        DigestError: the tables are of different data.
        DataError: the tables are of different test examples.
    """
    if metric is None:
        computable = [set(available(table)) for table in tables.values()]
        metric = default_metric(set.intersection(*computable) if computable else ())
    _check(tables, metric, margin)
    measured = {name: measure(table, metric) for name, table in tables.items()}
    means = {name: float(one.per_seed.mean()) for name, one in measured.items()}
    definition = METRICS[metric]
    order = sorted(means, key=means.__getitem__, reverse=definition.higher_is_better)
    if margin is None:
        margin = DEFAULT_MARGINS.get(definition.unit, RELATIVE_MARGIN * abs(means[order[0]]))
    setting = Setting(
        metric=metric,
        margin=margin,
        num_test=tables[order[0]].num_test,
        num_pairs=len(tables) * (len(tables) - 1) // 2,
        seeds={name: len(table.seeds) for name, table in tables.items()},
        level=level,
        resampled=tables[order[0]].is_resampled,
        facts=facts,
    )
    # One seed of a network says nothing about the luck of its training; a verdict would often be a false alarm.
    unknown_luck = {name for name in tables if setting.is_single(name)}
    standing = {frozenset((pair.a, pair.b)): pair for pair in settled}
    found = _pairs(tables, measured, setting, unknown_luck)
    pairs = tuple(standing.get(frozenset((pair.a, pair.b)), pair) for pair in found)
    order = _unbeaten_first(order, pairs)
    groups = tie_groups(order, pairs)
    standings = Standings(
        scores={name: _score(measured[name], metric) for name in order},
        pairs=pairs,
        groups=groups,
        baselines=tuple(name for name in order if fact(facts, name).is_baseline),
        costs={name: train_seconds[name] / len(tables[name].seeds) for name in order if name in train_seconds},
        devices=devices or {},
        budgets=budgets or {},
    )
    return ComparisonReport(
        metric=metric,
        higher_is_better=definition.higher_is_better,
        data_digest=tables[order[0]].data_digest,
        pairs=pairs,
        groups=groups,
        cheapest=cheapest(standings),
        verdict=overall_verdict(setting, standings),
        advice=power_advice(setting, standings),
        margin=margin,
    )


def tie_groups(order: Sequence[str], pairs: Sequence[PairReport]) -> tuple[tuple[str, ...], ...]:
    """The best family with all that are not significantly worse than it, then the same with the rest.

    Not ranks: two members of a group may differ from each other. `order` is from best to worst.
    """
    beaten = {winner_and_loser(pair) for pair in pairs}
    groups, rest = [], list(order)
    while rest:
        group = tuple(name for name in rest if (rest[0], name) not in beaten)
        groups.append(group)
        rest = [name for name in rest if name not in group]
    return tuple(groups)


def _unbeaten_first(order: Sequence[str], pairs: Sequence[PairReport]) -> list[str]:
    """A family that an earlier look has seen beaten does not lead, although later seeds of its victor may say so."""
    beaten = {found[1] for pair in pairs if (found := winner_and_loser(pair)) is not None}
    leader = next((name for name in order if name not in beaten), order[0])
    return [leader, *(name for name in order if name != leader)]


def _pairs(
    tables: Mapping[str, PredictionTable],
    measured: Mapping[str, Measured],
    setting: Setting,
    unknown_luck: Collection[str],
) -> tuple[PairReport, ...]:
    names = list(combinations(measured, 2))
    both = [_on_common_splits(tables, measured, a, b) for a, b in names]
    found = [_difference(*pair) for pair in both]
    rejected = holm([one.p_value() for one in found], setting.level)
    return tuple(
        _pair(
            (a, b),
            one,
            seeds=(len(pair[0].per_seed), len(pair[1].per_seed)),
            separated=separated,
            setting=setting,
            knows_training={a, b}.isdisjoint(unknown_luck),
        )
        for (a, b), pair, one, separated in zip(names, both, found, rejected, strict=True)
    )


def _difference(a: Measured, b: Measured) -> Estimate:
    """Where both lost splits, they may have none in common: then nothing is known."""
    return difference(a, b) if len(a.per_seed) else Estimate(0.0, math.inf, 1.0)


def _on_common_splits(
    tables: Mapping[str, PredictionTable], measured: Mapping[str, Measured], a: str, b: str
) -> tuple[Measured, Measured]:
    """Resampled splits are compared split by split: one that a family lost, or did not come to, counts for none."""
    if not tables[a].is_resampled:
        return measured[a], measured[b]
    common = [seed for seed in tables[a].seeds if seed in tables[b].seeds]
    rows = ([tables[name].seeds.index(seed) for seed in common] for name in (a, b))
    first, second = (
        replace(measured[name], per_seed=measured[name].per_seed[row], left_out=measured[name].left_out[row])
        for name, row in zip((a, b), rows, strict=True)
    )
    return first, second


def _pair(
    names: tuple[str, str],
    found: Estimate,
    *,
    seeds: tuple[int, int],
    separated: bool,
    setting: Setting,
    knows_training: bool,
) -> PairReport:
    a, b = names
    low, high = _within_range(found.interval(1 - setting.level), setting.metric)
    # Two one-sided tests at the level: equivalent where this interval lies within the margin.
    inner = _within_range(found.interval(1 - 2 * setting.level), setting.metric)
    verdict: PairVerdict = "cannot tell"
    if not knows_training:
        pass
    elif separated:
        verdict = "a better" if (found.value > 0) == METRICS[setting.metric].higher_is_better else "b better"
    elif -setting.margin <= inner[0] and inner[1] <= setting.margin:
        verdict = "equivalent"
    power = advise(
        found,
        margin=setting.margin,
        # Holm tests the smallest p of all pairs at this level: the least that any pair is tested at.
        level=setting.level / setting.num_pairs,
        has_seeds=max(seeds) > 1,
    )
    report = PairReport(
        a=a,
        b=b,
        metric=setting.metric,
        difference=found.value,
        low=low,
        high=high,
        level=setting.level,
        seeds=seeds,
        p_value=found.p_value(),
        verdict=verdict,
        sentence="",
        power=PowerReport(**asdict(power)) if power is not None and knows_training else None,
    )
    return report.model_copy(update={"sentence": pair_sentence(setting, report)})


def _within_range(interval: tuple[float, float], metric: str) -> tuple[float, float]:
    """A difference of two values in 0..1 lies in -1..1."""
    lowest, highest = METRICS[metric].range
    return max(interval[0], lowest - highest), min(interval[1], highest - lowest)


def _score(measured: Measured, metric: str) -> Score:
    lowest, highest = METRICS[metric].range
    low, high = bounded_interval(measured, lowest=lowest, highest=highest)
    return Score(
        mean=float(measured.per_seed.mean()), low=low, high=high, per_seed=tuple(map(float, measured.per_seed))
    )


def _check(tables: Mapping[str, PredictionTable], metric: str, margin: float | None) -> None:
    """All faults of the request together; then whether the tables are of the same examples."""
    faults = []
    if metric not in METRICS:
        faults.append(f"`metric` {metric!r} is not known; known: {', '.join(METRICS)}")
    else:
        without = [name for name, table in tables.items() if metric not in available(table)]
        if without:
            faults.append(f"`metric` {metric} cannot be computed for {', '.join(without)}")
    if margin is not None and not (margin > 0 and math.isfinite(margin)):
        faults.append(f"`margin` must be positive, got {margin}")
    if not tables:
        faults.append("there are no prediction tables to compare")
    if faults:
        raise SpecError(f"{'; '.join(faults)}.")
    digests = {name: table.data_digest for name, table in tables.items()}
    if len(set(digests.values())) > 1:
        named = ", ".join(f"{name} {digest}" for name, digest in digests.items())
        raise DigestError(f"families were evaluated on different data: {named}. Evaluate all of them on the same data.")
    first, *others = tables.items()
    kinds = {table.is_resampled for table in tables.values()}
    if len(kinds) > 1:
        raise DataError("some families were tested on resampled splits and some were not. Evaluate all of them alike.")
    odd = [name for name, table in others if not _same_examples(first[1], table)]
    if odd:
        raise DataError(
            f"the test examples of {', '.join(odd)} are not those of {first[0]}, although the data are the same. "
            "Evaluate them again."
        )


def _same_examples(a: PredictionTable, b: PredictionTable) -> bool:
    """Of resamples, those of the same number must be the same."""
    if not a.is_resampled:
        return np.array_equal(a.test_index, b.test_index) and np.array_equal(a.labels, b.labels)
    rows = [(a.seeds.index(seed), b.seeds.index(seed)) for seed in a.seeds if seed in b.seeds]
    return all(
        np.array_equal(a.test_index[i], b.test_index[j]) and np.array_equal(a.labels[i], b.labels[j]) for i, j in rows
    )
