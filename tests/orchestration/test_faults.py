"""Processes killed, pools paused, servers restarted: each ends in a clear state on both sides, in bounded time."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from hw3models.errors import TrainingError
from tests.orchestration.pools import api, child_of, deploy, end_workers, flow_runs, state_of, wait_for_worker
from tests.orchestration.studies import LONG, known_runs, mlflow_runs, runs_of, study, training_process
from tests.servers import wait_until
from tests.stack import Stack

pytestmark = pytest.mark.servers


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """`act` in a thread beside the block; what it raises fails the test."""
    faults: list[BaseException] = []

    def guarded() -> None:
        try:
            act()
        except BaseException as fault:
            faults.append(fault)

    thread = threading.Thread(target=guarded)
    thread.start()
    yield
    thread.join(60)
    if faults:
        raise faults[0]


@pytest.mark.usefixtures("gpu_worker")
def test_a_killed_training_is_missing_and_the_rest_of_the_comparison_stands(
    stack: Stack, here: SyncPrefectClient
) -> None:
    known = known_runs(stack)
    with meanwhile(lambda: os.kill(training_process(stack, "gru", known)[0], signal.SIGKILL)):
        run = sequences(study(**LONG | {"families": ("majority", "logistic", "gru")}))
    [answer] = run.answers
    assert set(answer.evaluation) == {"majority", "logistic"}
    assert answer.comparison is not None
    assert "Crashed" in answer.failures["gru"]
    assert any("gru could not be trained" in warning for warning in run.warnings), "said before the verdict"
    gru = runs_of(stack, run)["gru"]
    assert gru["status"] == "FAILED"
    assert "Crashed" in gru["hw3.ended"]
    child = child_of(stack, answer.run_ids["gru"])
    assert child["state_type"] == "CRASHED"


@pytest.mark.parametrize(
    ("number", "runs_may_be", "children_may_be"),
    [
        (signal.SIGKILL, {"FAILED"}, {"CRASHED"}),
        (signal.SIGTERM, {"FAILED", "KILLED"}, {"CRASHED", "CANCELLED"}),
    ],
)
def test_a_worker_that_dies_with_its_training_leaves_no_zombie(
    stack: Stack, here: SyncPrefectClient, number: signal.Signals, runs_may_be: set[str], children_may_be: set[str]
) -> None:
    end_workers(stack, "hw3-cpu")
    name = f"doomed-by-{number.name.lower()}"
    worker = stack.worker("hw3-cpu", name)
    wait_for_worker(stack, "hw3-cpu", name)
    known = known_runs(stack)

    def kill_both() -> None:
        pid, _ = training_process(stack, "gru", known)
        worker.send(number)
        worker.process.wait(60)
        # Prefect's worker takes its runs along as a rule. One that it leaves behind would go on, and its results
        # would be taken; here it dies as well, with nobody left to report it.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    start = time.monotonic()
    with pytest.MonkeyPatch.context() as patch, meanwhile(kill_both):
        patch.setenv("HW3_HEARTBEAT_TIMEOUT", "20")
        run = sequences(study(placement="cpu", **LONG))
    assert time.monotonic() - start < 90
    [answer] = run.answers
    assert "gru" in answer.failures
    assert runs_of(stack, run)["gru"]["status"] in runs_may_be
    assert child_of(stack, answer.run_ids["gru"])["state_type"] in children_may_be


def test_a_pool_that_nobody_serves_fails_who_insists_on_it(stack: Stack, here: SyncPrefectClient) -> None:
    end_workers(stack, "hw3-cpu")
    with pytest.raises(TrainingError, match=r"no worker of pool hw3-cpu took it within 1 s"):
        sequences(study(placement="cpu", queue_deadline=1, families=("mlp",)))
    [child] = flow_runs(stack, flow="train")[:1]
    wait_until(lambda: flow_runs(stack, flow="train")[0]["state_type"] in ("CANCELLING", "CANCELLED"), "called back")
    assert child["run_count"] == 0


def test_a_pool_deleted_while_a_training_waits_in_it_gives_it_back(stack: Stack, here: SyncPrefectClient) -> None:
    end_workers(stack, "hw3-cpu")
    known = known_runs(stack)

    def delete() -> None:
        wait_until(lambda: set(known_runs(stack)) - known, "the study has begun")
        time.sleep(1)
        assert api(stack, "/work_pools/hw3-cpu", method="DELETE").status_code == 204

    try:
        with (
            meanwhile(delete),
            pytest.raises(TrainingError, match=r"mlp: no worker of pool hw3-cpu took it within 6 s"),
        ):
            sequences(study(placement="cpu", queue_deadline=6, families=("mlp",)))
    finally:
        deploy(stack, pools=("hw3-cpu",))


@pytest.mark.usefixtures("gpu_worker")
def test_a_paused_pool_is_not_available_and_says_so(stack: Stack, here: SyncPrefectClient) -> None:
    api(stack, "/work_pools/hw3-gpu", {"is_paused": True}, method="PATCH")
    try:
        [answer] = sequences(study()).answers
    finally:
        api(stack, "/work_pools/hw3-gpu", {"is_paused": False}, method="PATCH")
    assert answer.placement["mlp"].where == "here"
    assert answer.placement["mlp"].reason == "the pool hw3-gpu is paused"


@pytest.mark.usefixtures("gpu_worker")
def test_a_prefect_server_restarted_under_a_running_study_loses_nothing(stack: Stack, here: SyncPrefectClient) -> None:
    known = known_runs(stack)

    def restart() -> None:
        training_process(stack, "gru", known)
        stack.prefect.kill_group()
        time.sleep(3)
        stack.start_prefect()
        stack.wait_for_servers()

    with meanwhile(restart):
        run = sequences(study(families=("gru", "majority"), epochs=400))
    [answer] = run.answers
    assert not answer.failures
    assert set(answer.evaluation) == {"gru", "majority"}
    assert {one["status"] for one in runs_of(stack, run).values()} == {"FINISHED"}
    assert here.read_flow_run(run.prefect["prefect.flow_run_id"]).state.is_completed()


def start_study(stack: Stack) -> str:
    """A study on a worker of the CPU pool, as the UI starts it; the id of its flow run."""
    end_workers(stack, "hw3-cpu")
    stack.worker("hw3-cpu", "studies", limit=None)
    wait_for_worker(stack, "hw3-cpu", "studies")
    [deployment] = api(stack, "/deployments/filter", {"deployments": {"name": {"any_": ["sequences"]}}}).json()
    parameters = {"spec": study(**LONG).model_dump(mode="json")}
    started = api(stack, f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
    return str(started.json()["id"])


@pytest.mark.usefixtures("gpu_worker")
def test_a_study_cancelled_in_the_ui_stops_with_its_children_and_its_mlflow_runs(stack: Stack) -> None:
    known = known_runs(stack)
    parent = start_study(stack)
    pid, family_run = training_process(stack, "gru", known)
    [mine] = mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{parent}' and tags.`hw3.role` = 'parent'")
    child = child_of(stack, family_run)
    # What the UI's button sends.
    api(stack, f"/flow_runs/{parent}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    for process, run in ((int(mine.data.tags["hw3.pid"]), parent), (pid, child["id"])):
        wait_until(lambda process=process: not Path(f"/proc/{process}").exists(), "its process is gone")
        wait_until(lambda run=run: state_of(stack, run) == "CANCELLED", "its state has ended", timeout=10)
    wait_until(lambda: not mlflow_runs(stack, "attributes.status = 'RUNNING'"), "no MLflow run is left open")
    states = {
        run.data.tags.get("family", "parent"): run.info.status
        for run in mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{parent}'")
    }
    assert states == {"parent": "KILLED", "gru": "KILLED", "majority": "FINISHED"}


@pytest.mark.usefixtures("gpu_worker")
def test_a_study_that_is_killed_on_a_worker_leaves_no_run_open_and_no_training_behind(stack: Stack) -> None:
    known = known_runs(stack)
    parent = start_study(stack)
    pid, family_run = training_process(stack, "gru", known)
    [mine] = mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{parent}' and tags.`hw3.role` = 'parent'")
    os.kill(int(mine.data.tags["hw3.pid"]), signal.SIGKILL)
    wait_until(lambda: state_of(stack, parent) == "CRASHED", "the study is Crashed")
    wait_until(lambda: not mlflow_runs(stack, "attributes.status = 'RUNNING'"), "no MLflow run is left open")
    states = {
        run.data.tags.get("family", "parent"): run.info.status
        for run in mlflow_runs(stack, f"tags.`prefect.flow_run_id` = '{parent}'")
    }
    assert states == {"parent": "FAILED", "gru": "FAILED", "majority": "FINISHED"}
    wait_until(lambda: state_of(stack, child_of(stack, family_run)["id"]) == "CANCELLED", "its child is cancelled")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the child's process is gone")


@pytest.mark.usefixtures("gpu_worker")
def test_an_mlflow_server_restarted_under_a_running_study_costs_no_family(
    stack: Stack, here: SyncPrefectClient
) -> None:
    known = known_runs(stack)

    def restart() -> None:
        training_process(stack, "gru", known)
        stack.mlflow.kill_group()
        time.sleep(5)
        stack.start_mlflow()
        stack.wait_for_servers()

    with meanwhile(restart):
        run = sequences(study(families=("gru", "mlp", "majority"), epochs=400))
    [answer] = run.answers
    assert not answer.failures
    assert set(answer.evaluation) == {"gru", "mlp", "majority"}
    assert {one["status"] for one in runs_of(stack, run).values()} == {"FINISHED"}
