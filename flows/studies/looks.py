"""A study that goes on until it is decided: seeds in batches, and a look at the families after each."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from flows.prefect_tags import prefect_tags
from flows.studies.results import StudyResults
from flows.studies.training import train_all
from hw3models.evaluation import sequential
from hw3models.evaluation.comparison import LookPlan
from hw3models.evaluation.facts import Facts, fact
from hw3models.pipeline.merging import merge
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import ComparisonReport, Look
from hw3models.stats import spending
from tasks import tracking
from tasks.evaluation import compare
from tasks.progress import say
from tasks.recording import record
from tasks.training import model_directory

Batches = defaultdict[str, list[str]]
"""Family -> the MLflow runs of its batches of seeds."""


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
        _add(plan, results, batch, batches)
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
    _gather(plan, results, batches)
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


def _add(plan: StudyPlan, results: StudyResults, batch: StudyResults, batches: Batches) -> None:
    """Put the new seeds to those that are there. A family that fails now stays with the seeds that it has."""
    for family, training in batch.training.items():
        run_id = batch.run_ids[family]
        batches[family].append(run_id)
        new = (training, batch.evaluation[family])
        if family in results.training:
            before = (results.training[family], results.evaluation[family])
            spec = plan.training(family, (*before[0].seeds, *training.seeds))
            new = merge(spec, before, new, plan.data, model_directory(spec, plan.data, run_id))
        results.training[family], results.evaluation[family] = new
        results.placement[family] = batch.placement[family]
        results.run_ids[family] = run_id
    for family, reason in batch.failures.items():
        if family in results.training:
            count = len(results.training[family].seeds)
            results.notes.append(f"{family} stays at its first {count} seeds: training more of them failed: {reason}")
        else:
            results.failures[family] = reason
    results.notes += batch.notes
    results.cached += batch.cached


def _gather(plan: StudyPlan, results: StudyResults, batches: Mapping[str, list[str]]) -> None:
    """One MLflow run per family, with all of its seeds; the batches become its children."""
    for family, runs in batches.items():
        if len(runs) == 1:
            tracking.name_as_family(runs[0], family, plan.data)
            tracking.log_seeds(runs[0], results.evaluation[family], plan.data)
            continue
        training = results.training[family]
        run_id = tracking.open_child(plan.parent, plan.training(family, training.seeds), plan.data, prefect_tags())
        tracking.log_placement(run_id, results.placement[family])
        record(run_id, training, results.evaluation[family], plan.data, True, plan.metric)
        tracking.log_seeds(run_id, results.evaluation[family], plan.data)
        tracking.nest(runs, run_id)
        results.run_ids[family] = run_id
