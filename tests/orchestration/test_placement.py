"""Training through a work pool, with real servers and workers."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from tests.orchestration.pools import api, workers
from tests.orchestration.studies import runs_of, study
from tests.servers import wait_until
from tests.stack import Stack

pytestmark = pytest.mark.servers


@pytest.mark.usefixtures("gpu_worker")
def test_auto_trains_networks_on_the_gpu_pool_with_the_numbers_of_an_embedded_run(
    stack: Stack, here: SyncPrefectClient, tmp_path: Path
) -> None:
    sent = sequences(study())
    [answer] = sent.answers
    assert answer.placement["mlp"].where == "hw3-gpu"
    assert answer.placement["mlp"].queued_seconds > 0
    assert answer.placement["majority"].where == "here"
    child = here.read_flow_run(answer.placement["mlp"].flow_run_id)
    assert child.state is not None
    assert child.state.is_completed()
    assert child.parent_task_run_id is not None, "the UI shows it under the study"
    tags = runs_of(stack, sent)
    assert {family: one["status"] for family, one in tags.items()} == {"mlp": "FINISHED", "majority": "FINISHED"}
    assert tags["mlp"]["hw3.placement"] == "hw3-gpu"
    assert "asked" in tags["mlp"]["hw3.placement.reason"]
    assert sent.report is not None
    assert "pool hw3-gpu" in Path(sent.report).read_text()

    alone = sequences(study(placement="here")).answers[0]
    for family in ("mlp", "majority"):
        ours, theirs = alone.evaluation[family], answer.evaluation[family]
        np.testing.assert_allclose(ours.metrics["cross_entropy"].per_seed, theirs.metrics["cross_entropy"].per_seed)
        assert ours.metrics["accuracy"].per_seed == theirs.metrics["accuracy"].per_seed
    assert Path(answer.training["mlp"].directory).is_relative_to(tmp_path), "what the worker made is here now"


@pytest.mark.usefixtures("gpu_worker")
def test_doctor_shows_pools_workers_and_what_auto_would_choose(stack: Stack) -> None:
    done = stack.command("-m", "flows.cli", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["orchestration"]["hw3-gpu"].startswith("available: the pool hw3-gpu has a worker")
    assert any(worker.startswith("gpu-0 (heartbeat") for worker in found["orchestration"]["hw3-gpu workers"])
    assert found["orchestration"]["auto takes"].startswith("hw3-gpu: ")
    assert found["servers"]["prefect"].endswith("answers")


@pytest.mark.usefixtures("gpu_worker")
def test_families_train_in_parallel_over_the_workers_and_one_at_a_time_on_each(
    stack: Stack, here: SyncPrefectClient
) -> None:
    second = stack.worker("hw3-gpu", "gpu-1")
    wait_until(lambda: workers(stack, "hw3-gpu").get("gpu-1") == "ONLINE", "the second worker is online")
    try:
        [answer] = sequences(study(families=("mlp", "cnn", "lstm", "gru"), epochs=30)).answers
    finally:
        second.end()
    assert not answer.failures
    spans: dict[str, list[tuple[str, str]]] = {"gpu-0": [], "gpu-1": []}
    for placement in answer.placement.values():
        run = api(stack, f"/flow_runs/{placement.flow_run_id}", method="GET").json()
        spans[run["labels"]["prefect.worker.name"]].append((run["start_time"], run["end_time"]))
    for worker, times in spans.items():
        assert times, f"{worker} did nothing"
        ordered = sorted(times)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered)), worker
    (first_start, first_end), (other_start, other_end) = min(spans["gpu-0"]), min(spans["gpu-1"])
    assert first_start < other_end, "side by side"
    assert other_start < first_end, "side by side"
