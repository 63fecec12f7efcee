"""A study that goes on until it is decided: seeds in batches, and a look at the families after each."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from flows.prefect_tags import prefect_tags
from flows.studies.results import StudyResults
from hw3models.evaluation import sequential
from hw3models.evaluation.facts import Facts, fact
from hw3models.families import facts_of
from hw3models.pipeline.merging import merge
from hw3models.specs import ComparisonReport, Look, StudySpec, TrainSpec
from hw3models.stats import multiple_testing
from tasks import tracking
from tasks.evaluation import compare
from tasks.progress import say
from tasks.recording import record
from tasks.training import model_directory

MakeJob = Callable[[str, Sequence[int]], TrainSpec]
"""Of a family and seeds."""
TrainAll = Callable[[dict[str, TrainSpec], StudyResults], None]


def train_until_decided(
    spec: StudySpec,
    families: Sequence[str],
    results: StudyResults,
    make_job: MakeJob,
    train_all: TrainAll,
    *,
    metric: str,
    parent: str,
) -> ComparisonReport | None:
    """Fill `results` with as many seeds as it takes; the last comparison, which knows what each look saw.

    `parent` is the study's MLflow run. None where fewer than two families could be trained.
    """
    plan = multiple_testing.plan(spec.seeds, spec.max_seeds)
    facts, resampled = facts_of(families, results.data.kind), spec.resampling != "seed"
    looks: list[Look] = []
    comparison: ComparisonReport | None = None
    parts: dict[str, list[str]] = defaultdict(list)
    still_in, done = list(families), 0
    stuck: set[str] = set()
    for seeds, level in zip(plan, multiple_testing.levels(plan), strict=True):
        batch = range(spec.first_seed + done, spec.first_seed + seeds)
        part = StudyResults(results.data, results.cached, fresh=results.fresh)
        train_all({family: make_job(family, batch) for family in still_in}, part)
        _add(results, part, make_job, parts)
        if len(results.training) < 2:
            break
        comparison = compare(
            results.data,
            results.training,
            results.evaluation,
            metric,
            spec.margin,
            level=level,
            settled=sequential.settled(comparison) if comparison else (),
        )
        looks.append(sequential.see(comparison, seeds=seeds, level=level))
        say(f"{results.data.name}: {sequential.told(looks, plan, resampled=resampled, facts=facts)}")
        done = seeds
        stuck |= part.failures.keys()
        still_in = _still_in(looks[-1], stuck, facts, resampled=resampled)
        if not looks[-1].undecided or not still_in:
            break
    _gather(results, make_job, parts, parent)
    if comparison is None:
        return None
    return sequential.with_looks(comparison, looks, plan, resampled=resampled, facts=facts)


def _still_in(look: Look, stuck: Collection[str], facts: Facts, *, resampled: bool) -> list[str]:
    """Who gets more seeds: families that nobody beats, where another seed would do otherwise."""
    unbeaten = (look.leader, *look.equivalent, *look.undecided)
    varies = [family for family in unbeaten if resampled or not fact(facts, family).deterministic]
    able = [family for family in varies if family not in stuck]
    # Splits count only where both have them.
    pairs_grow = look.leader in able and any(family in able for family in look.undecided)
    return able if not resampled or pairs_grow else []


def _add(results: StudyResults, part: StudyResults, make_job: MakeJob, parts: dict[str, list[str]]) -> None:
    """Put the new seeds to those that are there. A family that fails now stays with the seeds that it has."""
    for family, training in part.training.items():
        run_id = part.run_ids[family]
        parts[family].append(run_id)
        new = (training, part.evaluation[family])
        if family in results.training:
            before = (results.training[family], results.evaluation[family])
            spec = make_job(family, (*before[0].seeds, *training.seeds))
            new = merge(spec, before, new, results.data, model_directory(spec, results.data, run_id))
        results.training[family], results.evaluation[family] = new
        results.placement[family] = part.placement[family]
        results.run_ids[family] = run_id
    for family, reason in part.failures.items():
        if family in results.training:
            count = len(results.training[family].seeds)
            results.notes.append(f"{family} stays at its first {count} seeds: training more of them failed: {reason}")
        else:
            results.failures[family] = reason
    results.notes += part.notes


def _gather(results: StudyResults, make_job: MakeJob, parts: dict[str, list[str]], parent: str) -> None:
    """One MLflow run per family, with all of its seeds; the batches become its children."""
    for family, batches in parts.items():
        if len(batches) == 1:
            tracking.name_as_family(batches[0], family, results.data)
            continue
        training = results.training[family]
        run_id = tracking.open_child(parent, make_job(family, training.seeds), results.data, prefect_tags())
        tracking.log_placement(run_id, results.placement[family])
        record(run_id, training, results.evaluation[family], results.data, True)
        tracking.nest(batches, run_id)
        results.run_ids[family] = run_id
