"""What a comparison says, in sentences: of each pair, and of all families together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hw3models.evaluation.facts import Facts, fact, labels
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.wording import (
    amount,
    difference_with_interval,
    listed,
    num_resamples,
    num_seeds,
    sentence,
    times,
    value,
    value_with_interval,
)
from hw3models.specs import Answer, Collapse, PairReport, Score, TakeReason
from hw3models.stats.power import MANY

FEW_GROUPS = 10
"""With fewer groups than this, the variance over groups is hardly known."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What was compared."""

    metric: str
    margin: float
    num_test: int
    num_pairs: int
    seeds: Mapping[str, int]
    """Family -> number of seeds, or of resampled splits."""
    num_groups: int | None = None
    """Groups that the test examples come in; None where nobody named any."""
    level: float = 0.05
    """Chance of one or more false alarms among all pairs, at most."""
    resampled: bool = False
    """Each replicate had a split of its own."""
    about: Literal["training set", "problem"] = "training set"
    """What the verdict is about."""
    facts: Facts

    def is_single(self, name: str) -> bool:
        """Is there one replicate alone, which says nothing about what others would do?"""
        return self.seeds[name] == 1 and (self.resampled or not fact(self.facts, name).deterministic)

    def label(self, name: str) -> str:
        """The family's name as people write it."""
        return fact(self.facts, name).label

    def listed(self, names: Sequence[str]) -> str:
        """`MLP, CNN and GRU`."""
        return listed(labels(self.facts, names))


class Choice(NamedTuple):
    """Which family to use."""

    take: str
    reason: TakeReason


@dataclass(frozen=True, kw_only=True)
class Standings:
    """What came of it."""

    scores: Mapping[str, Score]
    """Family -> score, the best first."""
    pairs: tuple[PairReport, ...]
    baselines: tuple[str, ...]
    """The best first."""
    costs: Mapping[str, float]
    """Family -> training seconds per seed; may lack families."""
    devices: Mapping[str, str]
    budgets: Mapping[str, int]
    """Network -> recipes that were tried to find its own."""
    collapses: Mapping[str, Collapse]
    """Family -> its seeds that learnt next to nothing."""
    choice: Choice | None = None
    corrected: Score | None = None
    """The best score, less what it owes to having been picked."""

    @property
    def could_be_best(self) -> tuple[str, ...]:
        """Families that no other is shown to beat, from the best mean to the worst."""
        beaten = {found[1] for pair in self.pairs if (found := winner_and_loser(pair)) is not None}
        best = next(iter(self.scores))
        return tuple(name for name in self.scores if name == best or name not in beaten)

    def pair(self, a: str, b: str) -> PairReport:
        """The report on two families, whichever comes first in it."""
        return next(pair for pair in self.pairs if {pair.a, pair.b} == {a, b})

    def beats(self, a: str, b: str) -> bool:
        """Is `a` significantly better?"""
        return winner_and_loser(self.pair(a, b)) == (a, b)


def winner_and_loser(pair: PairReport) -> tuple[str, str] | None:
    """The significantly better one and the other; None where there is neither."""
    return {"a better": (pair.a, pair.b), "b better": (pair.b, pair.a)}.get(pair.verdict)


def verdict_of(answer: Answer) -> str:
    """What is known about a study's families, in sentences."""
    return answer.comparison.verdict if answer.comparison else "One family only: nothing to compare."


# --------------------------------------------------------------------------------------------- pairs


def pair_sentence(setting: Setting, pair: PairReport) -> str:
    """`GRU beats CNN by 1.2 points [0.4, 2.0] (95%, 10 seeds, 1,000 test examples)`, or that it is not known."""
    return f"{_finding(setting, pair)}{_missing_seeds(setting, (pair.a, pair.b))}"


def _finding(setting: Setting, pair: PairReport) -> str:
    basis = _basis(setting, pair)
    found = winner_and_loser(pair)
    if found is not None:
        winner, loser = found
        size, (low, high) = abs(pair.difference), sorted((abs(pair.low), abs(pair.high)))
        text = f"{setting.label(winner)} beats {setting.label(loser)} by "
        text += f"{difference_with_interval(setting.metric, size, low, high)} {basis}"
        if size < setting.margin and (said := amount(setting.metric, setting.margin)) != amount(setting.metric, size):
            text += f"; that is below the margin of {said}"
        return _capital(text)
    numbers = difference_with_interval(setting.metric, pair.difference, pair.low, pair.high)
    difference = f"{setting.label(pair.a)} minus {setting.label(pair.b)} is {numbers} {basis}"
    both = setting.listed([pair.a, pair.b])
    if pair.verdict == "equivalent":
        return _capital(f"{both} are equivalent within {amount(setting.metric, setting.margin)}: {difference}")
    return _capital(f"{both} cannot be separated on this data: {difference}")


