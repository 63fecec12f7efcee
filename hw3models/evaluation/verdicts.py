"""What a comparison says, in sentences: of each pair, and of all families together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from hw3models.specs import Answer, PairReport, Score
from hw3models.stats.power import MANY


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What was compared."""

    metric: str
    margin: float
    num_test: int
    num_pairs: int
    seeds: Mapping[str, int]
    """Family -> number of seeds, or of resampled splits."""
    level: float = 0.05
    """Chance of one or more false alarms among all pairs, at most."""
    resampled: bool = False
    """Each replicate had a split of its own."""
    facts: Facts

    def is_single(self, name: str) -> bool:
        """One replicate of something that others would do otherwise: it says nothing about them."""
        return self.seeds[name] == 1 and (self.resampled or not fact(self.facts, name).deterministic)

    def label(self, name: str) -> str:
        """The family's name as people write it."""
        return fact(self.facts, name).label

    def listed(self, names: Sequence[str]) -> str:
        """`MLP, CNN and GRU`."""
        return listed(labels(self.facts, names))


@dataclass(frozen=True, kw_only=True)
class Standings:
    """What came of it."""

    scores: Mapping[str, Score]
    """From the best family to the worst."""
    pairs: tuple[PairReport, ...]
    groups: tuple[tuple[str, ...], ...]
    baselines: tuple[str, ...]
    """From the best to the worst."""
    costs: Mapping[str, float]
    """Family -> training seconds per seed; may lack families."""
    devices: Mapping[str, str]
    budgets: Mapping[str, int]
    """Network -> recipes that were tried to find its own."""

    def pair(self, a: str, b: str) -> PairReport:
        """The report on two families, whichever comes first in it."""
        return next(pair for pair in self.pairs if {pair.a, pair.b} == {a, b})

    def beats(self, a: str, b: str) -> bool:
        """Is `a` significantly better?"""
        return winner_and_loser(self.pair(a, b)) == (a, b)


def winner_and_loser(pair: PairReport) -> tuple[str, str] | None:
    """None where neither is significantly better."""
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
        if size < setting.margin:
            text += f"; that is below the margin of {amount(setting.metric, setting.margin)}"
        return _capital(text)
    numbers = difference_with_interval(setting.metric, pair.difference, pair.low, pair.high)
    difference = f"{setting.label(pair.a)} minus {setting.label(pair.b)} is {numbers} {basis}"
    both = setting.listed([pair.a, pair.b])
    if pair.verdict == "equivalent":
        return _capital(f"{both} are equivalent within {amount(setting.metric, setting.margin)}: {difference}")
    text = f"{both} cannot be separated on this data: {difference}"
    if _fails_holm_only(setting, pair):
        text += f"; enough for one pair alone, not for one of {setting.num_pairs} (Holm)"
    return _capital(text)


def _fails_holm_only(setting: Setting, pair: PairReport) -> bool:
    """Alone, the pair would have been separated."""
    alone = pair.verdict == "cannot tell" and pair.p_value <= pair.level and setting.num_pairs > 1
    return alone and not _missing_seeds(setting, (pair.a, pair.b))


def _basis(setting: Setting, pair: PairReport) -> str:
    confidence = f"{100 * (1 - pair.level):.3g}%"
    if setting.resampled:
        return f"({confidence}, {num_resamples(pair.seeds[0])} with {setting.num_test:,} test examples each)"
    counts = zip((pair.a, pair.b), pair.seeds, strict=True)
    seeds = num_seeds([count for name, count in counts if not fact(setting.facts, name).deterministic])
    return f"({confidence}, {seeds}, {setting.num_test:,} test examples)"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _missing_seeds(setting: Setting, names: tuple[str, ...]) -> str:
    single = [name for name in names if setting.is_single(name)]
    if setting.resampled:
        return "; so few splits say nothing about others" if single else ""
    return f"; one seed of {setting.listed(single)} says nothing about other seeds" if single else ""


# ------------------------------------------------------------------------------------------- overall


def cheapest(standings: Standings) -> str:
    """Least training time per seed in the best group; the best family where no time is known."""
    known = [name for name in standings.groups[0] if name in standings.costs]
    return min(known, key=standings.costs.__getitem__) if known else standings.groups[0][0]


