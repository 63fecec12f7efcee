"""Record a family's results in its MLflow run."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.specs import DataReport, EvaluationReport, TrainReport
from tasks import tracking


@task(task_run_name="record-{training.family}", cache_policy=NO_CACHE, persist_result=False)
def record(
    run_id: str,
    training: TrainReport,
    evaluation: EvaluationReport,
    data: DataReport,
    cached: bool,
    metric: str | None = None,
) -> None:
    """Log scores, figures, tables and the best model; the run is then FINISHED. `metric` is the study's."""
    if tracking.is_recorded(run_id, evaluation):
        # A process that died after this goes on elsewhere: scores are not logged twice.
        tracking.end_run(run_id, "FINISHED")
        return
    if cached:
        tracking.log_history(run_id, training)
    tracking.log_results(run_id, training, evaluation, data, cached=cached, metric=metric)
    tracking.mark_recorded(run_id, evaluation)
    tracking.end_run(run_id, "FINISHED")
