"""Against a real server: a run whose process and worker are gone does not stay `Running`."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate

from tasks.automations import HEARTBEAT, ZOMBIES, ZOMBIES_ELSEWHERE, ensure_automations, zombie_automations
from tests.servers import prefect_server, wait_until, worker

pytestmark = pytest.mark.servers

SLOW = """\
import time
from prefect import flow

@flow(name="slow")
def slow(seconds: float = 120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def client(api: str) -> Iterator[SyncPrefectClient]:
    with SyncPrefectClient(api) as made:
        yield made


def test_three_heartbeats_may_be_missed_and_every_way_to_end_is_known() -> None:
    deployed, others = zombie_automations()
    assert deployed.trigger.within.total_seconds() == 3 * HEARTBEAT == 90  # type: ignore[union-attr]
    # Runs without a deployment are not our workers': their heartbeats come every 180 s.
    assert others.trigger.within.total_seconds() == 540  # type: ignore[union-attr]
    for automation in (deployed, others):
        expected = automation.trigger.expect  # type: ignore[union-attr]
        assert expected >= {f"prefect.flow-run.{s}" for s in ("heartbeat", "Completed", "TimedOut", "AwaitingRetry")}


def test_they_are_made_once_and_changed_only_when_they_differ(client: SyncPrefectClient) -> None:
    first = ensure_automations(client)
    assert set(first) == {ZOMBIES, ZOMBIES_ELSEWHERE}
    made = {one.name: one for one in client.read_automations()}
    assert ensure_automations(client) == first
    # An update would forget the heartbeats that the trigger waits for.
    assert {one.name: one for one in client.read_automations()} == made
    client.pause_automation(first[ZOMBIES])
    assert ensure_automations(client) == first
    assert all(one.enabled for one in client.read_automations())
    client.create_automation(zombie_automations()[0])
    ensure_automations(client)
    assert len(client.read_automations()) == 2


def heartbeats(api: str, run_id: UUID) -> int:
    """That have arrived at the server."""
    wanted = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run_id}"]}}
    return int(httpx.post(f"{api}/events/filter", json={"filter": wanted}, timeout=30).json()["total"])


def test_a_run_that_is_killed_with_its_worker_is_crashed(api: str, client: SyncPrefectClient, tmp_path: Path) -> None:
    (tmp_path / "slow_flow.py").write_text(SLOW)
    # 30 s is the shortest heartbeat: a shorter window would crash a living run, but this one is dead by then.
    ensure_automations(client, window=12)
    client.create_work_pool(WorkPoolCreate(name="doomed", type="process"))
    deployment = client.create_deployment(
        flow_id=client.create_flow_from_name("slow"),
        name="slow",
        work_pool_name="doomed",
        entrypoint="slow_flow.slow",
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}],
    )
    run = client.create_flow_run_from_deployment(deployment)
    done = client.create_flow_run_from_deployment(deployment, parameters={"seconds": 0})

    def state(one: object) -> str:
        return str(client.read_flow_run(one.id).state_name)  # type: ignore[attr-defined]

    with worker(api, "doomed", tmp_path / "worker", PYTHONPATH=str(tmp_path)) as process:
        wait_until(lambda: state(run) == "Running", "start", timeout=40)
        wait_until(lambda: state(done) == "Completed", "end of the short run", timeout=40)
        # The automation waits for the heartbeat after this one; it comes beside the state, and may come later.
        wait_until(lambda: heartbeats(api, run.id), "the first heartbeat", timeout=40)
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            os.kill(one.pid, signal.SIGKILL)
    assert state(run) == "Running"
    # The server looks for silent runs now and then, and late when it is busy.
    wait_until(lambda: state(run) == "Crashed", "crash", timeout=180)
    assert client.read_flow_run(run.id).state.message == "No heartbeat for 12 s: its process is gone."  # type: ignore[union-attr]
    assert state(done) == "Completed"
