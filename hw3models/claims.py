"""The claims of homework part 5, judged by the comparisons on the regimes.

5A: an MLP is poor where a motif may stand anywhere. 5B: a CNN is best there, and at its worst where only the
order of far-apart events counts. 5C: a recurrent network is the family for such an order. And the other
side of 5A: an MLP is fine where the pattern is locked to its position.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from hw3models.specs import Claim, ComparisonReport, EvaluationReport
from hw3models.wording import family_label, join, winner_of

Outcome = Literal["holds", "does not hold", "cannot tell"]
Evaluations = Mapping[str, EvaluationReport]
NETWORKS = ("mlp", "cnn", "lstm", "gru")
RECURRENT = ("lstm", "gru")


def judge_claims(
    comparisons: Mapping[str, ComparisonReport], evaluations: Mapping[str, Evaluations]
) -> tuple[Claim, ...]:
    """The claims about those regimes (by name, such as `order`) that were compared."""
    claims = []
    for regime, comparison in comparisons.items():
        scores = evaluations[regime]
        if regime == "motif":
            claims += [_cnn_wins(comparison, scores), _mlp_is_poor(comparison, scores)]
        elif regime == "order":
            claims += [_recurrent_wins(comparison, scores), _cnn_is_least_effective(evaluations)]
        elif regime == "locked":
            claims.append(_mlp_is_fine(comparison, scores))
    return tuple(claims)


def _cnn_wins(comparison: ComparisonReport, scores: Evaluations) -> Claim:
    others = [name for name in NETWORKS if name in scores and name != "cnn"]
    outcome = _beats_all(comparison, ["cnn"], others, scores)
    return Claim(
        claim="A CNN wins on a motif that may stand anywhere",
        regime="motif",
        evidence=_evidence(scores, ["cnn", *others]),
        outcome=outcome,
    )


def _mlp_is_poor(comparison: ComparisonReport, scores: Evaluations) -> Claim:
    """Poor: beaten by the best network, and nearer to guessing than to that network."""
    claim, others = "An MLP is poor there", [name for name in NETWORKS if name in scores and name != "mlp"]
    evidence = _evidence(scores, ["mlp", *others])
    if "mlp" not in scores or not others:
        return Claim(claim=claim, regime="motif", evidence=evidence, outcome="cannot tell")
    best = max(others, key=lambda name: _accuracy(scores, name))
    chance = 1 / max(2, len(scores["mlp"].per_class))
    middle = (chance + _accuracy(scores, best)) / 2
    score = scores["mlp"].metrics["accuracy"]
    beaten = winner_of(comparison.pairs, "mlp", best) == best
    outcome: Outcome = "cannot tell"
    if beaten and score.high < middle:
        outcome = "holds"
    elif score.low > middle or winner_of(comparison.pairs, "mlp", best) == "mlp":
        outcome = "does not hold"
    evidence += f"; halfway between guessing and the best is {100 * middle:.1f}%"
    return Claim(claim=claim, regime="motif", evidence=evidence, outcome=outcome)


def _recurrent_wins(comparison: ComparisonReport, scores: Evaluations) -> Claim:
    recurrent = [name for name in RECURRENT if name in scores]
    others = [name for name in ("mlp", "cnn") if name in scores]
    outcome = _beats_all(comparison, recurrent, others, scores)
    return Claim(
        claim="A recurrent network wins where the order of far-apart events counts",
        regime="order",
        evidence=_evidence(scores, [*recurrent, *others]),
        outcome=outcome,
    )


def _cnn_is_least_effective(evaluations: Mapping[str, Evaluations]) -> Claim:
    """Its accuracy on the order regime against its accuracy on each other regime that was run."""
    claim = "The CNN is at its least effective there"
    scores = {regime: one["cnn"].metrics["accuracy"] for regime, one in evaluations.items() if "cnn" in one}
    others = {regime: score for regime, score in scores.items() if regime != "order"}
    if "order" not in scores or not others:
        return Claim(claim=claim, regime="order", evidence="needs the CNN on another regime too", outcome="cannot tell")
    order = scores["order"]
    evidence = "CNN " + join([f"{100 * score.mean:.1f}% on {regime}" for regime, score in scores.items()])
    outcome: Outcome = "cannot tell"
    if all(order.high < score.low for score in others.values()):
        outcome = "holds"
    elif any(order.low > score.high for score in others.values()):
        outcome = "does not hold"
    return Claim(claim=claim, regime="order", evidence=evidence, outcome=outcome)


def _mlp_is_fine(comparison: ComparisonReport, scores: Evaluations) -> Claim:
    """Fine: no network is better beyond noise and beyond the margin."""
    claim = "The MLP is fine on a pattern locked to its position"
    others = [name for name in NETWORKS if name in scores and name != "mlp"]
    evidence = _evidence(scores, ["mlp", *others])
    if "mlp" not in scores or not others:
        return Claim(claim=claim, regime="locked", evidence=evidence, outcome="cannot tell")
    better = [name for name in others if winner_of(comparison.pairs, "mlp", name) == name]
    matters = any(_accuracy(scores, name) - _accuracy(scores, "mlp") > comparison.margin for name in better)
    best = max(others, key=lambda name: _accuracy(scores, name))
    pair = next((p for p in comparison.pairs if {p.a, p.b} == {"mlp", best}), None)
    settled = pair is not None and (pair.verdict == "equivalent" or winner_of(comparison.pairs, "mlp", best) == "mlp")
    outcome: Outcome = "does not hold" if matters else "holds" if settled or better else "cannot tell"
    return Claim(claim=claim, regime="locked", evidence=evidence, outcome=outcome)


def _beats_all(
    comparison: ComparisonReport, champions: Sequence[str], others: Sequence[str], scores: Evaluations
) -> Outcome:
    """Does the best of `champions` beat every one of `others`?"""
    champions = [name for name in champions if name in scores]
    if not champions or not others:
        return "cannot tell"
    champion = max(champions, key=lambda name: _accuracy(scores, name))
    winners = [winner_of(comparison.pairs, champion, other) for other in others]
    if all(winner == champion for winner in winners):
        return "holds"
    return "does not hold" if any(winner not in (champion, None) for winner in winners) else "cannot tell"


def _accuracy(scores: Evaluations, name: str) -> float:
    return scores[name].metrics["accuracy"].mean


def _evidence(scores: Evaluations, names: Sequence[str]) -> str:
    parts = []
    for name in names:
        if name not in scores:
            parts.append(f"{family_label(name)} was not run")
            continue
        score = scores[name].metrics["accuracy"]
        parts.append(f"{family_label(name)} {100 * score.mean:.1f}% [{100 * score.low:.1f}, {100 * score.high:.1f}]")
    return ", ".join(parts)
