"""Data that one machine has, and that `hw3 upload` makes those of every worker."""

from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.sequences import sequences
from flows.upload import upload
from hw3models.specs import DataOptions, DataSpec
from tests.hw3models.data.test_addresses import table
from tests.orchestration.pools import end_workers, wait_for_worker
from tests.orchestration.studies import study
from tests.stack import Stack

pytestmark = pytest.mark.servers


def test_a_worker_that_never_had_the_file_trains_on_it(stack: Stack, here: SyncPrefectClient, tmp_path: Path) -> None:
    (tmp_path / "gait.csv").write_bytes(table(160))
    source, is_new = upload(str(tmp_path / "gait.csv"), DataOptions())
    assert is_new
    (tmp_path / "gait.csv").unlink()
    end_workers(stack, "hw3-cpu")
    stack.worker("hw3-cpu", "elsewhere")
    wait_for_worker(stack, "hw3-cpu", "elsewhere")
    run = sequences(study(data=DataSpec(source=source), placement="cpu"))
    [answer] = run.answers
    assert not answer.failures
    assert {answer.placement[family].where for family in ("mlp", "majority")} == {"hw3-cpu"}
    cache = stack.folder / "elsewhere" / "cache" / "raw" / "uploads"
    assert [path.name for path in cache.rglob("gait.csv")] == ["gait.csv"]
