"""What a comparison says: of each pair, and of all families together. The sentences are in `templates.py`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hw3models.evaluation.facts import Facts, fact, labels
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.templates import say
from hw3models.evaluation.wording import (
    amount,
    decimals,
    difference_with_interval,
    is_smaller,
    listed,
    margin_amount,
    num_resamples,
    num_seeds,
    sentence,
    times,
    value,
    value_with_interval,
)
from hw3models.specs import Answer, Collapse, Estimand, PairReport, Score, TakeReason

LARGE_TEST_PART = 0.5
"""Test examples per training example of a resample above which the corrected t test is nearly blind."""
_ABOUT = {"training set": "about_training_set", "bootstraps": "about_bootstraps", "problem": "about_problem"}
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
    searches: Mapping[str, int] = field(default_factory=dict)
    """Family -> searches for its recipe whose luck is counted: its seeds are nested in them."""
    num_groups: int | None = None
    """Groups that the test examples come in; None where nobody named any."""
    equal_groups: float | None = None
    """Groups of one size that would say as much."""
    level: float = 0.05
    """Chance of one or more false alarms among all pairs, at most."""
    num_train: int | None = None
    """Training examples of a resample; None where all replicates share a split."""
    resampled: bool = False
    """Each replicate had a split of its own."""
    about: Literal["training set", "bootstraps", "problem"] = "training set"
    """What the verdict is about."""
    estimand: Estimand = "mean"
    """Families are compared by the mean over their seeds, or by the median."""
    facts: Facts

    def is_single(self, name: str) -> bool:
        """Is there one replicate alone, which says nothing about what others would do?"""
        return self.replicates(name) == 1 and not self.is_steady(name)

    def replicates(self, name: str) -> int:
        """What counts as independent: seeds, or searches where seeds are nested in them, or splits."""
        return self.searches.get(name, self.seeds[name])

    @property
    def replicate_told(self) -> str:
        """What more of is advised."""
        return "resamples" if self.resampled else "searches" if self.searches else "seeds"

    @property
    def replicate_each_told(self) -> str:
        """The same, with a number before it."""
        if not self.searches or self.resampled:
            return "resamples" if self.resampled else "seeds each"
        name, num = next(iter(self.searches.items()))
        seeds = self.seeds[name] // num
        return f"searches of {seeds} seed{'' if seeds == 1 else 's'} each"

    def is_steady(self, name: str) -> bool:
        """Would every replicate be the same? Not where each has a training set of its own."""
        return self.about == "training set" and fact(self.facts, name).deterministic

    def label(self, name: str) -> str:
        """The family's name as people write it."""
        return fact(self.facts, name).label

    @property
    def margin_told(self) -> str:
        """The margin, as it is printed."""
        return margin_amount(self.metric, self.margin)

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
        return tuple(name for name in self.scores if name == self.best or name not in beaten)

    @property
    def best(self) -> str:
        """The family that leads."""
        return next(iter(self.scores))

    def pair(self, a: str, b: str) -> PairReport:
        """The report on two families, whichever comes first in it."""
        return next(pair for pair in self.pairs if {pair.a, pair.b} == {a, b})

    def choice_is_not_the_best_mean(self, higher_is_better: bool) -> bool:
        """Has another family a better mean than the one that is taken?"""
        assert self.choice is not None
        means = [score.mean for score in self.scores.values()]
        best = max(means) if higher_is_better else min(means)
        return self.scores[self.choice.take].mean != best

    def beats(self, a: str, b: str) -> bool:
        """Is `a` significantly better?"""
        return winner_and_loser(self.pair(a, b)) == (a, b)


def winner_and_loser(pair: PairReport) -> tuple[str, str] | None:
    """The significantly better one and the other; None where there is neither."""
    return {"a better": (pair.a, pair.b), "b better": (pair.b, pair.a)}.get(pair.verdict)


def verdict_of(answer: Answer) -> str:
    """What is known about a study's families, in sentences."""
    return answer.comparison.verdict if answer.comparison else sentence(say("only_one"))


# --------------------------------------------------------------------------------------------- pairs


