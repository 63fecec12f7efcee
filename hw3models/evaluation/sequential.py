"""Adding seeds until it is decided, without crying wolf more often for looking more often.

The level is spent in information (`hw3models.stats.spending`, docs/decisions/0008). A verdict of an earlier look
stands. The looks double the seeds (5, 10, 20, 40, 50): few looks lose little, and spend late what they did not need
early.
"""

from collections.abc import Sequence

from hw3models.evaluation.facts import NO_FACTS, Facts, fact, labels
from hw3models.evaluation.templates import say
from hw3models.evaluation.verdicts import winner_and_loser
from hw3models.evaluation.wording import listed, num_resamples, sentence
from hw3models.specs import ComparisonReport, Look, PairReport


def settled(comparison: ComparisonReport) -> tuple[PairReport, ...]:
    """Pairs whose verdict stands, whatever later looks see."""
    return tuple(pair for pair in comparison.pairs if pair.verdict != "cannot tell")


def see(comparison: ComparisonReport, *, seeds: int) -> Look:
    """What a look has seen."""
    order = [name for group in comparison.groups for name in group]
    beaten = {found[1] for pair in comparison.pairs if (found := winner_and_loser(pair)) is not None}
    # Verdicts of different looks may go round in a circle: then the best one by its mean leads.
    still_in = [name for name in order if name not in beaten] or order[:1]
    leader = still_in[0]
    verdicts = {frozenset((pair.a, pair.b)): pair.verdict for pair in comparison.pairs}
    to_leader = {name: verdicts[frozenset((leader, name))] for name in still_in[1:]}
    return Look(
        seeds=seeds,
        level=next((pair.level for pair in comparison.pairs if leader in (pair.a, pair.b)), comparison.level),
        leader=leader,
        out=tuple(name for name in order if name in beaten),
        equivalent=tuple(name for name, verdict in to_leader.items() if verdict == "equivalent"),
        undecided=tuple(name for name, verdict in to_leader.items() if verdict == "cannot tell"),
    )


def told(looks: Sequence[Look], plan: Sequence[int], *, resampled: bool = False, facts: Facts = NO_FACTS) -> str:
    """The last look in a sentence."""
    look = looks[-1]
    count = num_resamples(look.seeds) if resampled else f"{look.seeds} seeds"
    text = f"look {len(looks)} of at most {len(plan)}, {count}: {fact(facts, look.leader).label} leads"
    if look.undecided:
        text += f", undecided against {listed(labels(facts, look.undecided))}"
    if look.equivalent:
        text += f", equivalent to {listed(labels(facts, look.equivalent))}"
    return text if look.undecided or look.equivalent else f"{text}, every other family is beaten"


def with_looks(
    comparison: ComparisonReport,
    looks: Sequence[Look],
    plan: Sequence[int],
    *,
    resampled: bool = False,
    facts: Facts = NO_FACTS,
) -> ComparisonReport:
    """The last comparison, whose verdict says why no more seeds were added."""
    last = looks[-1]
    count = num_resamples(last.seeds) if resampled else f"{last.seeds:,} seeds"
    undecided = listed(labels(facts, last.undecided)) if last.undecided else ""
    places = {"look": str(len(looks)), "looks": str(len(plan)), "count": count}
    if not last.undecided:
        ending = say("stopped_decided", **places)
    else:
        ending = say("stopped_spent" if last.seeds == plan[-1] else "stopped_stuck", names=undecided, **places)
    ending = sentence(ending)
    return comparison.model_copy(update={"verdict": f"{comparison.verdict} {ending}", "looks": tuple(looks)})
