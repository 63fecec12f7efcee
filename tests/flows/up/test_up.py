"""`hw3 up` as users have it: real servers and workers, on free ports, in a terminal of its own.

The tests share one platform and go on where the one before stopped, because each start takes 20 s on two cores.
"""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId

from flows.local.servers import fault_of
from flows.up.processes import marked
from flows.up.schedules import read_switches, restore_switches
from flows.up.services import CPU_POOL, GPU_POOL, QUEUES
from flows.up.state import UpState, read_state
from tasks.automations import ZOMBIES
from tests.servers import clean_environment, free_port, is_free, postgres, wait_until

pytestmark = pytest.mark.servers

SLOW_RUN = {"spec": {"data": {"source": "regime:order"}, "seeds": 8, "epochs": 60, "families": ["lstm"]}}
FAMILY = {"worker-cpu-1", "worker-gpu-1", "mlflow", "prefect"}


class Up:
    """`hw3 up` in a pseudo-terminal."""

    def __init__(self, home: Path, ports: tuple[int, int], **environment: str) -> None:
        self.home, self.ports, self.shown = home, ports, ""
        self.api, self.mlflow = f"http://127.0.0.1:{ports[0]}/api", f"http://127.0.0.1:{ports[1]}"
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments(ports), "--gpus", "1"],
            env=settings(home, **environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=lambda: os.login_tty(slave),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def state(self) -> UpState:
        found = read_state(self.home / ".hw3" / "up" / "state.json")
        assert found is not None
        return found

    def pids(self) -> dict[str, int]:
        return {one.name: one.process.pid for one in self.state().services if one.process is not None}

    def says(self, words: str, timeout: float = 120) -> None:
        def said() -> bool:
            assert self.process.poll() is None or words in self.shown, self.shown
            return words in self.shown

        wait_until(said, words, timeout=timeout)

    def press_ctrl_c(self) -> None:
        os.write(self.master, b"\x03")

    def close(self) -> None:
        token = found.token if (found := read_state(self.home / ".hw3" / "up" / "state.json")) else ""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for one in marked(token) if token else []:
            psutil.Process(one.pid).kill()
        self._reader.join(timeout=10)

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 4096):
                self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # everything at the other end is closed
            pass
        finally:
            os.close(self.master)


COMMAND = [sys.executable, "-m", "flows.cli", "up"]


def arguments(ports: tuple[int, int]) -> list[str]:
    return ["--prefect-port", str(ports[0]), "--mlflow-port", str(ports[1])]


def settings(home: Path, **more: str) -> dict[str, str]:
    folders = {"HW3_HOME": str(home), "HW3_CACHE": str(home / "cache"), "PREFECT_HOME": str(home / "prefect")}
    return clean_environment(**folders, **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def up(home: Path, ports: tuple[int, int]) -> Iterator[Up]:
    started = Up(home, ports)
    try:
        started.says("Ctrl-C stops everything.")
        yield started
    finally:
        started.close()


@pytest.fixture
def client(up: Up) -> Iterator[SyncPrefectClient]:
    with SyncPrefectClient(up.api) as made:
        yield made


def test_it_brings_up_servers_pools_deployments_automation_and_workers(up: Up, client: SyncPrefectClient) -> None:
    assert fault_of(up.api) is None
    assert fault_of(up.mlflow) is None
    assert {pool.name: pool.type for pool in client.read_work_pools()} == {CPU_POOL: "process", GPU_POOL: "process"}
    for queue in QUEUES:
        assert client.read_work_queue_by_name(queue, work_pool_name=CPU_POOL).concurrency_limit == 1
    deployments = {one.name: one.work_pool_name for one in client.read_deployments()}
    assert deployments.items() >= {"sequences": CPU_POOL, "cpu": CPU_POOL, "gpu": GPU_POOL}.items()
    assert ZOMBIES in [one.name for one in client.read_automations()]
    for pool in (CPU_POOL, GPU_POOL):
        assert [worker.status for worker in client.read_workers_for_work_pool(pool)] == ["ONLINE"]
    assert (up.home / "mlflow" / "store" / "mlflow.db").exists()
    for line in (f"export PREFECT_API_URL={up.api}", f"export MLFLOW_TRACKING_URI={up.mlflow}", "WITHOUT A GPU"):
        assert line in up.shown


def test_what_crashes_leave_is_put_in_order_by_itself(up: Up, client: SyncPrefectClient) -> None:
    deployment = client.read_deployment_by_name("reconcile/reconcile")
    (often,) = deployment.schedules
    assert often.active

    def planned() -> bool:
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))
        return bool(client.read_flow_runs(flow_run_filter=wanted, limit=5))

    wait_until(planned, "a run of it is planned")