def pair_sentence(setting: Setting, pair: PairReport) -> str:
    """`GRU beats CNN by 1.2 points [0.4, 2.0] (95%, 10 seeds, 1,000 test examples)`, or that it is not known."""
    text = _finding(setting, pair, _basis(setting, pair))
    return text[:1].upper() + text[1:]


def _finding(setting: Setting, pair: PairReport, basis: str) -> str:
    single = [name for name in (pair.a, pair.b) if setting.is_single(name)]
    if single:
        return _of_one_replicate(setting, pair, single)
    found = winner_and_loser(pair)
    if found is not None:
        return _of_a_winner(setting, pair, found, basis)
    margin = setting.margin if pair.verdict == "equivalent" else None
    numbers = difference_with_interval(setting.metric, pair.difference, pair.low, pair.high, margin=margin)
    names = {"a": setting.label(pair.a), "b": setting.label(pair.b)}
    if margin is not None:
        return say("equivalent", **names, margin=setting.margin_told, difference=_joined(numbers, basis))
    return say("open", **names, difference=_joined(numbers, basis))


def _of_a_winner(setting: Setting, pair: PairReport, found: tuple[str, str], basis: str) -> str:
    size, (low, high) = abs(pair.difference), sorted((abs(pair.low), abs(pair.high)))
    numbers = difference_with_interval(setting.metric, size, low, high)
    names = {"winner": setting.label(found[0]), "loser": setting.label(found[1])}
    if is_smaller(setting.metric, size, low, high, setting.margin):
        return say("beats_a_little", **names, margin=setting.margin_told, difference=_joined(numbers, basis))
    return say("beats", **names, difference=_joined(numbers, basis))


def _of_one_replicate(setting: Setting, pair: PairReport, single: Sequence[str]) -> str:
    """Without an interval: it would count the test examples only, and might exclude zero."""
    places = {
        "a": setting.label(pair.a),
        "b": setting.label(pair.b),
        "amount": amount(setting.metric, pair.difference),
        "examples": f"{setting.num_test:,} test examples{_in_groups(setting)}",
    }
    return say("one_split", **places) if setting.resampled else say("one_seed", names=setting.listed(single), **places)


def _joined(numbers: str, basis: str) -> str:
    return f"{numbers} {basis}" if basis else numbers


def _basis(setting: Setting, pair: PairReport) -> str:
    confidence = f"{100 * (1 - setting.level):.4g}%"
    if setting.num_pairs > 1:
        confidence += f" for all {setting.num_pairs} pairs together"
    if setting.resampled:
        return f"({confidence}, {num_resamples(min(pair.seeds))} with {setting.num_test:,} test examples each)"
    counts = zip((pair.a, pair.b), pair.seeds, strict=True)
    seeds = num_seeds([count for name, count in counts if not setting.is_steady(name)])
    if searches := [setting.searches[name] for name in (pair.a, pair.b) if name in setting.searches]:
        seeds += f" of {min(searches)} searches"
    return f"({confidence}, {seeds}, {setting.num_test:,} test examples{_in_groups(setting)})"


def _in_groups(setting: Setting) -> str:
    return "" if setting.num_groups is None else f" of {_counted_groups(setting.num_groups)}"


def _counted_groups(number: int) -> str:
    return f"{number:,} group{'' if number == 1 else 's'}"


# ------------------------------------------------------------------------------------------- overall


def overall_verdict(setting: Setting, standings: Standings) -> str:
    """Sentences, the most important first, and each said once."""
    if len(standings.scores) == 1:
        (name,) = standings.scores
        alone = say("alone", name=setting.label(name), score=_score(setting, standings, name))
        return " ".join(map(sentence, (alone, say(_ABOUT[setting.about]))))
    texts = [
        _take(setting, standings),
        *unbeaten_baseline_sentences(setting, standings),
        *_about_pairs(setting, standings),
        *_about_the_equivalent(setting, standings),
        *_about_the_picked(setting, standings),
        *_about_no_baseline(standings),
        *_about_groups(setting),
        *_about_resamples(setting),
        *_about_collapses(setting, standings),
        *([say("about_median")] if setting.estimand == "median" else []),
        *_about_devices(setting, standings),
        *_about_budgets(setting, standings),
        *_about_searches(setting, standings),
        *_about_the_others(setting, standings),
        *_about_seeds(setting),
        say(_ABOUT[setting.about]),
    ]
    return " ".join(map(sentence, texts))