def _basis(setting: Setting, pair: PairReport) -> str:
    confidence = f"{100 * (1 - setting.level):.3g}%"
    if setting.num_pairs > 1 and not _missing_seeds(setting, (pair.a, pair.b)):
        confidence += f" for all {setting.num_pairs} pairs together"
    if setting.resampled:
        return f"({confidence}, {num_resamples(pair.seeds[0])} with {setting.num_test:,} test examples each)"
    counts = zip((pair.a, pair.b), pair.seeds, strict=True)
    seeds = num_seeds([count for name, count in counts if not fact(setting.facts, name).deterministic])
    return f"({confidence}, {seeds}, {setting.num_test:,} test examples{_in_groups(setting)})"


def _in_groups(setting: Setting) -> str:
    if setting.num_groups is None:
        return ""
    return f" of {setting.num_groups:,} group{'' if setting.num_groups == 1 else 's'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _missing_seeds(setting: Setting, names: tuple[str, ...]) -> str:
    single = [name for name in names if setting.is_single(name)]
    if setting.resampled:
        return "; so few splits say nothing about others" if single else ""
    return f"; one seed of {setting.listed(single)} says nothing about other seeds" if single else ""


# ------------------------------------------------------------------------------------------- overall


def overall_verdict(setting: Setting, standings: Standings) -> str:
    """Sentences, the most important first."""
    if len(standings.scores) == 1:
        (name,) = standings.scores
        return sentence(f"{setting.label(name)} alone ({_score(setting, standings, name)}): nothing to compare it with")
    texts = [
        _take(setting, standings),
        *_about_baselines(setting, standings),
        *_about_the_best(setting, standings),
        *_about_the_picked(setting, standings),
        *_about_no_baseline(standings),
        *_about_groups(setting),
        *_about_collapses(setting, standings),
        *_about_devices(setting, standings),
        *_about_budgets(setting, standings),
        *_about_the_others(setting, standings),
        *_about_seeds(setting),
        _about_the_estimand(setting),
    ]
    # The best pair may be the one that says that no network beats a baseline.
    return " ".join(dict.fromkeys(sentence(text) for text in texts))


def _take(setting: Setting, standings: Standings) -> str:
    """The answer to "which should I use?": what, why, and how sure."""
    assert standings.choice is not None
    take, reason = standings.choice
    best = next(iter(standings.scores))
    score = f"{METRICS[setting.metric].label}, {_score(setting, standings, take)}"
    if reason == "cheaper and not worse":
        limit = amount(setting.metric, setting.margin)
        cost = times(standings.costs[best] / standings.costs[take])
        text = f"take {setting.label(take)}: shown to be at most {limit} worse than the best, {setting.label(best)}"
        return f"{text}, and {cost} faster to train"
    if reason == "better than all":
        others = "the other family" if len(standings.scores) == 2 else "every other family"
        return f"take {setting.label(take)}: the best {score}, shown to beat {others}"
    rest = [name for name in standings.could_be_best if name != take]
    return f"take {setting.label(take)}: the best mean {score}, but {setting.listed(rest)} could still be better"


def _about_baselines(setting: Setting, standings: Standings) -> list[str]:
    """Said first, and only, where no network is significantly better than the best baseline."""
    networks = [name for name in standings.scores if name not in standings.baselines]
    if not networks or not standings.baselines:
        return []
    baseline, network = standings.baselines[0], networks[0]
    if any(standings.beats(name, baseline) for name in networks):
        return []
    any_beaten = any(standings.beats(one, other) for one in networks for other in standings.baselines)
    which = f"the best baseline, {setting.label(baseline)}," if any_beaten else "a baseline"
    texts = [f"no network beats {which} beyond noise", _finding(setting, standings.pair(network, baseline))]
    blind = next((name for name in standings.baselines if fact(setting.facts, name).ignores_examples), None)
    if blind is not None and not any(standings.beats(name, blind) for name in standings.scores if name != blind):
        not_even = f"not even the {setting.label(blind)} is beaten"
        texts.insert(1, f"{not_even}: nothing here shows that these data tell the label")
    return texts


def _about_the_best(setting: Setting, standings: Standings) -> list[str]:
    """The pair that decides: the best family and the best of those it is shown to beat, or the next one."""
    families = list(standings.scores)
    best, rest = families[0], list(standings.could_be_best[1:])
    texts = [_finding(setting, standings.pair(best, families[1]))]
    pairs = [standings.pair(best, name) for name in rest]
    if len(pairs) > 1 and all(pair.verdict == "equivalent" for pair in pairs):
        texts.append(f"{setting.listed([best, *rest])} are equivalent within {amount(setting.metric, setting.margin)}")
    return texts


def _about_the_picked(setting: Setting, standings: Standings) -> list[str]:
    """The best of several looks better than it is."""
    score = standings.corrected
    if score is None:
        return []
    num, best = len(standings.could_be_best), next(iter(standings.scores))
    corrected = value_with_interval(setting.metric, score.mean, score.low, score.high)
    return [f"corrected for being picked as the best of {num}, {setting.label(best)} has {corrected}"]


