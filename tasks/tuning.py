"""Try a recipe, and log what came of it."""

from contextlib import ExitStack
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.engine.fit import EpochReport
from hw3models.specs import DataReport, TrainSpec, TrialPlan, TrialReport
from hw3models.tuning.trial import run_trial
from tasks import progress
from tasks.names import trial_run_name
from tasks.settings import Settings


def searches() -> Path:
    """Where searches are kept."""
    return Settings().work / "searches"


# Not cached: what was tried stands in the search's own folder.
@task(task_run_name=trial_run_name, cache_policy=NO_CACHE, persist_result=False)
def try_recipe(training: TrainSpec, plan: TrialPlan, data: DataReport, run_id: str) -> TrialReport:
    """Judge the training's recipe on validation examples; nothing of the trained replicates is kept."""
    bars: dict[int, progress.Training] = {}

    def on_epoch(fold: int, report: EpochReport) -> None:
        if fold not in bars:
            part = f", fold {fold + 1} of {plan.folds}" if plan.folds > 1 else ""
            bars[fold] = progress.Training(
                f"{training.family} on {data.name}, trial {plan.number}{part}", len(training.seeds)
            )
            stack.callback(progress.end, bars[fold])
        progress.observer(bars[fold])(report)

    with ExitStack() as stack:
        report = run_trial(training, plan, data, on_epoch=on_epoch)
    return report.model_copy(update={"run_id": run_id})
