"""A run for each seed below a family's run, with the metric names of the family: MLflow groups and draws them itself.

Two calls begin and end a run, and one logs all of it: a seed costs three, after its training and beside the next.
"""

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tasks.tracking.journal.events import Seeds

STUDY = "hw3.study"
"""Tag of a family's run and its seeds': the study's run."""


def log_seed_runs(client: MlflowClient, experiment_id: str, run_id: str, event: Seeds) -> None:
    """Make those that are not there yet; sent again, nothing changes."""
    condition = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}' and tags.`hw3.role` = 'seed'"
    found = client.search_runs([experiment_id], condition, max_results=10_000)
    there = {run.data.tags["seed"]: run.info for run in found}
    of_family = client.get_run(run_id).data.tags
    study = of_family.get(STUDY) or of_family.get(MLFLOW_PARENT_RUN_ID, run_id)
    tags = {**event.tags, MLFLOW_PARENT_RUN_ID: run_id, STUDY: study, "hw3.role": "seed"}
    for one in event.seeds:
        seed = str(one.seed)
        info = there.get(seed)
        if info is not None and info.status == "FINISHED":
            continue
        if info is None:
            name = f"{event.name}, seed {seed}"
            info = client.create_run(experiment_id, event.at, {**tags, "seed": seed}, name).info
        metrics = [Metric(name, value, event.at, 0) for name, value in one.metrics.items()]
        params = [Param(name, value) for name, value in {**event.params, "seed": seed}.items()]
        client.log_batch(info.run_id, metrics=metrics, params=params)
        client.set_terminated(info.run_id, "FINISHED", event.at)