def overall_verdict(setting: Setting, standings: Standings) -> str:
    """Sentences, the most important first."""
    if len(standings.scores) == 1:
        (name,) = standings.scores
        return sentence(f"{setting.label(name)} alone ({_score(setting, standings, name)}): nothing to compare it with")
    texts = [
        *_about_baselines(setting, standings),
        *_about_the_best(setting, standings),
        *_about_no_baseline(standings),
        *_about_devices(setting, standings),
        *_about_budgets(setting, standings),
        *_about_the_others(setting, standings),
        *_about_seeds(setting),
    ]
    # The best pair may be the one that says that no network beats a baseline.
    return " ".join(dict.fromkeys(sentence(text) for text in texts))


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
    group, families = standings.groups[0], list(standings.scores)
    best = group[0]
    if len(group) == 1:
        others = " and is ahead of every other family" if len(families) > 2 else ""
        return [
            _finding(setting, standings.pair(best, families[1])),
            f"{setting.label(best)} is best: it has {_score(setting, standings, best)} {METRICS[setting.metric].label}"
            + others,
        ]
    pairs = [pair for pair in standings.pairs if pair.a in group and pair.b in group]
    if all(pair.verdict == "equivalent" for pair in pairs):
        text = f"{setting.listed(group)} are equivalent within {amount(setting.metric, setting.margin)}"
    elif any(winner_and_loser(pair) for pair in pairs):
        text = f"{setting.label(best)} is ahead, but {setting.listed(group[1:])} cannot be separated from it"
    else:
        text = f"{setting.listed(group)} cannot be separated on this data"
    if all(_fails_holm_only(setting, pair) for pair in pairs if best in (pair.a, pair.b)):
        text += f" once all {setting.num_pairs} pairs count (Holm)"
    ends = standings.pair(best, group[-1])
    if len(group) == 2:
        return [f"{text}{_about_cost(setting, standings)}", _finding(setting, ends)]
    sign = 1 if ends.a == best else -1
    low, high = sorted((sign * ends.low, sign * ends.high))
    gap = difference_with_interval(setting.metric, sign * ends.difference, low, high)
    return [
        f"{text}{_about_cost(setting, standings)}",
        f"from {setting.label(best)}, the first of them, to {setting.label(group[-1])}, the last, it is {gap} "
        + _basis(setting, ends),
    ]


def power_advice(setting: Setting, standings: Standings) -> str:
    """What the comparison of the two leading families could have shown; empty where that is not known."""
    leaders = list(standings.scores)[:2]
    if len(leaders) < 2:
        return ""
    pair = standings.pair(*leaders)
    if pair.power is None:
        return ""
    power, margin = pair.power, amount(setting.metric, setting.margin)
    corrected = f" after Holm's correction for {setting.num_pairs} pairs" if setting.num_pairs > 1 else ""
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


def _about_cost(setting: Setting, standings: Standings) -> str:
    """Which of the best group is the cheapest, and against which: nothing where no time is known."""
    known = {name: standings.costs[name] for name in standings.groups[0] if name in standings.costs}
    if len(known) < 2:
        return ""
    name, slowest = cheapest(standings), max(known, key=known.__getitem__)
    if known[slowest] <= 1.05 * known[name]:
        return "; they cost about the same to train"
    text = f"; the cheapest of them is {setting.label(name)}"
    # Counting classes takes microseconds: a factor would be a number without a meaning.
    if known[name] < 0.001:
        return f"{text} (next to no training; {setting.label(slowest)} takes {known[slowest]:.2g} s per seed)"
    return f"{text} ({times(known[slowest] / known[name])} faster to train than {setting.label(slowest)})"


def _about_no_baseline(standings: Standings) -> list[str]:
    """Networks that have learnt nothing cannot be separated either."""
    if standings.baselines or len(standings.groups) > 1:
        return []
    return ["no baseline was compared: whether any of them beats one is not known"]


def _about_devices(setting: Setting, standings: Standings) -> list[str]:
    """Of the best group, whose times are compared, and of all networks, whose last digits depend on the device."""
    group = [name for name in standings.groups[0] if name in standings.costs and name in standings.devices]
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
    if len(standings.scores) == 2 or len(standings.groups) == 1:
        return []
    texts = [
        ", ".join(f"{setting.label(name)} {value(setting.metric, standings.scores[name].mean)}" for name in group)
        for group in standings.groups[1:]
    ]
    return [f"behind: {'; then '.join(texts)}"]


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
