"""Seeds of a study that are trained in batches: put together, with one MLflow run for each family."""

from collections import defaultdict
from collections.abc import Mapping

from flows.prefect_tags import prefect_tags
from flows.studies.results import StudyResults
from hw3models.pipeline.merging import merge
from hw3models.pipeline.plan import StudyPlan
from tasks import tracking
from tasks.recording import record
from tasks.training import model_directory

Batches = defaultdict[str, list[str]]
"""Family -> the MLflow runs of its batches of seeds."""


def add_batch(
    plan: StudyPlan, results: StudyResults, batch: StudyResults, batches: Batches, search: int | None = None
) -> None:
    """Put the new seeds to those that are there. A family that fails now stays with the seeds that it has.

    `search`: the number of the search that their recipes are of, where several are compared.
    """
    for family, training in batch.training.items():
        run_id = batch.run_ids[family]
        batches[family].append(run_id)
        new = (training, batch.evaluation[family])
        if family in results.training:
            before = (results.training[family], results.evaluation[family])
            spec = plan.training(family, (*before[0].seeds, *training.seeds))
            new = merge(spec, before, new, plan.data, model_directory(spec, plan.data, run_id), search=search)
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


def gather(plan: StudyPlan, results: StudyResults, batches: Mapping[str, list[str]]) -> None:
    """One MLflow run per family, with all of its seeds; the batches become its children."""
    for family, runs in batches.items():
        if len(runs) == 1:
            tracking.name_as_family(runs[0], family, plan.data)
            tracking.log_seeds(runs[0], results.evaluation[family], plan.data)
            continue
        training = results.training[family]
        spec = plan.training(family, training.seeds)
        if training.recipe is not None:
            spec = spec.model_copy(update={"recipe": training.recipe})
        run_id = tracking.open_child(plan.parent, spec, plan.data, prefect_tags())
        tracking.log_placement(run_id, results.placement[family])
        record(run_id, training, results.evaluation[family], plan.data, True, plan.metric)
        tracking.log_seeds(run_id, results.evaluation[family], plan.data)
        tracking.nest(runs, run_id)
        results.run_ids[family] = run_id
