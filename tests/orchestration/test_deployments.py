"""Deployments on a real server: schedules that fire, values that are refused, retries that go on in the same run."""

from typing import Any

import pytest

from hw3models.specs import Recipe, TrainJob, TrainSpec
from tests.orchestration.pools import api, flow_runs, state_of, wait_for_worker
from tests.orchestration.studies import DATA, mlflow_runs, study
from tests.servers import wait_until
from tests.stack import Stack

pytestmark = pytest.mark.servers

FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def studies_worker(stack: Stack) -> None:
    stack.worker("hw3-cpu", "deployments", limit=None)
    wait_for_worker(stack, "hw3-cpu", "deployments")


def deployment(stack: Stack, flow: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api(stack, f"/deployments/name/{flow}/{name}", method="GET").json()
    return found


def start(stack: Stack, flow: str, name: str, spec: dict[str, Any]) -> Any:
    identity = deployment(stack, flow, name)["id"]
    return api(stack, f"/deployments/{identity}/create_flow_run", {"parameters": {"spec": spec}})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"epochs": 0}, "minimum"),
        ({"epoch": 3}, "epoch"),
        ({"data": {"num_train": "many"}}, "num_train"),
        ({"placement": "moon"}, "moon"),
    ],
)
def test_a_wrong_value_is_refused_when_it_is_submitted(stack: Stack, spec: dict[str, Any], message: str) -> None:
    before = len(flow_runs(stack, flow="sequences"))
    refused = start(stack, "sequences", "sequences", spec)
    assert refused.status_code in (409, 422), refused.text
    assert message in refused.text
    assert len(flow_runs(stack, flow="sequences")) == before


def test_switching_a_schedule_on_plans_runs(stack: Stack) -> None:
    nightly = deployment(stack, "sequences", "sequences")
    [schedule] = nightly["schedules"]
    assert not schedule["active"], "off until switched on"
    api(stack, f"/deployments/{nightly['id']}/schedules/{schedule['id']}", {"active": True}, method="PATCH")

    def planned() -> list[dict[str, Any]]:
        return [run for run in flow_runs(stack, flow="sequences") if run["auto_scheduled"]]

    try:
        wait_until(planned, "runs are planned", timeout=150, pause=1)
        assert all("T03:00:00" in run["expected_start_time"] for run in planned())
    finally:
        api(stack, f"/deployments/{nightly['id']}/schedules/{schedule['id']}", {"active": False}, method="PATCH")


def test_a_schedule_fires_and_its_run_trains(stack: Stack, studies_worker: None) -> None:
    training = TrainJob(training=TrainSpec(data=DATA, family="mlp", seeds=(0,), recipe=Recipe(epochs=2)))
    trains = deployment(stack, "train", "cpu")
    # Prefect's scheduler looks once a minute, and plans no run in the past.
    soon = {"schedule": {"interval": 30}}
    parameters = {"parameters": {"spec": training.model_dump(mode="json")}}
    made = api(stack, f"/deployments/{trains['id']}/schedules", [soon | parameters | {"active": True}])
    assert made.status_code == 201, made.text

    def finished() -> list[dict[str, Any]]:
        return [run for run in flow_runs(stack, flow="train") if run["auto_scheduled"] and run["state_type"] in FINAL]

    try:
        run = wait_until(finished, "a scheduled run has ended", timeout=180, pause=1)[0]
        assert run["state_type"] == "COMPLETED"
        [family] = mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{run['id']}' and tags.family = 'mlp'")
        assert family.info.status == "FINISHED"
    finally:
        api(stack, f"/deployments/{trains['id']}/schedules/{made.json()[0]['id']}", method="DELETE")


def test_a_run_that_failed_and_is_retried_goes_on_in_the_same_mlflow_run(stack: Stack, studies_worker: None) -> None:
    # Nobody serves the GPU pool in time, so the first attempt fails; the second finds it served, and its training
    # begins long before the same deadline is over.
    spec = study(placement="gpu", queue_deadline=60, families=("mlp",)).model_dump(mode="json")
    api(stack, "/work_pools/hw3-gpu", {"is_paused": True}, method="PATCH")
    run = start(stack, "sequences", "sequences", spec).json()["id"]
    wait_until(lambda: state_of(stack, run) in FINAL, "the first attempt ends", timeout=150)
    assert state_of(stack, run) == "FAILED"
    [first] = mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{run}' and tags.`hw3.role` = 'parent'")
    assert first.info.status == "FAILED"

    api(stack, "/work_pools/hw3-gpu", {"is_paused": False}, method="PATCH")
    worker = stack.worker("hw3-gpu", "late")
    wait_for_worker(stack, "hw3-gpu", "late")
    # What the UI's button Retry sends.
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    answer = api(stack, f"/flow_runs/{run}/set_state", {"state": state, "force": True})
    assert answer.json()["status"] == "ACCEPT", answer.text
    wait_until(lambda: state_of(stack, run) in FINAL, "the second attempt ends", timeout=120)
    worker.end()
    runs = mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{run}'")
    assert sorted(one.data.tags["hw3.role"] for one in runs) == ["family", "parent"]
    [again] = [one for one in runs if one.data.tags["hw3.role"] == "parent"]
    assert again.info.run_id == first.info.run_id
    assert state_of(stack, run) == "COMPLETED"
    assert {one.info.status for one in runs} == {"FINISHED"}