def _about_groups(setting: Setting) -> list[str]:
    if setting.num_groups is None or setting.num_groups >= FEW_GROUPS:
        return []
    number = f"{setting.num_groups} group{'' if setting.num_groups == 1 else 's'}"
    return [f"the test examples come from {number} only: intervals from fewer than {FEW_GROUPS} are rough"]


def _about_collapses(setting: Setting, standings: Standings) -> list[str]:
    return [
        f"{one.seeds} of {one.of} seeds of {setting.label(name)} collapsed (learnt next to nothing); "
        f"of all seeds it may be up to {100 * one.upper:.0f}%: more seeds tell"
        for name, one in standings.collapses.items()
    ]


def _about_the_estimand(setting: Setting) -> str:
    if setting.about == "problem":
        return "this counts other training and test sets of these data as well"
    return "this is about networks trained on this training set: another one may order them otherwise"


def power_advice(setting: Setting, standings: Standings) -> str:
    """What the comparison of the two leading families could have shown; empty where that is not known."""
    leaders = list(standings.scores)[:2]
    if len(leaders) < 2:
        return ""
    pair = standings.pair(*leaders)
    if pair.power is None:
        return ""
    power, margin = pair.power, amount(setting.metric, setting.margin)
    corrected = f" among all {setting.num_pairs} pairs" if setting.num_pairs > 1 else ""
    lowest, highest = METRICS[setting.metric].range
    if power.detectable > highest - lowest:
        largest = amount(setting.metric, highest - lowest)
        found = (
            f"between {setting.listed(leaders)} even the largest possible difference, {largest}, "
            f"could be missed{corrected}"
        )
    else:
        found = (
            f"between {setting.listed(leaders)} a true difference of {amount(setting.metric, power.detectable)} "
            f"would be found with 80% power{corrected}"
        )
    if power.detectable <= setting.margin:
        return sentence(f"{found}, less than the margin of {margin}")
    replicates = "resamples" if setting.resampled else "seeds each"
    if power.seeds_for_margin is not None:
        return sentence(f"{found}; for {margin} it takes {power.seeds_for_margin:,} {replicates}")
    floor = amount(setting.metric, power.detectable_with_many_seeds)
    if power.examples_factor is None:
        # Training itself varies too much (or resamples overlap): no number of test examples is known to help.
        return sentence(f"{found}; even {MANY:,} {replicates} would not find {margin}, but {floor}")
    examples = float(f"{setting.num_test * power.examples_factor:.2g}")
    return sentence(
        f"{found}; no number of seeds finds {margin}: {setting.num_test:,} test examples allow {floor} at best, "
        f"and {margin} takes about {examples:,.0f} of them"
    )


def _about_no_baseline(standings: Standings) -> list[str]:
    """Networks that have learnt nothing cannot be separated either."""
    if standings.baselines or len(standings.could_be_best) < len(standings.scores):
        return []
    return ["no baseline was compared: whether any of them beats one is not known"]


def _about_devices(setting: Setting, standings: Standings) -> list[str]:
    """Unequal devices of the best group, whose times are compared, or of networks, whose last digits depend on them."""
    group = [name for name in standings.could_be_best if name in standings.costs and name in standings.devices]
    networks = [name for name in standings.scores if name in standings.devices and name not in standings.baselines]
    for names, what in ((group, "the training times are of different devices"), (networks, "devices differ")):
        if len({standings.devices[name] for name in names}) > 1:
            return [f"{what}: " + ", ".join(f"{setting.label(name)} on {standings.devices[name]}" for name in names)]
    return []


def _about_budgets(setting: Setting, standings: Standings) -> list[str]:
    """A family whose recipe was looked for longer has an advantage that is not its own."""
    budgets = {name: standings.budgets[name] for name in standings.scores if name in standings.budgets}
    if len(set(budgets.values())) < 2:
        return []
    named = ", ".join(f"{setting.label(name)} {count:,}" for name, count in budgets.items())
    return [f"tuning budgets differ (recipes tried: {named}), which favours those with more"]


def _about_the_others(setting: Setting, standings: Standings) -> list[str]:
    """Who is shown to be beaten by some family, where it is not said already."""
    beaten = [name for name in standings.scores if name not in standings.could_be_best]
    if not beaten or len(standings.scores) == 2:
        return []
    named = ", ".join(f"{setting.label(name)} {value(setting.metric, standings.scores[name].mean)}" for name in beaten)
    return [f"shown to be beaten: {named}"]


def _about_seeds(setting: Setting) -> list[str]:
    single = [name for name in setting.seeds if setting.is_single(name)]
    if not single:
        return []
    if setting.resampled:
        return ["with one split, nothing is known about other splits"]
    unknown = f"with one seed of {setting.listed(single)}, nothing is known about other seeds"
    return [f"{unknown}: intervals count the examples only"]


def _score(setting: Setting, standings: Standings, name: str) -> str:
    score = standings.scores[name]
    return value_with_interval(setting.metric, score.mean, score.low, score.high)