def _take(setting: Setting, standings: Standings) -> str:
    """The answer to "which should I use?": what, why, and how sure."""
    assert standings.choice is not None
    take, reason = standings.choice
    name, best = setting.label(take), standings.best
    if reason == "cheaper and not worse":
        cost = standings.costs[best] / standings.costs[take] if standings.costs[take] else math.inf
        places = {"margin": setting.margin_told, "best": setting.label(best), "times": times(cost)}
        return say("take_cheaper" if take in standings.could_be_best else "take_cheaper_beaten", name=name, **places)
    metric = METRICS[setting.metric].label
    if standings.choice_is_not_the_best_mean(METRICS[setting.metric].higher_is_better):
        # An earlier look has seen the family with the best mean beaten.
        metric += " of those that are not beaten"
    places = {"name": name, "metric": metric, "score": _score(setting, standings, take)}
    rest = [name for name in standings.could_be_best if name != take]
    if rest:
        return say("take_open", names=setting.listed(rest), mean=setting.estimand, **places)
    if not all(standings.beats(take, other) for other in standings.scores if other != take):
        return say("take_unbeaten", **places)
    others = "the other family" if len(standings.scores) == 2 else "every other family"
    return say("take_beats", others=others, **places)


def unbeaten_baseline_sentences(setting: Setting, standings: Standings) -> list[str]:
    """Said first, and only, where no network is shown to be better than the best baseline."""
    baseline = _unbeaten_baseline(standings)
    if baseline is None:
        return []
    networks = [name for name in standings.scores if name not in standings.baselines]
    any_beaten = any(standings.beats(one, other) for one in networks for other in standings.baselines)
    which = f"the best baseline, {setting.label(baseline)}," if any_beaten else "a baseline"
    texts = [say("no_baseline_beaten", baseline=which)]
    blind = next((name for name in standings.baselines if fact(setting.facts, name).ignores_examples), None)
    if blind is not None and not any(standings.beats(name, blind) for name in standings.scores if name != blind):
        texts.append(say("not_even", name=setting.label(blind)))
    return texts


def _unbeaten_baseline(standings: Standings) -> str | None:
    """The best baseline, where no network beats it."""
    networks = [name for name in standings.scores if name not in standings.baselines]
    if not networks or not standings.baselines:
        return None
    baseline = standings.baselines[0]
    return None if any(standings.beats(name, baseline) for name in networks) else baseline


def _about_pairs(setting: Setting, standings: Standings) -> list[str]:
    """The best network against a baseline that none beats, and the two that lead. How they were judged is said once."""
    names = list(standings.scores)
    pairs = [standings.pair(names[0], names[1])]
    baseline = _unbeaten_baseline(standings)
    if baseline is not None:
        network = next(name for name in names if name not in standings.baselines)
        pairs.insert(0, standings.pair(network, baseline))
    texts, said = [], set[str]()
    for pair in pairs:
        basis = _basis(setting, pair)
        texts.append(_finding(setting, pair, "" if basis in said else basis))
        if not any(setting.is_single(name) for name in (pair.a, pair.b)):
            said.add(basis)
    return texts if len(pairs) == 1 or pairs[0] is not pairs[1] else texts[:1]


def _about_the_equivalent(setting: Setting, standings: Standings) -> list[str]:
    """Where all that could be the best are equivalent to the best mean; of two it is said already."""
    best, *rest = standings.could_be_best
    if len(rest) < 2 or any(standings.pair(best, name).verdict != "equivalent" for name in rest):
        return []
    return [say("all_equivalent", names=setting.listed(rest), best=setting.label(best), margin=setting.margin_told)]


def _about_the_picked(setting: Setting, standings: Standings) -> list[str]:
    """The best of several looks better than it is."""
    score = standings.corrected
    if score is None:
        return []
    told = value_with_interval(setting.metric, score.mean, score.low, score.high, _digits(standings))
    num = str(len(standings.could_be_best))
    return [say("picked", num=num, name=setting.label(standings.best), score=told)]


