"""Which family is better on the same test examples, and is the difference real?

Every pair: difference, interval and two-sided p (`hw3models.stats.intervals`). All pairs are judged together
(`hw3models.stats.multiple_testing.step_down`), such that the chance of one or more false alarms is at most 5%, and the
interval of a pair is the one that its decision rests on. Equivalence within the margin is tested by two one-sided tests
(Schuirmann 1987), by Holm's correction over all pairs; the interval then is the one that belongs to that test, which
holds zero (Hsu, Hwang, Liu and Ruberg 1994). What follows for who wants to use one of them is in `answer.py`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hw3models.errors import DataError, DigestError, SpecError
from hw3models.evaluation.advice import power_advice
from hw3models.evaluation.answer import choose, collapses, corrected
from hw3models.evaluation.facts import NO_FACTS, Facts, fact
from hw3models.evaluation.headline import changes, headline
from hw3models.evaluation.metrics import METRICS, available, default_metric, measure, unknown_metric
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score_of
from hw3models.evaluation.verdicts import (
    Setting,
    Standings,
    overall_verdict,
    pair_sentence,
    winner_and_loser,
)
from hw3models.printable import few
from hw3models.specs import ComparisonReport, Estimand, PairReport, PairVerdict, PowerReport
from hw3models.stats import spending
from hw3models.stats.effective import equal_groups
from hw3models.stats.intervals import Estimate, Measured, covariance, difference
from hw3models.stats.multiple_testing import LEVEL, holm_levels, step_down
from hw3models.stats.power import advise

DEFAULT_MARGINS = {"%": 0.005, "dB": 0.1}
"""Unit -> margin: half a percentage point, a tenth of a decibel."""
RELATIVE_MARGIN = 0.02
"""Share of the best family's value, for all other metrics."""


