"""How a family stands against the best mean, in two or three words: for tables."""

from collections.abc import Mapping

from hw3models.evaluation.verdicts import winner_and_loser
from hw3models.specs import ComparisonReport


def standing(comparison: ComparisonReport, name: str, labels: Mapping[str, str]) -> str:
    """`the best`, `beaten`, `equivalent`, `cannot tell`, or by whom it is beaten where that is not the best."""
    best = comparison.groups[0][0] if comparison.groups else name
    if name == best:
        return "the best"
    for pair in comparison.pairs:
        if {pair.a, pair.b} == {best, name} and pair.verdict != "cannot tell":
            return "equivalent" if pair.verdict == "equivalent" else "beaten"
    found = [winner_and_loser(pair) for pair in comparison.pairs]
    victor = next((pair[0] for pair in found if pair is not None and pair[1] == name), None)
    return "cannot tell" if victor is None else f"beaten by {labels.get(victor, victor)}"
