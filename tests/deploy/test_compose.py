"""deploy/compose.yaml: what docker-compose makes of it, and whether it keeps the rules of docs/scaling.md."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import compose

OURS = ("bucket", "mlflow", "prefect", "set-up", "worker-cpu", "worker-gpu")


@pytest.fixture
def services(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return compose.services(tmp_path)


def test_docker_compose_accepts_the_file_and_refuses_a_misspelt_key(tmp_path: Path) -> None:
    assert set(compose.services(tmp_path)) == {*OURS, "postgres", "objects"}
    misspelt = (compose.DEPLOY / "compose.yaml").read_text().replace("stop_grace_period", "stop_grace_periode")
    (tmp_path / "compose.yaml").write_text(misspelt)
    done = compose.run_config(tmp_path, compose.filled_in(), file=tmp_path / "compose.yaml")
    assert done.returncode != 0
    assert "stop_grace_periode" in done.stderr


def test_a_missing_password_is_named(tmp_path: Path) -> None:
    for name in re.findall(r"^(\w+)=$", (compose.DEPLOY / "example.env").read_text(), flags=re.MULTILINE):
        without = "\n".join(line for line in compose.filled_in().splitlines() if not line.startswith(f"{name}="))
        done = compose.run_config(tmp_path, without)
        assert done.returncode != 0
        assert name in done.stderr
        assert "set it in deploy/.env" in done.stderr


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", (compose.DEPLOY / "compose.yaml").read_text()))
    given = dict(re.findall(r"^(\w+)=(.*)$", (compose.DEPLOY / "example.env").read_text(), flags=re.MULTILINE))
    assert set(given) == wanted
    assert all(value == "" for name, value in given.items() if name.endswith(("PASSWORD", "KEY")))


def test_git_ignores_the_passwords() -> None:
    for name in (".env", "kubernetes/secret.yaml"):
        done = subprocess.run(
            ["git", "check-ignore", "-q", str(compose.DEPLOY / name)], cwd=compose.DEPLOY, check=False
        )
        assert done.returncode == 0, name


def test_ports_are_published_on_the_loopback_address_only(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"prefect": ["127.0.0.1:4200:4200/tcp"], "mlflow": ["127.0.0.1:5000:5000/tcp"]}


def test_mlflow_is_started_as_it_was_measured_to_work(services: dict[str, dict[str, Any]]) -> None:
    mlflow = services["mlflow"]
    assert {"--workers=1", "--serve-artifacts", "--artifacts-destination=s3://mlflow"} <= set(mlflow["command"])
    assert mlflow["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert mlflow["environment"]["MLFLOW_SQLALCHEMYSTORE_POOL_SIZE"] == "50"
    assert mlflow["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].startswith("mlflow:5000,")
    assert "mlflowdbpassword" not in " ".join(mlflow["command"]), "a password on the command line"


@pytest.mark.parametrize(("name", "pool", "limit"), [("worker-cpu", "hw3-cpu", "4"), ("worker-gpu", "hw3-gpu", "1")])
def test_workers_take_runs_of_their_pool(services: dict[str, dict[str, Any]], name: str, pool: str, limit: str) -> None:
    worker = services[name]
    command = worker["command"]
    assert command[:2] == ["python", "/opt/hw3/deploy/worker.py"]
    assert command[2:] == ["--pool", pool, "--type", "process", "--limit", limit]
    expected = {
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "30000",
    }
    assert expected.items() <= worker["environment"].items()
    assert worker["stop_signal"] == "SIGINT"
    assert worker["stop_grace_period"] == "60s"
    assert worker["depends_on"]["set-up"]["condition"] == "service_completed_successfully"
    assert not [value for value in worker["environment"].values() if "password" in value], "workers need none"


def test_only_the_gpu_worker_has_a_gpu_and_only_when_asked_for(services: dict[str, dict[str, Any]]) -> None:
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    (device,) = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "device_ids": ["0"], "capabilities": ["gpu"]}
    assert services["worker-cpu"]["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert [name for name, service in services.items() if "profiles" in service] == ["worker-gpu"]


def test_whatever_is_waited_for_says_when_it_is_ready(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[other]["healthcheck"]["test"][0] == "CMD", f"{name} waits for {other}"
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "on-failure", f"{other} would be started for ever"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_only_where_they_must(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert service["image"] == "hw3:0.1.0"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    mounted = [volume.split(":")[1] for volume in service.get("volumes", [])]
    assert len({*mounted, *service["tmpfs"]}) == len(mounted) + len(service["tmpfs"]), "one place, two mounts"


def test_volumes_are_declared_and_files_are_there() -> None:
    raw = yaml.safe_load((compose.DEPLOY / "compose.yaml").read_text())
    for service in raw["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (compose.DEPLOY / source).is_file() if source.startswith(".") else source in raw["volumes"], volume
    build = raw["services"]["prefect"]["build"]
    assert (compose.DEPLOY / build["context"] / build["dockerfile"]).is_file()
