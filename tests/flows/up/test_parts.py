"""What needs no server: back-off, GPUs, addresses, logs, state."""

import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from flows.up.databases import choose, derive, masked
from flows.up.deaths import Deaths
from flows.up.gpus import assign, select, visible_gpus
from flows.up.logs import LARGE, open_log, tail
from flows.up.options import PortError, UpOptions
from flows.up.passwords import Passwords, find_passwords
from flows.up.ports import check_ports
from flows.up.processes import Identity, identify
from flows.up.report import warning_about_host
from flows.up.services import client_environment, mlflow_server, prefect_server, workers
from flows.up.state import ServiceState, UpState, read_state, write_state
from hw3models.errors import SpecError
from tasks.mlflow_environment import CLIENT
from tasks.processes import started_at
from tasks.settings import Settings

SECRET = "s3cr:t@/x"
URL = "postgresql://ann:s3cr%3At%40%2Fx@db:5433/hw3"


def settings(url: str | None = None) -> Settings:
    return Settings().model_copy(update={"database_url": url})


def test_restarts_wait_twice_as_long_each_time_and_end_after_five_deaths() -> None:
    deaths, delays = Deaths(), []
    for now in range(5):
        assert not deaths.hopeless
        deaths = deaths.another(float(now))
        delays.append(deaths.delay)
    assert delays == [1, 2, 4, 8, 16]
    assert deaths.hopeless


def test_deaths_are_forgotten_after_two_minutes() -> None:
    deaths = Deaths()
    for now in range(20):
        deaths = deaths.another(now * 40.0)
    assert deaths.delay == 4
    assert not deaths.hopeless


TWO_GPUS = """\
GPU 0: NVIDIA A100 (UUID: GPU-aaaa-1)
GPU 1: NVIDIA A100 (UUID: GPU-bbbb-2)
"""
MIG = """\
GPU 0: NVIDIA H100 (UUID: GPU-aaaa-1)
  MIG 1g.10gb     Device  0: (UUID: MIG-cccc-3)
  MIG 1g.10gb     Device  1: (UUID: MIG-dddd-4)
"""


@pytest.mark.parametrize(
    ("listing", "wanted", "expected"),
    [
        (TWO_GPUS, None, ["GPU-aaaa-1", "GPU-bbbb-2"]),
        (MIG, None, ["MIG-cccc-3", "MIG-dddd-4"]),
        (TWO_GPUS, "1", ["1"]),
        (TWO_GPUS, "1, 0", ["1", "0"]),
        (TWO_GPUS, "GPU-bbbb", ["GPU-bbbb"]),
        # CUDA stops at the first entry that is no device.
        (TWO_GPUS, "0,7,1", ["0"]),
        (TWO_GPUS, "0,-1,1", ["0"]),
        (TWO_GPUS, "0,0", ["0"]),
        (TWO_GPUS, "", []),
        ("", None, []),
    ],
)
def test_visible_gpus_are_those_that_cuda_would_show(listing: str, wanted: str | None, expected: list[str]) -> None:
    assert select(listing, wanted) == expected


@pytest.mark.parametrize("nothing", ["", "-1", "NoDevFiles"])
def test_an_empty_cuda_visible_devices_hides_all_gpus_without_asking_anybody(nothing: str) -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": nothing}) == []


def test_each_gpu_worker_gets_one_gpu_and_those_too_many_get_none() -> None:
    assert assign(["a", "b"], None) == ["a", "b"]
    assert assign(["a", "b"], 1) == ["a"]
    assert assign(["a", "b"], 3) == ["a", "b", ""]
    assert assign(["a"], 0) == []


def test_one_address_of_postgresql_gives_each_server_a_database_and_keeps_odd_passwords() -> None:
    prefect, mlflow = derive(URL + "?sslmode=require")
    assert prefect.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://ann:s3cr%3At%40%2Fx@db:5433/hw3_prefect?ssl=require"
    )
    assert mlflow.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://ann:s3cr%3At%40%2Fx@db:5433/hw3_mlflow?sslmode=require"
    )
    assert prefect.password == SECRET


@pytest.mark.parametrize("wrong", ["mysql://ann:hidden@db/hw3", "postgresql://ann:hidden@db", "hidden", "x://:hidden"])
def test_another_address_is_refused_without_showing_its_password(wrong: str) -> None:
    with pytest.raises(SpecError, match="must be such as postgresql://") as refused:
        derive(wrong)
    assert "hidden" not in str(refused.value)


