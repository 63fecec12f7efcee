"""The promotion gate: may the challenger take the champion's place?

Only for a difference that noise does not explain, on the same test examples. The challenger must be better by more than
the margin (a one-sided test), or, where that is asked for, cheaper to use and not worse by more than the margin (a
one-sided test of non-inferiority). The first champion must beat every baseline; all of them have to be beaten, so each
is tested at the whole level (Berger 1982). One that is a baseline itself must beat those that ignore the examples: its
cost need not be earned by beating another one.

Three kinds of luck are paid for (docs/decisions/0024):

- Many nights. Decision k about one champion is made at the level of `share_of`, and these add up to `LEVEL`: so no
  champion loses its place by luck alone with more than that probability, however many challenge it. A better one
  begins anew.
- The best of several. The level is divided by the number of models that the challenger was picked from.
- Small losses that add up. A cheaper challenger must also not be worse than the anchor, the last champion that was
  better than the one before it. It does not move when a champion is replaced by a cheaper one.

What would make the comparison unfair is refused: other data, another number of tried recipes, under 3 seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import NO_FACTS, Facts, fact, labels
from hw3models.evaluation.metrics import METRICS, available, default_metric, measure
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.wording import amount, difference_with_interval, listed
from hw3models.specs import ComparisonReport, GateDecision, Grounds, RegistryEvent
from hw3models.stats.intervals import Estimate, difference

LEVEL = 0.05
"""Chance that a champion ever loses its place by luck alone, at most."""
MIN_SEEDS = 3
"""Fewest seeds that say something about the luck of training."""
CHEAPER = 0.8
"""Share of the champion's prediction time below which a challenger is cheaper: a clock's noise is smaller."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Replicates of one family as the gate sees them."""

    family: str
    table: PredictionTable
    tried: int | None
    """Recipes that were tried to find its own; None of a baseline, which has none."""
    parameters: int
    """Learnt numbers of one replicate."""
    recipe: str = ""
    """Equal for candidates that differ in nothing but their seeds; empty where that is not known."""
    predict_seconds: float | None = None
    """Seconds of one replicate for the test split, measured beside the other's. None: not asked for."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Which decision this is, and what the challenger was picked from."""

    number: int = 1
    """Decisions about the present champion so far, this one included."""
    picked_from: int = 1
    """Models of the study, of which the challenger is one."""

    called: str = "networks"
    """What they are, in words."""

    @property
    def level(self) -> float:
        """One-sided level of this decision."""
        return LEVEL * share_of(self.number) / self.picked_from

    @property
    def text(self) -> str:
        """What it is, for the reason."""
        picked = f", best of {self.picked_from} {self.called}" if self.picked_from > 1 else ""
        chance = f"luck alone changes it in at most {100 * self.level:.2g}% of cases"
        return f"Decision {self.number:,} about this champion{picked}: {chance}."


FIRST = Turn()


def share_of(decision: int) -> float:
    """The share of the level that a decision may spend: 1/2, 1/6, 1/12, ...; the first k together k / (k + 1)."""
    return 1 / (decision * (decision + 1))


class Reign(NamedTuple):
    """What the history of a model says about its present champion."""

    anchor: int | None
    """The last version that became champion otherwise than by being cheaper: what a cheaper one is measured by."""
    judged: tuple[tuple[int, str | None], ...]
    """Versions that have spent a part of the level since then, each with its metric; in their order."""

    def turn(self, version: int, metric: str, picked_from: int) -> Turn:
        """The turn of `version`. One that was judged before has the same again: the same examples say the same."""
        known = (version, metric) in self.judged
        number = self.judged.index((version, metric)) if known else len(self.judged)
        return Turn(number=number + 1, picked_from=picked_from)


