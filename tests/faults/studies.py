"""A study in a process of its own, and what MLflow has of it afterwards."""

import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.flows.cli.test_cli import HW3

EPOCHS = 60
SEED_RUNS = 7
"""Of three families: a run for each seed, and majority has one."""
STUDY = (
    "sequences", "regime:locked", "--num-train", "200", "--num-test", "60", "--seeds", "3",
    "--families", "mlp,gru,majority", "--epochs", str(EPOCHS), "--json",
)  # fmt: skip


def start(environment: Mapping[str, str], log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The study, with its output in a file, in a process group of its own."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [HW3, *(arguments or STUDY)], env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )


def store_of(home: Path) -> str:
    """The embedded one."""
    return f"sqlite:///{home}/mlflow/store/mlflow.db"


def runs(uri: str) -> list[Run]:
    """All of them."""
    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, max_results=1000))


def is_finished(uri: str, family: str) -> bool:
    """Does MLflow know the family as done?"""
    return any(run.data.tags.get("family") == family and run.info.status == "FINISHED" for run in runs(uri))


def assert_whole(uri: str, *, studies: int = 1) -> None:
    """Every run ended well, every point of every epoch is there, and none twice."""
    client, found = MlflowClient(uri), runs(uri)
    roles = Counter(run.data.tags["hw3.role"] for run in found)
    assert roles == {"parent": studies, "family": 3 * studies, "seed": SEED_RUNS * studies}
    assert {run.info.status for run in found} == {"FINISHED"}, [(run.info.run_name, run.info.status) for run in found]
    for run in found:
        name, run_id = run.info.run_name, run.info.run_id
        for metric in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run_id, metric)]
            assert len(steps) == len(set(steps)), f"{metric} of {name} is there twice"
        folders = {one.path for one in client.list_artifacts(run_id)}
        if run.data.tags["hw3.role"] == "seed":
            assert "accuracy" in run.data.metrics
            continue
        if run.data.tags["hw3.role"] == "parent":
            assert "answers" in folders
            assert any(path.endswith(".html") for path in folders)
            continue
        assert {"figures", "replicates"} <= folders, name
        assert "accuracy" in run.data.metrics
        if run.data.tags["family"] != "majority":
            for metric in ("train_loss", "validation_loss", "diagnostics/learning_rate"):
                assert len(client.get_metric_history(run_id, metric)) == EPOCHS, f"{metric} of {name}"


def kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with everything it started."""
    os.killpg(process.pid, 9)
    process.wait()