def test_passwords_are_masked() -> None:
    assert masked(URL) == "postgresql://ann:***@db:5433/hw3"
    assert masked("sqlite:////tmp/x.db") == "sqlite:////tmp/x.db"
    assert SECRET not in repr(choose(settings(URL), {}))
    assert "s3cr" not in "".join(choose(settings(URL), {}).told)


def test_the_servers_own_settings_win_over_the_common_address(home: Path) -> None:
    own = {"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///p.db", "MLFLOW_BACKEND_STORE_URI": "sqlite:///m"}
    chosen = choose(settings(URL), own)
    assert (chosen.prefect, chosen.mlflow) == ("sqlite+aiosqlite:///p.db", "sqlite:///m")
    assert choose(settings(), {}).prefect is None
    assert choose(settings(), {}).mlflow == f"sqlite:///{home}/mlflow/store/mlflow.db"


def test_no_password_is_among_the_arguments_or_reaches_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW3_DATABASE_URL", URL)
    databases = choose(settings(URL), {})
    options, own = UpOptions(), Settings()
    passwords = Passwords("ann:hunter2-prefect", ("ann", "hunter2-mlflow-12"))
    services = [
        prefect_server(options, databases, passwords),
        mlflow_server(options, databases, own, passwords),
        *workers(options, own, ["0"], 30, passwords),
    ]
    assert "hunter2" not in repr(passwords)
    for service in services:
        assert "s3cr" not in " ".join(service.command)
        assert "s3cr" not in repr(service)
        assert "hunter2" not in " ".join(service.command) + repr(service)
    for service in services[2:]:
        assert not [name for name, value in service.environment.items() if "s3cr" in value]
        assert service.environment["MLFLOW_TRACKING_PASSWORD"] == "hunter2-mlflow-12"
    assert "hunter2" not in "".join(path.read_text() for path in (own.work / "up").glob("mlflow-auth*"))
    users, secret = (own.work / "up" / name for name in ("mlflow-users.db", "mlflow-secret"))
    assert users.stat().st_mode & 0o777 == secret.stat().st_mode & 0o777 == 0o600, "hashes of passwords, and a secret"
    assert services[0].environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == (
        "http://127.0.0.1:4200,http://localhost:4200"
    )


