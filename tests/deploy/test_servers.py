"""The servers as deploy/compose.yaml starts them, on a real PostgreSQL: its init script, commands and variables.

Taken from the file: everything but the addresses, and the object store, for which a folder stands.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from flows.local.servers import fault_of
from tests.deploy import compose
from tests.servers import free_port, wait_until
from tests.stack import Program

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SLEEPER = """
import time

from prefect import flow


@flow
def sleeper():
    for _ in range(600):
        time.sleep(0.5)
"""


@dataclass
class Servers:
    environment: Mapping[str, str]
    mlflow_port: int
    database_port: int
    programs: list[Program]

    def run(self, *command: str, cwd: Path = ROOT, **more: str) -> str:
        done = subprocess.run(
            command, env={**self.environment, **more}, cwd=cwd, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def query(self, role: str, database: str, statement: str) -> str:
        address = f"postgresql://{role}:hw3{role}dbpassword@127.0.0.1:{self.database_port}/{database}"
        done = subprocess.run(["psql", address, "-Atc", statement], capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr

    def read(self, path: str, body: object = None) -> list[dict[str, object]]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.environment["PREFECT_API_URL"] + path, data=data)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def database_port() -> Iterator[int]:
    """PostgreSQL with an empty data folder, and deploy/postgres-init.sql run as the image runs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs PostgreSQL's server (Debian: postgresql)")
    folder, port = Path(tempfile.mkdtemp(prefix="hw3-pg-")), free_port()
    # PostgreSQL refuses to run as root, who therefore hands it to the user that Debian made for it.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data, programs = folder / "data", found[-1].parent

    def run(program: Path, *arguments: str, **environment: str) -> None:
        command = [str(program), *arguments]
        subprocess.run(
            command, check=True, capture_output=True, user=user, cwd=folder, env={**os.environ, **environment}
        )

    run(programs / "initdb", "-D", str(data), "-U", "postgres", "-A", "trust")
    # Passwords are asked for, so that the init script's are tried.
    (data / "pg_hba.conf").write_text("local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    run(programs / "pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        passwords = dict(line.split("=", 1) for line in compose.filled_in().splitlines() if "PASSWORD=" in line)
        script = str(folder / "10-hw3.sql")
        Path(script).write_text((compose.DEPLOY / "postgres-init.sql").read_text())
        options_of_image = ["-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-U", "postgres", "--dbname", "postgres"]
        psql = programs / "psql"
        run(psql, *options_of_image, "-h", str(folder), "-p", str(port), "-f", script, **passwords)
        yield port
    finally:
        run(programs / "pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def servers(database_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    services = compose.services(folder)
    ports = {"prefect": free_port(), "mlflow": free_port()}
    base = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "HW3_"))}
    base |= {"HOME": str(folder), "PREFECT_HOME": str(folder / "prefect"), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def here(text: str) -> str:
        text = text.replace("postgres:5432", f"127.0.0.1:{database_port}").replace("0.0.0.0", "127.0.0.1")
        text = text.replace("4200", str(ports["prefect"])).replace("5000", str(ports["mlflow"]))
        return text.replace("s3://mlflow", str(folder / "artifacts"))

    programs = []
    try:
        for name in ports:
            command = [here(word) for word in services[name]["command"]]
            environment = {key: here(str(value)) for key, value in services[name]["environment"].items()}
            program = Program(
                [str(BIN / command[0]), *command[1:]],
                log=folder / f"{name}.log",
                environment={**base, **environment},
                cwd=folder,
            )
            programs.append(program)
        prefect, mlflow = (f"http://127.0.0.1:{port}" for port in ports.values())
        for address in (f"{prefect}/api", mlflow):
            wait_until(lambda address=address: fault_of(address) is None, f"{address} answers", timeout=200)
        client = {**base, "PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow, "DO_NOT_TRACK": "1"}
        client |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
        yield Servers(client, ports["mlflow"], database_port, programs)
    finally:
        for program in reversed(programs):
            program.end()


def test_each_server_has_a_database_of_its_own(servers: Servers) -> None:
    assert int(servers.query("prefect", "prefect", "select count(*) from flow_run")) == 0
    assert servers.query("mlflow", "mlflow", "select name from experiments") == "Default"
    assert "permission denied" in servers.query("mlflow", "prefect", "select 1")
    assert "permission denied" in servers.query("prefect", "mlflow", "select 1")


def test_mlflow_refuses_to_be_called_by_another_name(servers: Servers) -> None:
    def ask(host: str) -> int:
        address = f"http://127.0.0.1:{servers.mlflow_port}/api/2.0/mlflow/experiments/get?experiment_id=0"
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers={"Host": host}), timeout=20) as answer:
                return answer.status  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            return error.code

    assert ask(f"mlflow:{servers.mlflow_port}") == 200
    assert ask("elsewhere.example:5000") == 403


def test_set_up_makes_everything_once_however_often_it_runs(servers: Servers) -> None:
    expected = {(each["name"], each["work_pool"]["name"]) for each in _deployments()}
    for _ in range(2):
        servers.run("sh", "deploy/set-up.sh")
        made = servers.read("/deployments/filter", {})
        assert {(each["name"], each["work_pool_name"]) for each in made} == expected
        pools = servers.read("/work_pools/filter", {})
        assert {(pool["name"], pool["type"]) for pool in pools} == {("hw3-cpu", "process"), ("hw3-gpu", "process")}
        automations = [str(each["name"]) for each in servers.read("/automations/filter", {})]
        assert len(automations) == len(set(automations)) >= 1


def test_a_worker_that_is_stopped_has_its_runs_report_first(servers: Servers, tmp_path: Path) -> None:
    """Prefect's own worker leaves them Running."""
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    servers.run("prefect", "--no-prompt", "work-pool", "create", "stopped", "--type", "process")
    servers.run(
        *("prefect", "--no-prompt", "deploy", "sleeper.py:sleeper", "--name", "sleeper", "--pool", "stopped"),
        cwd=tmp_path,
    )
    worker = Program(
        [sys.executable, str(ROOT / "deploy" / "worker.py"), "--pool", "stopped", "--type", "process", "--limit", "1"],
        log=tmp_path / "worker.log",
        environment={**servers.environment, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
    )
    try:
        servers.run("prefect", "--no-prompt", "deployment", "run", "sleeper/sleeper")
        wait_until(lambda: "Running" in _states(servers), "the run runs", timeout=90)
        worker.send(signal.SIGINT)
        assert worker.process.wait(60) == 0
    finally:
        worker.end()
    assert set(_states(servers)) == {"Crashed"}


def test_the_job_templates_make_pools(servers: Servers) -> None:
    for kind in ("cpu", "gpu"):
        file = f"deploy/kubernetes/{kind}-job-template.json"
        command = ("prefect", "--no-prompt", "work-pool", "create", f"kubernetes-{kind}", "--type", "kubernetes")
        servers.run(*command, "--base-job-template", file)
        made = servers.read(f"/work_pools/kubernetes-{kind}")
        assert made["base_job_template"] == json.loads((ROOT / file).read_text())  # type: ignore[call-overload]


def _deployments() -> list[dict[str, dict[str, str]]]:
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]  # type: ignore[no-any-return]


def _states(servers: Servers) -> list[str]:
    runs = servers.read("/flow_runs/filter", {"flows": {"name": {"any_": ["sleeper"]}}})
    return [str(run["state_name"]) for run in runs]
