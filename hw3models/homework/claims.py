"""The claims of homework part 5, judged on the synthetic regimes of series and of images.

A claim holds, or does not, only where the comparison shows it: that a family is better, equivalent, or at most the
margin worse, as the claim asks. Where families are only not separated, or one is missing, these runs cannot tell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hw3models.data.known.image_regimes import IMAGE_REGIMES
from hw3models.evaluation.wording import listed, margin_amount, value, value_with_interval
from hw3models.families import display_name
from hw3models.specs import Claim, ComparisonReport, EvaluationReport, PairVerdict, Score

NETWORKS = ("mlp", "cnn", "lstm", "gru")
"""The families that part 5 is about; baselines have no say."""
RECURRENT = ("lstm", "gru")
_FLIPPED: dict[PairVerdict, PairVerdict] = {"a better": "b better", "b better": "a better"}

Outcome = tuple[str, str]
"""(evidence, outcome)."""
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot tell"


@dataclass(frozen=True)
class Regime:
    """What is known about one regime."""

    name: str
    comparison: ComparisonReport | None
    """The comparison by accuracy."""
    scores: dict[str, Score]
    """Network -> accuracy, from the best to the worst."""
    chance: float
    """Accuracy of always naming the most frequent class of the test split."""
    others: dict[str, Score]
    """Other regime -> accuracy of the CNN there."""

    def verdict(self, a: str, b: str) -> PairVerdict:
        """The verdict on `a` against `b`, whichever comes first in the report."""
        for pair in self.comparison.pairs if self.comparison else ():
            if (pair.a, pair.b) == (a, b):
                return pair.verdict
            if (pair.a, pair.b) == (b, a):
                return _FLIPPED.get(pair.verdict, pair.verdict)
        return "cannot tell"

    def is_not_worse(self, a: str, b: str) -> bool:
        """Is `a` shown to be at most the margin worse than `b`?"""
        if self.comparison is None or self.verdict(a, b) in ("a better", "equivalent"):
            return self.comparison is not None
        pair = next(pair for pair in self.comparison.pairs if {pair.a, pair.b} == {a, b})
        # The interval of a single seed counts the examples only.
        return min(pair.seeds) > 1 and (pair.low if pair.a == a else -pair.high) >= -self.comparison.margin

    def best(self, *without: str) -> str:
        """The network with the highest accuracy."""
        return next(name for name in self.scores if name not in without)

    def told(self, *names: str) -> str:
        """`CNN 97.4% [96.9, 97.8], MLP 52.0% [50.1, 53.9]`."""
        return ", ".join(
            f"{display_name(name)} {value_with_interval('accuracy', one.mean, one.low, one.high)}"
            for name, one in self.scores.items()
            if name in names
        )


def judge_claims(
    comparisons: Mapping[str, ComparisonReport], evaluations: Mapping[str, Mapping[str, EvaluationReport]]
) -> tuple[Claim, ...]:
    """Judge every claim whose regime was run; both mappings go by the regime's name (`motif`, `locked-image`).

    Other regimes only serve the claim that compares the CNN over regimes.
    """
    claims = []
    for regime, judges in _CLAIMS.items():
        if regime not in evaluations:
            continue
        known = _regime(regime, comparisons, evaluations)
        for claim, (needed, judge) in judges.items():
            evidence, outcome = _missing(known, needed) or judge(known)
            claims.append(
                Claim.model_validate({"claim": claim, "regime": regime, "evidence": evidence, "outcome": outcome})
            )
    return tuple(claims)


def _regime(
    name: str,
    comparisons: Mapping[str, ComparisonReport],
    evaluations: Mapping[str, Mapping[str, EvaluationReport]],
) -> Regime:
    found = {
        family: report.metrics["accuracy"]
        for family, report in evaluations[name].items()
        if family in NETWORKS and "accuracy" in report.metrics
    }
    comparison = comparisons.get(name)
    return Regime(
        name=name,
        comparison=comparison if comparison and comparison.metric == "accuracy" else None,
        scores=dict(sorted(found.items(), key=lambda item: -item[1].mean)),
        chance=_chance(evaluations[name]),
        others={
            other: families["cnn"].metrics["accuracy"]
            for other, families in evaluations.items()
            # A CNN on images is another network.
            if other != name and (other in IMAGE_REGIMES) == (name in IMAGE_REGIMES)
            if "cnn" in families and "accuracy" in families["cnn"].metrics
        },
    )


def _listed(names: Sequence[str]) -> str:
    return listed([display_name(name) for name in names])


def _chance(evaluations: Mapping[str, EvaluationReport]) -> float:
    """Share of the most frequent class; the confusion has a row per true class."""
    for report in evaluations.values():
        rows = [sum(row) for row in report.confusion]
        if sum(rows):
            return max(rows) / sum(rows)
    return 0.0


def _missing(regime: Regime, needed: tuple[str, ...]) -> Outcome | None:
    """Whether the families that a claim speaks of are there; `recurrent` is an LSTM or a GRU."""
    lacking = [name for name in needed if name != "recurrent" and name not in regime.scores]
    if "recurrent" in needed and not set(RECURRENT) & set(regime.scores):
        lacking.append("LSTM or GRU")
    if lacking:
        verb = "was" if len(lacking) == 1 else "were"
        return f"{_listed(lacking)} {verb} not trained on this regime.", UNKNOWN
    return None


def _cnn_wins(regime: Regime) -> Outcome:
    """Does it beat the MLP, and is it shown to be no worse than each other network?"""
    against = {name: regime.verdict("cnn", name) for name in regime.scores if name != "cnn"}
    better = [name for name, verdict in against.items() if verdict == "b better"]
    evidence = f"{regime.told(*NETWORKS)}."
    if better or against["mlp"] == "equivalent":
        return f"{evidence} {_not_ahead(better, against)}", FAILS
    if against["mlp"] != "a better":
        return f"{evidence} CNN and MLP cannot be separated.", UNKNOWN
    equal = [name for name, verdict in against.items() if verdict != "a better"]
    unclear = [name for name in equal if not regime.is_not_worse("cnn", name)]
    if unclear:
        return f"{evidence} CNN beats MLP, but {_listed(unclear)} could still be better.", UNKNOWN
    margin = margin_amount("accuracy", regime.comparison.margin) if regime.comparison else ""
    told = f" CNN beats MLP, and is at most {margin} worse than {_listed(equal)}." if equal else " CNN beats all."
    return evidence + told, HOLDS


def _not_ahead(better: list[str], against: Mapping[str, PairVerdict]) -> str:
    if better:
        return f"{_listed(better)} beats CNN." if len(better) == 1 else f"{_listed(better)} beat CNN."
    return f"CNN is equivalent to {_listed([name for name, one in against.items() if one == 'equivalent'])}."


def _mlp_is_poor(regime: Regime) -> Outcome:
    """Significantly worse than the best network, and less than half way from chance to it."""
    best = regime.best("mlp")
    verdict, mlp = regime.verdict("mlp", best), regime.scores["mlp"]
    middle = (regime.chance + regime.scores[best].mean) / 2
    evidence = (
        f"{regime.told('mlp', best)}; chance is {value('accuracy', regime.chance)}, "
        f"half way to {display_name(best)} is {value('accuracy', middle)}."
    )
    if regime.scores[best].low <= regime.chance:
        return f"{evidence} {display_name(best)} is not shown to be above chance itself.", UNKNOWN
    if verdict == "b better" and mlp.high < middle:
        return evidence, HOLDS
    if verdict in ("a better", "equivalent") or mlp.low > middle:
        return evidence, FAILS
    return evidence, UNKNOWN


def _recurrent_wins(regime: Regime) -> Outcome:
    """The better of LSTM and GRU beats both the CNN and the MLP."""
    best = regime.best("cnn", "mlp")
    verdicts = {name: regime.verdict(best, name) for name in ("cnn", "mlp")}
    evidence = f"{regime.told(best, 'cnn', 'mlp')}."
    if set(verdicts.values()) == {"a better"}:
        return f"{evidence} {display_name(best)} beats both.", HOLDS
    failed = [name for name, verdict in verdicts.items() if verdict in ("b better", "equivalent")]
    if failed:
        return f"{evidence} {display_name(best)} is not better than {_listed(failed)}.", FAILS
    unclear = [name for name, verdict in verdicts.items() if verdict == "cannot tell"]
    return f"{evidence} {display_name(best)} and {_listed(unclear)} cannot be separated.", UNKNOWN


def _cnn_is_least_effective(regime: Regime) -> Outcome:
    """Does the CNN's interval here lie below that on every other regime?"""
    here = regime.scores["cnn"]
    evidence = f"CNN has {value_with_interval('accuracy', here.mean, here.low, here.high)} on {regime.name}"
    if not regime.others:
        return f"{evidence}; no other regime was run.", UNKNOWN
    evidence += ", " + ", ".join(
        f"{value_with_interval('accuracy', one.mean, one.low, one.high)} on {other}"
        for other, one in regime.others.items()
    )
    if all(here.high < one.low for one in regime.others.values()):
        return f"{evidence}.", HOLDS
    if any(one.high < here.low for one in regime.others.values()):
        return f"{evidence}.", FAILS
    return f"{evidence}; the intervals overlap.", UNKNOWN