def reign_of(history: Sequence[RegistryEvent]) -> Reign:
    """The reign that the events, oldest first, end in."""
    champion, anchor = None, None
    judged: list[tuple[int, str | None]] = []
    for event in history:
        is_new = event.champion is not None and event.champion != champion
        if is_new and event.grounds != "cheaper":
            anchor = event.champion
            # Who rolls back has not found anything new.
            judged = judged if event.event == "rollback" else []
        elif event.level is not None and (event.version, event.metric) not in judged:
            judged.append((event.version, event.metric))
        champion = event.champion
    return Reign(anchor, tuple(judged))


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    *,
    baselines: Mapping[str, PredictionTable],
    anchor: PredictionTable | None = None,
    metric: str | None = None,
    margin: float | None = None,
    prefer_cheaper: bool = False,
    facts: Facts = NO_FACTS,
    turn: Turn = FIRST,
) -> GateDecision:
    """Judge the challenger against the champion, or, without one, against the baselines of its own study.

    `margin` is in the metric's own unit; None: as in a comparison. `facts` are those of the families involved.
    `anchor` is the anchor's table where that is not the champion itself.

    Raises:
        SpecError: no such metric, or a margin that is not positive.
        DataError: the tables are of different test examples.
    """
    metric = default_metric(available(challenger.table)) if metric is None else metric
    faults = refusals(challenger, champion, facts)
    baselines, is_simplest = _to_be_beaten(challenger, baselines, facts)
    if champion is None and not baselines and not is_simplest:
        kind = "simpler baselines" if fact(facts, challenger.family).is_baseline else "baselines"
        faults.append(f"the study has no {kind}, which a first champion must beat: run it with all families")
    if faults:
        return GateDecision(outcome="refused", reason=f"Refused: {'; '.join(faults)}.", metric=metric)
    if champion is None and not baselines:
        reason = "The first champion: a baseline, and nothing simpler was in the study."
        return GateDecision(outcome="champion", grounds="first", reason=reason, metric=metric)
    if champion is None:
        return _against_baselines(challenger, baselines, metric, margin, facts, turn)
    if challenger.recipe and challenger.recipe == champion.recipe:
        reason = "The champion's own recipe with other seeds, by the same code: a difference would be luck, so none is "
        reason += "looked for."
        return GateDecision(outcome="challenger", reason=reason, metric=metric)
    cheaper = _cheaper(challenger, champion, facts) if prefer_cheaper else None
    others = {"champion": champion.table} | ({} if anchor is None else {"anchor": anchor})
    known = {"challenger": fact(facts, challenger.family), "champion": fact(facts, champion.family)}
    return _against_champion(challenger.table, others, metric, margin, cheaper, turn, _in_roles(known))


def _to_be_beaten(
    challenger: Candidate, baselines: Mapping[str, PredictionTable], facts: Facts
) -> tuple[Mapping[str, PredictionTable], bool]:
    """The baselines that a first champion must beat, and whether nothing simpler than it is thought of."""
    own = fact(facts, challenger.family)
    others = {name: one for name, one in baselines.items() if name != challenger.family}
    if not own.is_baseline:
        return others, False
    blind = {name: one for name, one in others.items() if fact(facts, name).ignores_examples}
    return blind, own.ignores_examples or challenger.table.codes is not None


def _in_roles(known: Facts) -> Facts:
    """What is known about both, under what they are called here."""
    return {role: replace(one, label=role) for role, one in known.items()}


def refusals(challenger: Candidate, champion: Candidate | None, facts: Facts = NO_FACTS) -> list[str]:
    """Why a comparison of the two would not be fair; all reasons."""
    faults = []
    sides = {"challenger": challenger} | ({} if champion is None else {"champion": champion})
    for side, one in sides.items():
        if one.table.is_resampled:
            faults.append(f"the {side}'s replicates were tested on splits of their own, not on the test split")
        elif one.table.training_resampled:
            faults.append(f"the {side}'s replicates were trained on bootstraps, not on the whole training part")
        elif (seeds := one.table.num_networks) < MIN_SEEDS and not fact(facts, one.family).deterministic:
            faults.append(f"the {side} has {seeds} seed{'' if seeds == 1 else 's'}, at least {MIN_SEEDS} are needed")
    if champion is None:
        return faults
    ours, theirs = challenger.table.data_digest, champion.table.data_digest
    if ours != theirs:
        faults.append(f"other data: the challenger was tested on {ours}, the champion on {theirs}")
    if None not in (challenger.tried, champion.tried) and challenger.tried != champion.tried:
        faults.append(
            f"unequal budget: {challenger.tried} recipes were tried for the challenger and {champion.tried} for the "
            "champion; run a study in which both families have the same"
        )
    return faults


def _against_baselines(
    challenger: Candidate,
    baselines: Mapping[str, PredictionTable],
    metric: str,
    margin: float | None,
    facts: Facts,
    turn: Turn,
) -> GateDecision:
    found = [
        compare(
            {challenger.family: challenger.table, name: table},
            metric=metric,
            margin=margin,
            train_seconds={},
            facts=facts,
            level=2 * turn.level,
        )
        for name, table in baselines.items()
    ]
    pairs = tuple(one.pairs[0] for one in found)
    unbeaten = [pair.b for pair in pairs if pair.verdict != "a better"]
    if not unbeaten:
        reason = f"The first champion: it beats {listed(labels(facts, baselines))} beyond noise."
    else:
        reason = f"No champion yet, and it does not beat {listed(labels(facts, unbeaten))} beyond noise. "
        reason += " ".join(pair.sentence for pair in pairs if pair.b in unbeaten)
    return GateDecision(
        outcome="challenger" if unbeaten else "champion",
        grounds=None if unbeaten else "first",
        reason=reason,
        metric=metric,
        margin=found[0].margin,
        level=turn.level,
        pairs=pairs,
    )