def test_workers_know_both_servers_and_send_heartbeats(up: Up) -> None:
    pids = up.pids()
    assert set(pids) == FAMILY
    for name in ("worker-cpu-1", "worker-gpu-1"):
        environment = psutil.Process(pids[name]).environ()
        assert environment["PREFECT_API_URL"] == up.api
        assert environment["MLFLOW_TRACKING_URI"] == up.mlflow
        assert environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
        assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert psutil.Process(pids["worker-gpu-1"]).cmdline()[-2:] == ["--limit", "1"]


def test_what_people_switched_outlives_a_new_deployment(client: SyncPrefectClient) -> None:
    deployment = client.read_deployment_by_name("sequences/sequences")
    (nightly,) = deployment.schedules
    client.update_deployment_schedule(deployment.id, nightly.id, active=True)
    client.pause_deployment(deployment.id)
    before = read_switches(client)
    # As `prefect deploy` does.
    client.resume_deployment(deployment.id)
    client.update_deployment_schedule(deployment.id, nightly.id, active=False)
    assert restore_switches(client, before) == ["schedule nightly of sequences stays on", "sequences stays paused"]
    after = client.read_deployment_by_name("sequences/sequences")
    assert after.paused
    assert after.schedules[0].active
    assert restore_switches(client, before) == []
    client.resume_deployment(deployment.id)
    client.update_deployment_schedule(deployment.id, nightly.id, active=False)


def test_a_second_one_says_what_runs_and_changes_nothing(up: Up) -> None:
    before = up.pids()
    again = subprocess.run([*COMMAND, *arguments(up.ports)], env=settings(up.home), capture_output=True, text=True)
    assert again.returncode == 0
    assert f"runs already: pid {up.process.pid}, up since" in again.stdout
    for name, pid in before.items():
        assert f"pid {pid}" in again.stdout, name
    assert again.stdout.count("answers") == 2
    assert f"http://127.0.0.1:{up.ports[0]}" in again.stdout
    assert up.pids() == before
    assert fault_of(up.api) is None


def test_ports_that_something_else_has_are_refused(up: Up, tmp_path: Path) -> None:
    other = subprocess.run([*COMMAND, *arguments(up.ports)], env=settings(tmp_path), capture_output=True, text=True)
    assert other.returncode == 2
    for words in (f"port {up.ports[0]} (Prefect)", f"port {up.ports[1]} (MLflow)", "--prefect-port", "--mlflow-port"):
        assert words in other.stderr
    assert fault_of(up.mlflow) is None


def test_what_is_killed_is_started_again(up: Up, client: SyncPrefectClient) -> None:
    before = up.pids()
    # MLflow's own child would keep the port.
    os.kill(before["mlflow"], signal.SIGKILL)
    os.kill(before["worker-gpu-1"], signal.SIGKILL)
    up.says("worker gpu-1       started again", 30)
    up.says("MLflow server      answers again", 60)
    after = up.pids()
    assert set(after) == FAMILY
    assert after["mlflow"] != before["mlflow"]
    assert after["worker-gpu-1"] != before["worker-gpu-1"]
    assert (after["prefect"], after["worker-cpu-1"]) == (before["prefect"], before["worker-cpu-1"])
    assert "DIED: it was killed by SIGKILL" in up.shown
    # Not what the old MLflow left behind answers, but a child of the new one.
    listening = {one.pid for one in psutil.net_connections("tcp") if one.laddr.port == up.ports[1] and not one.raddr}
    assert listening == {child.pid for child in psutil.Process(after["mlflow"]).children()}
    log = up.home / ".hw3" / "up" / "logs" / "worker-gpu-1.log"
    wait_until(lambda: log.read_text().count("started!") >= 2, "second start in the log", timeout=90)


def test_a_server_that_is_stopped_is_told_of_and_goes_on(up: Up) -> None:
    """Both of them, by the process that answers, which may be a child of what was started; and nothing else changes."""
    before = up.pids()
    listening = {one.laddr.port: one.pid for one in psutil.net_connections("tcp") if not one.raddr}
    for pid in [listening[port] for port in up.ports]:
        os.kill(pid, signal.SIGSTOP)
        up.says(f"it was stopped; `kill -CONT {pid}` lets it go on", 90)
        os.kill(pid, signal.SIGCONT)
    up.says("Prefect server     answers again", 60)
    up.says("MLflow server      answers again", 60)
    assert up.pids() == before


