"""Several workers: hosts that share no disk, and many trainings in the queue."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hw3models.specs import Recipe, TrainJob, TrainSpec
from tests.orchestration.pools import api, deploy, flow_runs, wait_for_worker
from tests.orchestration.studies import DATA, mlflow_runs
from tests.servers import new_database, postgres, wait_until
from tests.stack import Stack

HW3 = str(Path(sys.executable).with_name("hw3"))
STUDY = ("sequences", "regime:locked", "--num-train", "160", "--num-test", "80", "--seeds", "2", "--epochs", "3")


def scores(answer: dict[str, Any]) -> dict[str, Any]:
    """Family -> its scores, seed by seed."""
    return {
        family: {name: one["per_seed"] for name, one in values.items() if isinstance(one, dict)}
        for family, values in answer["families"].items()
    }


@pytest.mark.servers
def test_two_hosts_that_share_no_disk_give_the_numbers_of_an_embedded_run(tmp_path: Path) -> None:
    with postgres() as server, Stack(tmp_path / "stack", mlflow_store=new_database(server, "mlflow")) as stack:
        deploy(stack)
        for host in ("host-a", "host-b"):
            stack.worker("hw3-cpu", host)
            wait_for_worker(stack, "hw3-cpu", host)
        spread = stack.command(
            "-m", "flows.cli", *STUDY, "--placement", "cpu", "--json", HW3_HOME=str(tmp_path / "c"), timeout=280
        )
        assert spread.returncode == 0, spread.stderr
        answer = json.loads(spread.stdout)
        assert {one["where"] for one in answer["placement"].values()} == {"hw3-cpu"}
        for host in ("host-a", "host-b"):
            text = (stack.folder / f"{host}.log").read_text()
            assert "submitting flow run" in text, f"{host} did nothing"
            assert list((stack.folder / host / "cache").rglob("*.npz")), f"{host} prepared no data of its own"
    assert_same_scores(scores(embedded(tmp_path, stack.environment)), scores(answer))


def assert_same_scores(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(theirs)
    for family, values in ours.items():
        for metric, seeds in values.items():
            assert theirs[family][metric] == pytest.approx(seeds, rel=1e-5, abs=1e-7), f"{family}, {metric}"


def embedded(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """The same study with no server at all."""
    alone = {k: v for k, v in environment.items() if k not in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")}
    alone |= {"HW3_HOME": str(folder / "alone"), "PREFECT_HOME": str(folder / "prefect-alone")}
    done = subprocess.run([HW3, *STUDY, "--json"], env=alone, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.load
@pytest.mark.timeout(3600)
def test_many_queued_trainings_over_two_workers_are_each_done_once(tmp_path: Path) -> None:
    number = int(os.environ.get("HW3_LOAD", "200"))
    with Stack(tmp_path / "stack") as stack:
        deploy(stack)
        for worker in ("worker-a", "worker-b"):
            stack.worker("hw3-cpu", worker, limit=3)
            wait_for_worker(stack, "hw3-cpu", worker)
        [deployment] = api(stack, "/deployments/filter", {"deployments": {"name": {"any_": ["cpu"]}}}).json()
        for seed in range(number):
            training = TrainSpec(data=DATA, family="mlp", seeds=(seed,), recipe=Recipe(epochs=2))
            parameters = {"spec": TrainJob(training=training).model_dump(mode="json")}
            # The key makes it safe to ask again, which `api` does when the server is too busy to answer.
            body = {"parameters": parameters, "idempotency_key": f"load-{seed}"}
            assert api(stack, f"/deployments/{deployment['id']}/create_flow_run", body).status_code < 300

        def states() -> Counter[str]:
            body = {"flows": {"name": {"any_": ["train"]}}}
            found: Counter[str] = Counter()
            for offset in range(0, number, 200):
                runs = api(stack, "/flow_runs/filter", body | {"limit": 200, "offset": offset}).json()
                found.update(run["state_type"] for run in runs)
            return found

        wait_until(lambda: states() == {"COMPLETED": number}, f"all of {number} completed", timeout=3000, pause=5)
        assert {run["run_count"] for run in flow_runs(stack, flow="train")} == {1}
        families = mlflow_runs(stack, "tags.family = 'mlp' and tags.`hw3.role` = 'family'")
        assert Counter(run.info.status for run in families) == {"FINISHED": number}
        assert Counter(run.data.params["seeds"] for run in families) == {str(seed): 1 for seed in range(number)}
        client = MlflowClient(stack.environment["MLFLOW_TRACKING_URI"])
        for run in families:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, "train_loss")]
            assert steps == [1, 2], f"{run.info.run_id} logged epochs {steps}"
        for worker in ("worker-a", "worker-b"):
            assert "submitting flow run" in (stack.folder / f"{worker}.log").read_text()