def _against_champion(
    challenger: PredictionTable,
    others: Mapping[str, PredictionTable],
    metric: str,
    margin: float | None,
    cheaper: "Cheaper | None",
    turn: Turn,
    facts: Facts,
) -> GateDecision:
    """`others` are the champion and, where it is another one, the anchor."""
    found = {
        name: compare(
            {"challenger": challenger, name: table},
            metric=metric,
            margin=margin,
            train_seconds={},
            facts=facts,
            level=2 * turn.level,
        )
        for name, table in others.items()
    }
    margin = found["champion"].margin
    gains = {name: _gain(challenger, table, metric) for name, table in others.items()}
    grounds = grounds_for(
        gains["champion"],
        margin,
        turn.level,
        is_cheaper=bool(cheaper and cheaper.is_so),
        from_anchor=gains.get("anchor"),
    )
    return GateDecision(
        outcome="challenger" if grounds is None else "champion",
        grounds=grounds,
        reason=f"{_reason(grounds, gains, metric, margin, cheaper, turn)} {turn.text}",
        metric=metric,
        margin=margin,
        level=turn.level,
        pairs=tuple(one.pairs[0] for one in found.values()),
    )


def grounds_for(
    gain: Estimate, margin: float, level: float, *, is_cheaper: bool = False, from_anchor: Estimate | None = None
) -> Literal["better", "cheaper"] | None:
    """Why a challenger takes over, given its gain on the champion; None where it does not."""
    if gain.limit(level, upper=False) > margin:
        return "better"
    held = (gain,) if from_anchor is None else (gain, from_anchor)
    return "cheaper" if is_cheaper and all(one.p_inferior(margin) <= level for one in held) else None


def _reason(
    grounds: Grounds | None,
    gains: Mapping[str, Estimate],
    metric: str,
    margin: float,
    cheaper: "Cheaper | None",
    turn: Turn,
) -> str:
    limit = amount(metric, margin)
    texts = {
        name: difference_with_interval(metric, gain.value, *gain.interval(1 - 2 * turn.level))
        for name, gain in gains.items()
    }
    gain = gains["champion"]
    if grounds == "better":
        return f"Better than the champion by {texts['champion']}, beyond noise by the margin of {limit}."
    if cheaper is None or gain.p_inferior(margin) > turn.level:
        text = f"Not better than the champion beyond noise by the margin of {limit}"
        return f"{text}: the difference is {texts['champion']}."
    alike = "Equivalent to" if gain.p_equivalent(margin) <= turn.level else "Not worse than"
    text = f"{alike} the champion within {limit} ({texts['champion']}), and {cheaper.text}."
    if "anchor" not in gains or not cheaper.is_so:
        return text
    shown = "not worse" if grounds == "cheaper" else "not shown to be no worse"
    return (
        f"{text} Against the last champion that was not taken for being cheaper it is {shown} within {limit} "
        f"({texts['anchor']})."
    )


class Cheaper(NamedTuple):
    """Whether the challenger is cheaper, and how that is said."""

    is_so: bool
    text: str


def _cheaper(challenger: Candidate, champion: Candidate, facts: Facts) -> Cheaper:
    """Equal networks are never cheaper than each other, whatever a clock says."""
    if (challenger.family, challenger.parameters) == (champion.family, champion.parameters):
        return Cheaper(False, f"the same network ({fact(facts, champion.family).label}), so not cheaper")
    ours, theirs = challenger.predict_seconds, champion.predict_seconds
    if ours is None or theirs is None or theirs <= 0:
        return Cheaper(False, "what predictions cost is not known")
    share = ours / theirs
    cheaper = share <= CHEAPER
    text = f"{'' if cheaper else 'not '}cheaper: its predictions take {100 * share:.0f}% of the champion's time"
    return Cheaper(cheaper, text if cheaper else f"{text}, at most {100 * CHEAPER:.0f}% would be")


def _gain(ours: PredictionTable, theirs: PredictionTable, metric: str) -> Estimate:
    """The difference, such that more is better."""
    a, b = measure(ours, metric), measure(theirs, metric)
    return difference(a, b) if METRICS[metric].higher_is_better else difference(b, a)


def winner(comparison: ComparisonReport | None, candidates: Sequence[str]) -> str | None:
    """The candidate that a study recommends: the family to take, or the best where that is none; None without any."""
    order = [] if comparison is None else [comparison.take, *(name for group in comparison.groups for name in group)]
    return next((name for name in (*order, *candidates) if name in candidates), None)
