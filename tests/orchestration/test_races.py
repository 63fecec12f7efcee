"""A worker that comes back at the deadline: the training is done once, by it or by the study, never by both."""

import signal
import threading
import time

import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from hw3models.specs import RunReport
from tests.orchestration.pools import child_of, end_workers, state_of, wait_for_worker
from tests.orchestration.studies import mlflow_runs, study
from tests.servers import wait_until
from tests.stack import Stack

pytestmark = pytest.mark.servers

DEADLINE = 3.0


def trainings(stack: Stack, run: RunReport) -> int:
    """How often the family was trained: each training logs a loss for every epoch."""
    [family] = mlflow_runs(stack, f"attributes.run_id = '{run.answers[0].run_ids['mlp']}'")
    history = MlflowClient(stack.environment["MLFLOW_TRACKING_URI"]).get_metric_history(
        family.info.run_id, "train_loss"
    )
    steps = [point.step for point in history]
    return steps.count(1)


def race(stack: Stack, thaw_after: float) -> RunReport:
    """Freeze the worker, start a study whose deadline is near, and wake the worker `thaw_after` s later."""
    worker = next(one for one in stack.programs if one.log.name == "racer.log")
    worker.send(signal.SIGSTOP)
    alarm = threading.Timer(thaw_after, lambda: worker.send(signal.SIGCONT))
    alarm.start()
    try:
        run = sequences(study(placement="auto", queue_deadline=DEADLINE))
    finally:
        alarm.join()
    child = child_of(stack, run.answers[0].run_ids["mlp"])
    # Fenced off, refused or done: it must not begin after the study has gone on.
    wait_until(lambda: state_of(stack, child["id"]) not in ("SCHEDULED", "PENDING", "RUNNING"), "the child is over")
    time.sleep(1)
    return run


@pytest.mark.parametrize("offset", [-1.0, 0.2, 0.8, 1.5])
def test_a_worker_that_wakes_at_the_deadline_never_trains_what_the_study_trains(
    stack: Stack, here: SyncPrefectClient, offset: float, racer: None
) -> None:
    run = race(stack, DEADLINE + offset)
    [answer] = run.answers
    assert set(answer.evaluation) == {"mlp", "majority"}, answer.failures
    assert trainings(stack, run) == 1
    placement = answer.placement["mlp"]
    if placement.where == "here":
        assert "no worker of pool hw3-gpu took it within 3 s" in placement.reason
        assert any("was to be trained on hw3-gpu" in note for note in answer.notes)
        assert placement.queued_seconds >= DEADLINE


def test_a_pool_that_nobody_serves_costs_the_deadline_once_and_not_once_per_family(
    stack: Stack, here: SyncPrefectClient, racer: None
) -> None:
    worker = next(one for one in stack.programs if one.log.name == "racer.log")
    worker.send(signal.SIGSTOP)
    try:
        [answer] = sequences(study(families=("mlp", "cnn", "lstm", "gru"), queue_deadline=10)).answers
    finally:
        worker.send(signal.SIGCONT)
    waited = {family: placement.queued_seconds for family, placement in answer.placement.items()}
    assert set(waited) == {"mlp", "cnn", "lstm", "gru"}
    assert {placement.where for placement in answer.placement.values()} == {"here"}
    # Once called back they are trained here, one after another: tiny networks, seconds each.
    assert 10 <= waited["mlp"] < 20, waited
    assert max(waited.values()) < 2 * 10 + 8, waited


@pytest.fixture(scope="module")
def racer(stack: Stack) -> None:
    """The only worker of the GPU pool."""
    end_workers(stack, "hw3-gpu")
    stack.worker("hw3-gpu", "racer")
    wait_for_worker(stack, "hw3-gpu", "racer")