class LookPlan(NamedTuple):
    """Where a study stands that goes on until it is decided."""

    seeds: tuple[int, ...]
    """Seeds of every family at each look."""
    look: int
    """Which of them this is, from 0."""


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
    looks: LookPlan | None = None,
    settled: Collection[PairReport] = (),
    with_power: bool = True,
    estimand: Estimand = "mean",
) -> ComparisonReport:
    """Compare families by their prediction tables.

    A family with a single seed that is not deterministic cannot be told from any other: "cannot tell".

    `metric` is the first that all tables allow where none is given. `margin` is the largest difference that does not
    matter, in the metric's own unit (0.005 is half a point of accuracy). `train_seconds` are of all seeds together;
    cost is compared per seed. `facts` say how a family is called, whether one seed of it says everything, and which
    families are baselines that a network must beat. `devices` say where each family was trained, `budgets` how many
    recipes were tried to find its own (networks only): what is unequal is said. `level` is of all tests together, and
    of all `looks` at a growing study (`hw3models.stats.spending`); `settled` are pairs whose verdict stands from an
    earlier one. `with_power` advises on what each pair could have shown, which
    takes longer than all the rest. `estimand`: families are compared by the mean over their seeds, or by the median,
    which seeds that collapse hardly move.

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
    measured = {name: measure(table, metric, estimand) for name, table in tables.items()}
    better = METRICS[metric].higher_is_better
    order = sorted(measured, key=lambda name: measured[name].value, reverse=better)
    if margin is None:
        relative = RELATIVE_MARGIN * abs(measured[order[0]].value)
        margin = METRICS[metric].margin or DEFAULT_MARGINS.get(METRICS[metric].unit, relative)
    setting = replace(_setting(tables, metric, margin, level, facts), estimand=estimand)
    found = _pairs(tables, measured, setting, looks, with_power=with_power)
    standing = {frozenset((pair.a, pair.b)): pair for pair in settled}
    pairs = tuple(standing.get(frozenset((pair.a, pair.b)), pair) for pair in found)
    order = _unbeaten_first(order, pairs)
    costs = {name: train_seconds[name] / len(tables[name].seeds) for name in order if name in train_seconds}
    standings = Standings(
        scores={name: score_of(measured[name], metric) for name in order},
        pairs=pairs,
        baselines=tuple(name for name in order if fact(facts, name).is_baseline),
        costs=costs,
        devices=devices or {},
        budgets=budgets or {},
        collapses=collapses(tables, measured, metric, facts),
    )
    choice = choose(setting, standings, lambda a, b: _difference(*_on_common_splits(tables, measured, a, b)))
    standings = replace(standings, choice=choice)
    return _report(setting, standings, measured, tables[order[0]].data_digest)


def _setting(tables: Mapping[str, PredictionTable], metric: str, margin: float, level: float, facts: Facts) -> Setting:
    first = next(iter(tables.values()))
    groups = None if first.groups is None else np.atleast_2d(first.groups)[0]
    return Setting(
        metric=metric,
        margin=margin,
        num_test=first.num_test,
        num_groups=None if groups is None else len(np.unique(groups)),
        equal_groups=None if groups is None else equal_groups(groups),
        num_pairs=len(tables) * (len(tables) - 1) // 2,
        seeds={name: table.num_networks for name, table in tables.items()},
        searches={name: table.num_searches for name, table in tables.items() if table.search is not None},
        level=level,
        num_train=first.num_train,
        resampled=first.is_resampled,
        about="problem" if first.is_resampled else "bootstraps" if first.training_resampled else "training set",
        facts=facts,
    )


def _report(
    setting: Setting, standings: Standings, measured: Mapping[str, Measured], data_digest: str
) -> ComparisonReport:
    assert standings.choice is not None
    choice = standings.choice
    standings = replace(standings, corrected=corrected(setting, standings, measured))
    return ComparisonReport(
        metric=setting.metric,
        higher_is_better=METRICS[setting.metric].higher_is_better,
        data_digest=data_digest,
        pairs=standings.pairs,
        groups=tie_groups(list(standings.scores), standings.pairs),
        take=choice.take,
        reason=choice.reason,
        could_be_best=standings.could_be_best,
        corrected=standings.corrected,
        collapses=dict(standings.collapses),
        num_groups=setting.num_groups,
        equal_groups=setting.equal_groups,
        about=setting.about,
        estimand=setting.estimand,
        level=setting.level,
        headline=headline(setting, standings),
        changes=changes(setting, standings),
        verdict=overall_verdict(setting, standings),
        advice=power_advice(setting, standings),
        margin=setting.margin,
    )


def tie_groups(order: Sequence[str], pairs: Sequence[PairReport]) -> tuple[tuple[str, ...], ...]:
    """Families in their order, cut before each that the first of its group is shown to beat.

    So no member of a group has a lower mean than a family behind it. `order` is from best to worst.
    """
    beaten = {winner_and_loser(pair) for pair in pairs}
    groups: list[list[str]] = []
    for name in order:
        if groups and (groups[-1][0], name) not in beaten:
            groups[-1].append(name)
        else:
            groups.append([name])
    return tuple(tuple(group) for group in groups)


def _unbeaten_first(order: Sequence[str], pairs: Sequence[PairReport]) -> list[str]:
    """A family that an earlier look has seen beaten does not lead, although later seeds of its victor may say so."""
    beaten = {found[1] for pair in pairs if (found := winner_and_loser(pair)) is not None}
    leader = next((name for name in order if name not in beaten), order[0])
    return [leader, *(name for name in order if name != leader)]


def _pairs(
    tables: Mapping[str, PredictionTable],
    measured: Mapping[str, Measured],
    setting: Setting,
    looks: LookPlan | None,
    *,
    with_power: bool,
) -> tuple[PairReport, ...]:
    names = list(combinations(measured, 2))
    both = [_on_common_splits(tables, measured, a, b) for a, b in names]
    found = [_difference(*pair) for pair in both]
    seeds = [(pair[0].num_networks, pair[1].num_networks) for pair in both]
    # One seed of a network says nothing about the luck of its training; a verdict would often be a false alarm.
    known = [not (setting.is_single(a) or setting.is_single(b)) for a, b in names]
    judged = [index for index, is_known in enumerate(known) if is_known]
    rank = {name: position for position, name in enumerate(measured)}
    shares = [_information(found[index], looks) for index in judged]
    steps = step_down(
        [_overall(found[index].p_value(), share, looks) for index, share in zip(judged, shares, strict=True)],
        [(rank[names[index][0]], rank[names[index][1]]) for index in judged],
        covariance(list(measured.values())),
        setting.level,
    )
    # Two one-sided tests spend their level on one side each.
    equal = [
        _overall(found[index].p_equivalent(setting.margin), share, looks)
        for index, share in zip(judged, shares, strict=True)
    ]
    equal_levels = holm_levels(equal, setting.level)
    decisions: dict[int, Decision] = {}
    for index, step, p, p_level, share in zip(judged, steps, equal, equal_levels, shares, strict=True):
        verdict: PairVerdict = "cannot tell"
        if step.rejected:
            verdict = "a better" if (found[index].value > 0) == METRICS[setting.metric].higher_is_better else "b better"
        elif p <= p_level:
            verdict = "equivalent"
        level = _nominal(p_level if verdict == "equivalent" else step.level, share, looks)
        decisions[index] = Decision(verdict, level)
    unjudged = Decision("cannot tell", setting.level)
    return tuple(
        _pair(pair, one, decisions.get(index, unjudged), setting, seeds[index], with_power=with_power and known[index])
        for index, (pair, one) in enumerate(zip(names, found, strict=True))
    )


class Decision(NamedTuple):
    """What is said about a pair, and the level of the test that says so."""

    verdict: PairVerdict
    level: float


def _information(found: Estimate, looks: LookPlan | None) -> tuple[float, ...]:
    """The share of the final information on a difference that is there at each look, by its variance of today."""
    if looks is None or found.parts is None:
        return ()
    variances = [found.parts.with_seeds(seeds).estimate(found.value).variance for seeds in looks.seeds]
    least = min(variances)
    if least <= 0:
        # Nothing varies: every look sees the same.
        return tuple(1.0 for _ in variances)
    return tuple(min(1.0, least / variance) for variance in variances)


def _overall(p_value: float, shares: tuple[float, ...], looks: LookPlan | None) -> float:
    """The p of one look as a p of all looks together."""
    return p_value if looks is None or not shares else spending.overall_p(p_value, shares, looks.look)


def _nominal(level: float, shares: tuple[float, ...], looks: LookPlan | None) -> float:
    """The level of this look's own test."""
    if looks is None or not shares:
        return level
    return spending.nominal_levels(shares[: looks.look + 1], level)[looks.look]


