"""The promotion gate: may the challenger take the champion's place?

Only for a difference that noise does not explain. Both are judged on the same test examples, by the comparison that
judges families (`hw3models.evaluation.comparison`): the challenger is better where the 95% interval of the difference
lies wholly beyond the margin (superiority by a margin, a one-sided test at 2.5%), or, where that is asked for,
equivalent within the margin (Schuirmann 1987) and cheaper to use. The first champion must beat every baseline, by
Holm's correction.

What would make the comparison unfair is refused: other data, another number of tried recipes, under 3 seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import NO_FACTS, Facts, fact, labels
from hw3models.evaluation.metrics import METRICS, available, default_metric
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.wording import amount, difference_with_interval, listed
from hw3models.specs import ComparisonReport, GateDecision, GateOutcome, PairReport

MIN_SEEDS = 3
"""With fewer, nothing is known about the luck of training."""
CHEAPER = 0.8
"""Of the champion's prediction time: less than that is not the noise of a clock."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Replicates of one family as the gate sees them."""

    family: str
    table: PredictionTable
    tried: int
    """Recipes that were tried to find its own."""
    parameters: int
    """Of one replicate."""
    predict_seconds: float | None = None
    """Of one replicate for the test split, measured beside the other's. None: not asked for."""


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    *,
    baselines: Mapping[str, PredictionTable],
    metric: str | None = None,
    margin: float | None = None,
    prefer_cheaper: bool = False,
    facts: Facts = NO_FACTS,
) -> GateDecision:
    """Where there is no champion yet, the challenger is judged against the baselines of its own study.

    `margin` is in the metric's own unit; None: as in a comparison. `facts` are those of the families involved.

    Raises:
        SpecError: no such metric, or a margin that is not positive.
        DataError: the tables are of different test examples.
    """
    metric = default_metric(available(challenger.table)) if metric is None else metric
    faults = refusals(challenger, champion)
    if champion is None and not baselines:
        faults.append("the study has no baselines, which a first champion must beat: run it with all families")
    if faults:
        return GateDecision(outcome="refused", reason=f"Refused: {'; '.join(faults)}.", metric=metric)
    if champion is None:
        return _against_baselines(challenger, baselines, metric, margin, facts)
    return _against_champion(challenger, champion, metric, margin, facts, prefer_cheaper=prefer_cheaper)


def refusals(challenger: Candidate, champion: Candidate | None) -> list[str]:
    """Why a comparison of the two would not be fair; all reasons."""
    faults = []
    sides = {"challenger": challenger} | ({} if champion is None else {"champion": champion})
    for side, one in sides.items():
        if one.table.is_resampled:
            faults.append(f"the {side}'s replicates were tested on splits of their own, not on the test split")
        elif (seeds := len(one.table.seeds)) < MIN_SEEDS:
            faults.append(f"the {side} has {seeds} seed{'' if seeds == 1 else 's'}, at least {MIN_SEEDS} are needed")
    if champion is None:
        return faults
    ours, theirs = challenger.table.data_digest, champion.table.data_digest
    if ours != theirs:
        faults.append(f"other data: the challenger was tested on {ours}, the champion on {theirs}")
    if challenger.tried != champion.tried:
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
) -> GateDecision:
    tables = {challenger.family: challenger.table, **baselines}
    found = compare(tables, metric=metric, margin=margin, train_seconds={}, facts=facts)
    pairs = _pairs_of(challenger.family, found)
    unbeaten = [pair.b for pair in pairs if pair.verdict != "a better"]
    if not unbeaten:
        reason = f"The first champion: it beats {listed(labels(facts, baselines))} beyond noise."
    else:
        reason = f"No champion yet, and it does not beat {listed(labels(facts, unbeaten))} beyond noise. "
        reason += " ".join(pair.sentence for pair in pairs if pair.b in unbeaten)
    outcome: GateOutcome = "challenger" if unbeaten else "champion"
    return GateDecision(outcome=outcome, reason=reason, metric=metric, margin=found.margin, pairs=pairs)


def _against_champion(
    challenger: Candidate,
    champion: Candidate,
    metric: str,
    margin: float | None,
    facts: Facts,
    *,
    prefer_cheaper: bool,
) -> GateDecision:
    tables = {"challenger": challenger.table, "champion": champion.table}
    found = compare(tables, metric=metric, margin=margin, train_seconds={})
    (pair,) = _pairs_of("challenger", found)
    gain = difference_with_interval(metric, *_as_gain(pair))
    least, limit = _as_gain(pair)[1], amount(metric, found.margin)
    takes, reason = False, ""
    if least > found.margin:
        takes, reason = True, f"Better than the champion by {gain}, beyond noise by the margin of {limit}."
    elif prefer_cheaper and pair.verdict == "equivalent":
        takes, reason = _cheaper(challenger, champion, facts)
        reason = f"Equivalent to the champion within {limit} ({gain}), and {reason}."
    else:
        reason = f"Not better than the champion beyond noise by the margin of {limit}: the difference is {gain}."
    outcome: GateOutcome = "champion" if takes else "challenger"
    return GateDecision(outcome=outcome, reason=reason, metric=metric, margin=found.margin, pairs=(pair,))


def _cheaper(challenger: Candidate, champion: Candidate, facts: Facts) -> tuple[bool, str]:
    """Equal networks are never cheaper than each other, whatever a clock says."""
    if (challenger.family, challenger.parameters) == (champion.family, champion.parameters):
        return False, f"the same network ({fact(facts, champion.family).label}), so not cheaper"
    ours, theirs = challenger.predict_seconds, champion.predict_seconds
    if ours is None or theirs is None or theirs <= 0:
        return False, "what predictions cost is not known"
    share = ours / theirs
    cheaper = share <= CHEAPER
    text = f"{'' if cheaper else 'not '}cheaper: its predictions take {100 * share:.0f}% of the champion's time"
    return cheaper, text if cheaper else f"{text}, at most {100 * CHEAPER:.0f}% would be"


def _pairs_of(name: str, found: ComparisonReport) -> tuple[PairReport, ...]:
    """All pairs with `name`, which comes first."""
    return tuple(pair for pair in found.pairs if pair.a == name)


def _as_gain(pair: PairReport) -> tuple[float, float, float]:
    """Difference and interval such that more is better."""
    if METRICS[pair.metric].higher_is_better:
        return pair.difference, pair.low, pair.high
    return -pair.difference, -pair.high, -pair.low


def winner(comparison: ComparisonReport | None, networks: Sequence[str], costs: Mapping[str, float]) -> str | None:
    """The network that a study recommends: the cheapest of the first tie group with one; None without networks.

    `costs` are training seconds per seed.
    """
    groups = [tuple(networks)] if comparison is None else comparison.groups
    for group in groups:
        if members := [name for name in group if name in networks]:
            return min(members, key=lambda name: costs.get(name, float("inf")))
    return None