def test_after_kill_9_the_next_start_ends_what_was_left_and_may_use_postgresql(up: Up) -> None:
    old = up.state()
    os.kill(up.pids()["prefect"], signal.SIGSTOP)  # what is left does not even listen
    workers = [one.process for one in old.services if one.process is not None and one.health is None]
    os.kill(up.process.pid, signal.SIGKILL)
    up.process.wait()
    if sys.platform == "linux":
        wait_until(lambda: not any(one.is_alive for one in workers), "end of the workers", timeout=10)
    assert fault_of(up.mlflow) is None, "the servers stay, so that runs can tell how they ended"
    with postgres() as address:
        again = Up(up.home, up.ports, HW3_DATABASE_URL=f"{address}/hw3")
        try:
            again.says("Ctrl-C stops everything.")
            assert "of a `hw3 up` that was killed; they are ended" in again.shown
            assert marked(old.token) == []
            assert set(again.pids()) == FAMILY
            _check_postgres(again, address)
            _check_ctrl_c(again, address)
        finally:
            again.close()


def _check_postgres(up: Up, address: str) -> None:
    from sqlalchemy import create_engine, inspect

    for name, table in (("prefect", "flow_run"), ("mlflow", "experiments")):
        engine = create_engine(f"{address}/hw3_{name}".replace("postgresql:", "postgresql+psycopg2:"))
        assert table in inspect(engine).get_table_names()
        engine.dispose()
        assert f"made the database hw3_{name}" in up.shown
    password = address.split(":")[2].split("@")[0]
    assert password not in up.shown
    for path in (up.home / ".hw3" / "up").rglob("*.*"):
        assert password not in path.read_text(errors="replace"), path
    for one in marked(up.state().token):
        process = psutil.Process(one.pid)
        assert password not in " ".join(process.cmdline())
        if process.environ()["HW3_UP_SERVICE"].startswith("worker"):
            assert password not in str(process.environ())


def _check_ctrl_c(up: Up, address: str) -> None:
    from sqlalchemy import create_engine, text

    with SyncPrefectClient(up.api) as client:
        deployment = client.read_deployment_by_name("sequences/sequences")
        run = client.create_flow_run_from_deployment(deployment.id, parameters=SLOW_RUN)
        wait_until(lambda: client.read_flow_run(run.id).state_name == "Running", "start of a run", timeout=60)
        name = client.read_flow_run(run.id).name
    token = up.state().token
    up.press_ctrl_c()
    assert up.process.wait(60) == 0, up.shown
    assert f"cancels            {name} (Running" in up.shown
    assert marked(token) == []
    assert is_free(up.ports[0])
    assert is_free(up.ports[1])
    assert read_state(up.home / ".hw3" / "up" / "state.json") is None
    engine = create_engine(f"{address}/hw3_prefect".replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        query = text("select state_name from flow_run where id = :id")
        assert connection.execute(query, {"id": str(run.id)}).scalar() == "Cancelled"
    engine.dispose()


def test_with_passwords_nobody_gets_in_without_and_no_file_has_them(
    home: Path, tmp_path: Path, ports: tuple[int, int]
) -> None:
    prefect, mlflow = "planted-prefect-secret", "planted-mlflow-secret"
    secrets = {
        "PREFECT_API_AUTH_STRING": f"ann:{prefect}",
        "MLFLOW_TRACKING_USERNAME": "ann",
        "MLFLOW_TRACKING_PASSWORD": mlflow,
    }
    started = Up(tmp_path, (free_port(), free_port()), **secrets)
    try:
        started.says("Ctrl-C stops everything.", timeout=180)
        # Nobody without, nobody with another.
        for auth in (None, ("ann", "guessed-password")):
            assert httpx.post(f"{started.api}/flow_runs/filter", json={}, auth=auth).status_code == 401
            experiments = f"{started.mlflow}/api/2.0/mlflow/experiments/search"
            assert httpx.get(experiments, params={"max_results": 5}, auth=auth).status_code == 401
        assert httpx.post(f"{started.api}/flow_runs/filter", json={}, auth=("ann", prefect)).status_code == 200
        # A study through the worker, from submission to the report.
        spec = {"data": {"source": "regime:locked", "num_train": 80, "num_test": 60}, "seeds": 2, "epochs": 2}
        with SyncPrefectClient(started.api, auth_string=f"ann:{prefect}") as client:
            deployment = client.read_deployment_by_name("sequences/sequences")
            run = client.create_flow_run_from_deployment(
                deployment.id, parameters={"spec": spec | {"families": ["mlp", "majority"]}}
            )

            def ended() -> str | None:
                state = client.read_flow_run(run.id).state
                return state.name if state is not None and state.is_final() else None

            assert wait_until(ended, "the study", timeout=180) == "Completed"
        found = httpx.post(
            f"{started.mlflow}/api/2.0/mlflow/runs/search",
            json={"experiment_ids": ["1"], "max_results": 10},
            auth=("ann", mlflow),
        ).json()["runs"]
        assert {one["info"]["status"] for one in found} == {"FINISHED"}
        started.press_ctrl_c()
        assert started.process.wait(120) == 0
    finally:
        started.close()
    leaks = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in (prefect, mlflow))
    ]
    assert not leaks
    assert prefect not in started.shown
    assert mlflow not in started.shown