def _mlp_is_fine(regime: Regime) -> Outcome:
    """Is it shown to be no worse than the best network, and more than half way from chance to it?

    The second half keeps a regime on which nothing was learnt from proving the claim.
    """
    best = regime.best("mlp")
    verdict, mlp = regime.verdict("mlp", best), regime.scores["mlp"]
    middle = (regime.chance + regime.scores[best].mean) / 2
    evidence = f"{regime.told('mlp', best)}."
    if verdict == "b better":
        return f"{evidence} {display_name(best)} beats MLP.", FAILS
    if regime.comparison is None or mlp.low <= middle:
        return f"{evidence} MLP is not shown to be above {value('accuracy', middle)}, half way from chance.", UNKNOWN
    if not regime.is_not_worse("mlp", best):
        return f"{evidence} {display_name(best)} could still be better.", UNKNOWN
    margin = margin_amount("accuracy", regime.comparison.margin)
    told = {"a better": "MLP beats it.", "equivalent": f"They are equivalent within {margin}."}
    return f"{evidence} {told.get(verdict, f'MLP is at most {margin} worse.')}", HOLDS


Judge = Callable[[Regime], Outcome]

_CLAIMS: dict[str, dict[str, tuple[tuple[str, ...], Judge]]] = {
    "motif": {
        "a CNN wins on a motif anywhere": (("mlp", "cnn", "recurrent"), _cnn_wins),
        "an MLP is poor there": (("mlp", "cnn"), _mlp_is_poor),
    },
    "order": {
        "a recurrent net wins where the order of far-apart events counts": (
            ("mlp", "cnn", "recurrent"),
            _recurrent_wins,
        ),
        "the CNN is at its least effective there": (("cnn",), _cnn_is_least_effective),
    },
    "locked": {"the MLP is fine on a pattern locked to a position": (("mlp", "cnn", "recurrent"), _mlp_is_fine)},
    "shifted-digits": {
        "a CNN wins on digits that stand anywhere in an image": (("mlp", "cnn"), _cnn_wins),
    },
    "shuffled-digits": {
        "a CNN has no advantage where the pixels of images are shuffled": (("mlp", "cnn"), _mlp_is_fine),
    },
    "locked-image": {
        "the MLP is fine on a pattern locked to its place in an image": (("mlp", "cnn"), _mlp_is_fine),
    },
}
"""Regime -> claim -> the families that it speaks of, and its judge."""
