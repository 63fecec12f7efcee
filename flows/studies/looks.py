"""A study that goes on until it is decided: seeds in batches, and a look at the families after each."""

from collections import defaultdict
from collections.abc import Collection

from flows.studies.batches import Batches, add_batch, gather
from flows.studies.results import StudyResults
from flows.studies.training import train_all
from hw3models.evaluation import sequential
from hw3models.evaluation.comparison import LookPlan
from hw3models.evaluation.facts import Facts, fact
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import ComparisonReport, Look
from hw3models.stats import spending
from tasks.evaluation import compare
from tasks.progress import say


def train_until_decided(plan: StudyPlan, results: StudyResults) -> ComparisonReport | None:
    """Fill `results` with as many seeds as it takes; the last comparison, which knows what each look saw.

    None where fewer than two families could be trained.
    """
    first, facts = plan.spec.first_seed, plan.facts
    counts = spending.plan(plan.spec.seeds, plan.spec.max_seeds)
    comparison: ComparisonReport | None = None
    looks: list[Look] = []
    batches: Batches = defaultdict(list)
    growing, before, stuck = results.without_failures(plan.families), 0, set[str]()
    for number, seeds in enumerate(counts):
        batch = results.empty()
        train_all(plan, plan.trainings(growing, range(first + before, first + seeds)), batch)
        add_batch(plan, results, batch, batches)
        if len(results.training) < 2:
            break
        comparison = compare(
            plan.data,
            results.training,
            results.evaluation,
            plan.metric,
            # A margin that is a share of the best score stays that of the first look: its verdicts stand.
            comparison.margin if comparison else plan.spec.margin,
            looks=LookPlan(counts, number),
            settled=sequential.settled(comparison) if comparison else (),
        )
        looks.append(sequential.see(comparison, seeds=seeds))
        say(f"{plan.data.name}: {sequential.told(looks, counts, resampled=plan.is_resampled, facts=facts)}")
        before = seeds
        stuck |= batch.failures.keys()
        growing = still_growing(looks[-1], stuck, facts, resampled=plan.is_resampled)
        if not looks[-1].undecided or not growing:
            break
    gather(plan, results, batches)
    if comparison is None:
        return None
    return sequential.with_looks(comparison, looks, counts, resampled=plan.is_resampled, facts=facts)


def still_growing(look: Look, stuck: Collection[str], facts: Facts, *, resampled: bool) -> list[str]:
    """Who gets more seeds: families that nobody beats, where another seed would do otherwise.

    `stuck` are those of which the last seeds could not be trained.
    """
    unbeaten = (look.leader, *look.equivalent, *look.undecided)
    varies = [family for family in unbeaten if resampled or not fact(facts, family).deterministic]
    able = [family for family in varies if family not in stuck]
    # Splits count only where both have them.
    pairs_grow = look.leader in able and any(family in able for family in look.undecided)
    return able if not resampled or pairs_grow else []