def _about_groups(setting: Setting) -> list[str]:
    if setting.num_groups is None:
        return []
    groups, few = _counted_groups(setting.num_groups), str(FEW_GROUPS)
    if setting.num_groups < FEW_GROUPS:
        return [say("few_groups", groups=groups, few=few)]
    if setting.equal_groups is not None and setting.equal_groups < FEW_GROUPS:
        return [say("unequal_groups", groups=groups, alike=f"{setting.equal_groups:.1f}", few=few)]
    return []


def _about_resamples(setting: Setting) -> list[str]:
    """Said where the correction for overlap leaves hardly any power."""
    train = setting.num_train
    if train is None or setting.num_test <= LARGE_TEST_PART * train:
        return []
    return [say("blind_resamples", test=f"{setting.num_test:,}", train=f"{train:,}")]


def _about_collapses(setting: Setting, standings: Standings) -> list[str]:
    return [
        say(
            "collapsed" if setting.estimand == "mean" else "collapsed_of_median",
            num=str(one.seeds),
            of=str(one.of),
            name=setting.label(name),
            upper=f"{math.ceil(100 * one.upper)}%",
        )
        for name, one in standings.collapses.items()
    ]


def _about_no_baseline(standings: Standings) -> list[str]:
    """Networks that have learnt nothing cannot be separated either."""
    if standings.baselines or len(standings.could_be_best) < len(standings.scores):
        return []
    return [say("no_baseline")]


def _about_devices(setting: Setting, standings: Standings) -> list[str]:
    """Unequal devices of families whose times are compared, or of networks, whose last digits depend on them."""
    assert standings.choice is not None
    compared = {*standings.could_be_best, standings.choice.take}
    timed = [name for name in standings.costs if name in compared and name in standings.devices]
    networks = [name for name in standings.scores if name in standings.devices and name not in standings.baselines]
    for names, template in ((timed, "unequal_times"), (networks, "unequal_devices")):
        if len({standings.devices[name] for name in names}) > 1:
            told = ", ".join(f"{setting.label(name)} on {standings.devices[name]}" for name in names)
            return [say(template, devices=told)]
    return []


def _about_budgets(setting: Setting, standings: Standings) -> list[str]:
    """A family whose recipe was looked for longer has an advantage that is not its own."""
    budgets = {name: standings.budgets[name] for name in standings.scores if name in standings.budgets}
    if len(set(budgets.values())) < 2:
        return []
    return [
        say("unequal_budgets", budgets=", ".join(f"{setting.label(name)} {num:,}" for name, num in budgets.items()))
    ]


def _about_searches(setting: Setting, standings: Standings) -> list[str]:
    """Whether the luck of the search for recipes is in the intervals, where there was a search."""
    if setting.searches:
        return [say("search_counted", num=str(min(setting.searches.values())))]
    searched = [name for name in standings.scores if standings.budgets.get(name, 1) > 1]
    return [say("search_not_counted", names=setting.listed(searched))] if searched else []


def _about_the_others(setting: Setting, standings: Standings) -> list[str]:
    """Who is shown to be beaten by some family, where it is not said already."""
    assert standings.choice is not None
    said = {*standings.could_be_best, standings.choice.take}
    beaten = [name for name in standings.scores if name not in said]
    if not beaten or len(standings.scores) == 2:
        return []
    digits = _digits(standings)
    told = [f"{setting.label(name)} {value(setting.metric, standings.scores[name].mean, digits)}" for name in beaten]
    return [say("beaten", scores=", ".join(told))]


def _about_seeds(setting: Setting) -> list[str]:
    single = [name for name in setting.seeds if setting.is_single(name)]
    if not single or setting.resampled:
        return []
    return [say("seeds_unknown", names=setting.listed(single))]


def _score(setting: Setting, standings: Standings, name: str) -> str:
    score = standings.scores[name]
    return value_with_interval(setting.metric, score.mean, score.low, score.high, _digits(standings))


def _digits(standings: Standings) -> int:
    """Decimals of all scores: with unequal ones a lower score might look higher."""
    best = standings.scores[standings.best]
    return decimals(best.low, best.high)