AUTH = {"PREFECT_API_AUTH_STRING": "ann:x", "MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": 12 * "x"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "Prefect and MLflow would not ask for a password.*Set PREFECT_API_AUTH_STRING.*without-passwords"),
        ({"PREFECT_API_AUTH_STRING": "ann:x"}, "and MLflow would not ask for a password"),
        (AUTH | {"PREFECT_API_AUTH_STRING": "ann"}, "must be `name:password`"),
        (AUTH | {"MLFLOW_TRACKING_PASSWORD": "short"}, "has 5 characters; MLflow wants at least 12"),
        (AUTH | {"MLFLOW_TRACKING_USERNAME": ""}, "belong together"),
    ],
)
def test_other_machines_may_connect_only_with_passwords(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        find_passwords(UpOptions(host="0.0.0.0"), environment)


def test_passwords_are_taken_from_the_environment_and_not_wanted_on_loopback() -> None:
    found = find_passwords(UpOptions(host="0.0.0.0"), AUTH)
    assert found.of_clients == AUTH
    assert found.of_server == {"PREFECT_SERVER_API_AUTH_STRING": "ann:x"}
    assert find_passwords(UpOptions(), {}) == Passwords()
    assert find_passwords(UpOptions(host="0.0.0.0", without_passwords=True), {}) == Passwords()


def test_gpu_workers_take_one_run_and_see_one_gpu_and_cpu_workers_see_none() -> None:
    cpu, first, second = workers(UpOptions(), Settings(), ["GPU-a", "GPU-b"], 30, Passwords())
    assert cpu.environment["CUDA_VISIBLE_DEVICES"] == ""
    assert [one.environment["CUDA_VISIBLE_DEVICES"] for one in (first, second)] == ["GPU-a", "GPU-b"]
    assert first.command[-2:] == ("--limit", "1")
    assert "--limit" not in cpu.command
    assert len({one.name for one in (cpu, first, second)}) == 3


def test_clients_get_the_variables_that_tracking_sets() -> None:
    import tasks.tracking  # noqa: F401  # sets them where they are not set

    assert {name: os.environ[name] for name in CLIENT} == CLIENT
    environment = client_environment(UpOptions(mlflow_port=5055), Settings(), Passwords())
    assert environment.items() >= CLIENT.items()
    assert environment["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5055"


def test_options_are_checked_together() -> None:
    with pytest.raises(SpecError, match=r"(?s)`prefect_port`.*got 0.*`cpu_workers` must not be negative, got -1"):
        UpOptions(prefect_port=0, cpu_workers=-1)
    with pytest.raises(SpecError, match="must differ, got 4200 twice"):
        UpOptions(mlflow_port=4200)


def test_other_hosts_than_loopback_are_warned_about_and_reached_by_a_name_that_works() -> None:
    assert warning_about_host(UpOptions(host="127.0.0.1")) is None
    assert warning_about_host(UpOptions(host="localhost")) is None
    assert "without encryption" in str(warning_about_host(UpOptions(host="0.0.0.0")))
    assert "PASSWORD" not in str(warning_about_host(UpOptions(host="0.0.0.0")))
    warning = warning_about_host(UpOptions(host="0.0.0.0", without_passwords=True))
    assert warning is not None
    assert "NOT EVERY SERVER ASKS FOR A PASSWORD" in warning
    assert "--allowed-hosts" in warning
    assert UpOptions(host="0.0.0.0").prefect_api_url == "http://127.0.0.1:4200/api"
    assert UpOptions(host="::").mlflow_address == "http://[::1]:5000"


def test_a_host_that_is_not_this_machine_is_refused() -> None:
    with pytest.raises(PortError, match=r"Cannot listen on 192\.0\.2\.1: port 4200 \(Prefect\) cannot be used"):
        check_ports(UpOptions(host="192.0.2.1"))


def test_taken_ports_are_named_together_with_who_has_them_and_both_options() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        first, second = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(PortError) as refused:
            check_ports(UpOptions(prefect_port=first, mlflow_port=second))
    message = str(refused.value)
    assert f"port {first} (Prefect) is taken by pid {os.getpid()}" in message
    assert f"port {second} (MLflow) is taken by pid {os.getpid()}" in message
    assert "--prefect-port" in message
    assert "--mlflow-port" in message


def test_logs_are_appended_to_with_a_line_per_start_and_put_aside_when_large(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "a.log"
    for word in (b"one\n", b"two\n"):
        with open_log(path, "a") as log:
            log.write(word)
    assert path.read_text().count("===== a starts, ") == 2
    assert tail(path) == "    | two"
    with path.open("ab") as log:
        log.write(b"x" * LARGE)
    open_log(path, "a").close()
    assert "two" in path.with_name("a.log.1").read_text()[:200]
    assert path.stat().st_size < 100
    assert tail(tmp_path / "none.log") == ""


def test_the_state_survives_the_disk_and_a_broken_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    service = ServiceState("a", "A", Identity(5, "6.5"), None, 1, "a.log")
    gone = ServiceState("b", "B", None, "http://x", 0, "b.log")
    state = UpState("token", "up", 1.5, identify(os.getpid()), "p", "api", "m", (service, gone))
    write_state(path, state)
    assert read_state(path) == state
    assert list(tmp_path.iterdir()) == [path]
    path.write_text("{")
    assert read_state(path) is None
    assert read_state(tmp_path / "none.json") is None


def test_a_process_is_known_by_its_id_and_its_start_time() -> None:
    mine = identify(os.getpid())
    assert mine.is_alive
    assert not Identity(mine.pid, started_at(os.getppid())).is_alive
    assert mine.since == psutil.Process().create_time()


def test_the_state_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state = UpState("token", "up", 1.5, identify(os.getpid()), "p", "api", "m", ())
    write_state(path, state)
    written = json.loads(path.read_text())
    written["supervisor"]["started"] = psutil.Process().create_time()
    path.write_text(json.dumps(written))
    found = read_state(path)
    assert found is not None
    assert found.supervisor.is_alive
    written["supervisor"]["started"] -= 60
    path.write_text(json.dumps(written))
    found = read_state(path)
    assert found is not None
    assert not found.supervisor.is_alive
