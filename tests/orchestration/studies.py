"""Small studies, and what MLflow knows of them."""

from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from hw3models.specs import DataSpec, RunReport, SequencesSpec
from tests.servers import wait_until
from tests.stack import Stack

DATA = DataSpec(source="regime:locked", num_train=160, num_test=80)

LONG = {"epochs": 10_000, "families": ("majority", "gru")}
"""A training that is still under way when something happens to it."""


def study(**changes: Any) -> SequencesSpec:
    """Two seeds, two epochs; done again although another test did the same."""
    values = {"fresh": True, "data": DATA, "seeds": 2, "epochs": 2, "families": ("mlp", "majority")} | changes
    return SequencesSpec.model_validate(values)


def mlflow_client(stack: Stack) -> tuple[MlflowClient, str]:
    """A client of its own, and the experiment."""
    client = MlflowClient(stack.environment["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("hw3")
    return client, experiment.experiment_id if experiment else client.create_experiment("hw3")


def mlflow_runs(stack: Stack, condition: str) -> list[Run]:
    """Runs that fulfil an MLflow filter."""
    client, experiment = mlflow_client(stack)
    return list(client.search_runs([experiment], condition, max_results=5000))


def runs_of(stack: Stack, run: RunReport) -> dict[str, dict[str, str]]:
    """Family -> tags of its MLflow run, with its status."""
    assert run.tracking is not None
    found = mlflow_runs(stack, f"tags.mlflow.parentRunId = '{run.tracking.run_id}'")
    return {one.data.tags["family"]: one.data.tags | {"status": one.info.status} for one in found}


def training_process(stack: Stack, family: str, known: set[str], *, timeout: float = 90) -> tuple[int, str]:
    """Process id and MLflow run of a training of `family` that has begun on a pool, other than the `known` runs."""

    def look() -> tuple[int, str] | None:
        for run in mlflow_runs(stack, f"tags.family = '{family}' and attributes.status = 'RUNNING'"):
            begun = any(name.startswith("hw3.alive.") for name in run.data.tags)
            if run.info.run_id not in known and begun and run.data.metrics:
                return int(run.data.tags["hw3.pid"]), run.info.run_id
        return None

    found: tuple[int, str] = wait_until(look, f"{family} is being trained", timeout=timeout)
    return found


def known_runs(stack: Stack) -> set[str]:
    """All runs of this moment."""
    return {run.info.run_id for run in mlflow_runs(stack, "")}
