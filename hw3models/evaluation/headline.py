"""The answer in one sentence, *take X, because Y*, and what would change it. The sentences are in `templates.py`."""

import math

from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.templates import say
from hw3models.evaluation.verdicts import Setting, Standings, unbeaten_baseline_sentences
from hw3models.evaluation.wording import margin_amount, sentence, times
from hw3models.stats.power import MANY

MOST_NAMES = 3
"""Families that a headline names; more are counted."""


def headline(setting: Setting, standings: Standings) -> str:
    """Which family to take and why; behind it that no network beats a baseline, where that is so."""
    if len(standings.scores) == 1:
        return ""
    return " ".join(map(sentence, (_because(setting, standings), *unbeaten_baseline_sentences(setting, standings))))


def _because(setting: Setting, standings: Standings) -> str:
    assert standings.choice is not None
    take, reason = standings.choice
    name = setting.label(take)
    if reason == "cheaper and not worse":
        cost = standings.costs[standings.best] / standings.costs[take] if standings.costs[take] else math.inf
        best, margin = setting.label(standings.best), setting.margin_told
        return say("because_cheaper", name=name, margin=margin, best=best, times=times(cost))
    metric = METRICS[setting.metric].label
    if standings.choice_is_not_the_best_mean(METRICS[setting.metric].higher_is_better):
        metric += " of those that are not beaten"
    rest = [one for one in standings.could_be_best if one != take]
    if rest:
        others = setting.listed(rest) if len(rest) <= MOST_NAMES else f"{len(rest)} others"
        return say("because_open", name=name, mean=setting.estimand, metric=metric, others=others)
    if not all(standings.beats(take, other) for other in standings.scores if other != take):
        return say("because_unbeaten", name=name, metric=metric)
    others = "the other family" if len(standings.scores) == 2 else "every other family"
    return say("because_beats", name=name, others=others)


def changes(setting: Setting, standings: Standings) -> str:
    """What would change the answer: seeds or test examples where it is open, and another training set."""
    if len(standings.scores) == 1:
        return ""
    assert standings.choice is not None
    is_open = standings.choice.reason == "best mean" and len(standings.could_be_best) > 1
    texts = [_to_decide(setting, standings)] if is_open else []
    if setting.about == "training set":
        texts.append(say("change_training_set"))
    return " ".join(sentence(text) for text in texts if text)


def _to_decide(setting: Setting, standings: Standings) -> str:
    """What it takes to separate the two that lead among those that could be the best."""
    leaders = standings.could_be_best[:2]
    pair, names = standings.pair(*leaders), setting.listed(leaders)
    replicates = setting.replicate_told
    if single := [name for name in leaders if setting.is_single(name)]:
        return say("change_one", replicates=replicates, names=setting.listed(single))
    power, margin = pair.power, margin_amount(setting.metric, setting.margin)
    if power is None:
        return ""
    if power.detectable <= setting.margin:
        return say("change_small", replicates=replicates, margin=margin, names=names)
    if power.seeds_for_margin is not None:
        here = min((setting.replicates(name) for name in leaders if not setting.is_steady(name)), default=0)
        num, each = f"{max(power.seeds_for_margin, here + 1):,}", setting.replicate_each_told
        return say("change_seeds", num=num, replicates=each, names=names, margin=margin)
    if power.examples_factor is None:
        return say("change_hardly", replicates=replicates, many=f"{MANY:,}", margin=margin, names=names)
    examples = float(f"{setting.num_test * power.examples_factor:.2g}")
    return say("change_examples", examples=f"{examples:,.0f}", num=f"{setting.num_test:,}", margin=margin)