def _difference(a: Measured, b: Measured) -> Estimate:
    """The difference of two families; nothing is known where they have no split in common."""
    return difference(a, b) if len(a.per_seed) else Estimate(0.0, math.inf, 1.0)


def _on_common_splits(
    tables: Mapping[str, PredictionTable], measured: Mapping[str, Measured], a: str, b: str
) -> tuple[Measured, Measured]:
    """Resamples are compared one by one: one that a family lost, or did not come to, counts for none."""
    if not (tables[a].is_resampled or tables[a].training_resampled):
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
    decision: Decision,
    setting: Setting,
    seeds: tuple[int, int],
    *,
    with_power: bool,
) -> PairReport:
    a, b = names
    level = max(decision.level, 1e-12)
    if decision.verdict == "equivalent":
        low, high = found.interval(1 - 2 * level)
        low, high = min(low, 0.0), max(high, 0.0)
    else:
        low, high = found.interval(1 - level)
    low, high = _within_range((low, high), setting.metric)
    report = PairReport(
        a=a,
        b=b,
        metric=setting.metric,
        difference=found.value,
        low=low,
        high=high,
        level=level,
        seeds=seeds,
        p_value=found.p_value(),
        verdict=decision.verdict,
        sentence="",
        power=_power(found, decision, setting, max(seeds) > 1) if with_power else None,
    )
    return report.model_copy(update={"sentence": pair_sentence(setting, report)})


def _power(found: Estimate, decision: Decision, setting: Setting, has_seeds: bool) -> PowerReport | None:
    # What the pair must pass to be separated; an equivalent pair was decided by another test.
    level = setting.level / setting.num_pairs if decision.verdict == "equivalent" else max(decision.level, 1e-12)
    power = advise(found, margin=setting.margin, level=level, has_seeds=has_seeds)
    return None if power is None else PowerReport(**asdict(power))


def _within_range(interval: tuple[float, float], metric: str) -> tuple[float, float]:
    """A difference of two values in 0..1 lies in -1..1."""
    lowest, highest = METRICS[metric].range
    return max(interval[0], lowest - highest), min(interval[1], highest - lowest)


def _check(tables: Mapping[str, PredictionTable], metric: str, margin: float | None) -> None:
    """All faults of the request together; then whether the tables are of the same examples."""
    faults = []
    if metric not in METRICS:
        faults.append(unknown_metric(metric).rstrip("."))
    else:
        without = [name for name, table in tables.items() if metric not in available(table)]
        if without:
            faults.append(f"`metric` {metric} cannot be computed for {few(without)}")
    if margin is not None and not (margin > 0 and math.isfinite(margin)):
        faults.append(f"`margin` must be positive, got {margin}")
    if not tables:
        faults.append("there are no prediction tables to compare")
    if faults:
        said = "; ".join(faults)
        raise SpecError(said if said.endswith("?") else f"{said}.")
    digests = {name: table.data_digest for name, table in tables.items()}
    if len(set(digests.values())) > 1:
        named = ", ".join(f"{name} {digest}" for name, digest in digests.items())
        raise DigestError(f"families were evaluated on different data: {named}. Evaluate all of them on the same data.")
    first, *others = tables.items()
    kinds = {table.is_resampled for table in tables.values()}
    if len(kinds) > 1:
        raise DataError("some families were tested on resampled splits and some were not. Evaluate all of them alike.")
    if len({table.training_resampled for table in tables.values()}) > 1:
        raise DataError(
            "some families were trained on bootstraps of the training part and some were not. Train all of them alike."
        )
    odd = [name for name, table in others if not _same_examples(first[1], table)]
    if odd:
        raise DataError(
            f"the test examples of {', '.join(odd)} are not those of {first[0]}, although the data are the same. "
            "Evaluate them again."
        )


def _same_examples(a: PredictionTable, b: PredictionTable) -> bool:
    """Are both tables about the same test examples? Resamples are compared number by number."""
    if not a.is_resampled:
        return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("test_index", "labels", "targets"))
    rows = [(a.seeds.index(seed), b.seeds.index(seed)) for seed in a.seeds if seed in b.seeds]
    return all(
        np.array_equal(a.test_index[i], b.test_index[j]) and np.array_equal(a.labels[i], b.labels[j]) for i, j in rows
    )
