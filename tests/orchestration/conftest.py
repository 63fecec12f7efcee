"""One Prefect server, one MLflow server and the deployments, for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOCAL_STORAGE_PATH,
    temporary_settings,
)

from tests.orchestration.pools import deploy, wait_for_worker
from tests.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers, pools and deployments; no workers."""
    with Stack(tmp_path_factory.mktemp("stack")) as started:
        deploy(started)
        yield started


@pytest.fixture(scope="session")
def gpu_worker(stack: Stack) -> None:
    """A worker of the GPU pool for tests that only need one to be there."""
    stack.worker("hw3-gpu", "gpu-0")
    wait_for_worker(stack, "hw3-gpu", "gpu-0")


@pytest.fixture
def here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncPrefectClient]:
    """This process as a client of the stack, with a home and a cache of its own."""
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        monkeypatch.setenv(name, stack.environment[name])
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HW3_CACHE", str(tmp_path / "cache"))
    changed = {
        PREFECT_API_URL: stack.environment["PREFECT_API_URL"],
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results",
    }
    with temporary_settings(changed), get_client(sync_client=True) as client:
        yield client
