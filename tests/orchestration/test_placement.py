"""Training through a work pool, with real servers and workers."""

from pathlib import Path

import numpy as np
import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from tests.orchestration.studies import runs_of, study
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
