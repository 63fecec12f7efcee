"""Trials of a search on a work pool, with real servers and workers."""

from itertools import combinations

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from tests.orchestration.pools import end_workers, flow_runs, wait_for_worker
from tests.orchestration.studies import mlflow_runs, study
from tests.stack import Stack

pytestmark = pytest.mark.servers


def test_trials_are_spread_over_the_workers_of_the_pool_and_are_those_of_this_process(
    stack: Stack, here: SyncPrefectClient
) -> None:
    end_workers(stack, "hw3-gpu")
    started = [stack.worker("hw3-gpu", f"tuner-{number}") for number in range(2)]
    for number in range(2):
        wait_for_worker(stack, "hw3-gpu", f"tuner-{number}")
    before = {run["id"] for run in flow_runs(stack, flow="train")}
    try:
        [answer] = sequences(study(families=("mlp", "cnn", "majority"), tune=3, epochs=4)).answers
    finally:
        for worker in started:
            worker.end()
    assert not answer.failures
    assert not answer.notes
    for family in ("mlp", "cnn"):
        report = answer.tuning[family]
        assert (report.finished + report.pruned, report.failed) == (3, 0)
        below = f"tags.mlflow.parentRunId = '{answer.run_ids[family]}'"
        found = mlflow_runs(stack, f"{below} and tags.`hw3.role` = 'trial'")
        assert sorted(run.data.tags["trial"] for run in found) == ["000", "001", "002"]
        assert {run.info.status for run in found} <= {"FINISHED", "KILLED"}
    sent = [run for run in flow_runs(stack, flow="train") if run["id"] not in before and run["name"].startswith("try-")]
    assert len(sent) == 6, "each trial once"
    assert {run["state_type"] for run in sent} == {"COMPLETED"}
    assert {run["labels"]["prefect.worker.name"] for run in sent} == {"tuner-0", "tuner-1"}
    spans = [(run["start_time"], run["end_time"]) for run in sent]
    assert any(a[0] < b[1] and b[0] < a[1] for a, b in combinations(spans, 2)), "side by side"
    # Two networks on two workers: each search has one trial out at a time, so it is that of a single process.
    alone = sequences(study(families=("mlp", "cnn", "majority"), tune=3, epochs=4, placement="here")).answers[0]
    for family in ("mlp", "cnn"):
        ours, theirs = answer.tuning[family], alone.tuning[family]
        assert (ours.best, ours.changed, ours.value) == (theirs.best, theirs.changed, pytest.approx(theirs.value))


def test_trials_that_no_worker_takes_come_back_and_the_search_is_finished_here(
    stack: Stack, here: SyncPrefectClient
) -> None:
    end_workers(stack, "hw3-gpu")
    last = stack.worker("hw3-gpu", "sleeper")
    wait_for_worker(stack, "hw3-gpu", "sleeper")
    last.end()
    # The pool still looks alive: its last worker has asked a moment ago.
    [answer] = sequences(study(families=("mlp", "majority"), tune=3, queue_deadline=5)).answers
    assert answer.tuning["mlp"].finished + answer.tuning["mlp"].pruned == 3
    assert [note for note in answer.notes if "trials were to be tried on hw3-gpu: no worker of pool" in note]
    assert answer.placement["mlp"].where == "here"
