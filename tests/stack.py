"""Real servers and workers on loopback, for tests: started, watched, and ended by the process ids they got."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from flows.local.servers import fault_of
from tests.servers import free_port, start, wait_until

PYTHON = sys.executable


class Program:
    """A process in a group of its own, with its output in a file."""

    def __init__(self, arguments: list[str], *, log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.log = log
        self.process = start(arguments, log=log, environment=environment, cwd=cwd)

    @property
    def pid(self) -> int:
        return self.process.pid

    def text(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """To the process alone, not to its children."""
        self.process.send_signal(number)

    def end(self, *, timeout: float = 30) -> None:
        """SIGINT, then SIGKILL, to the whole group."""
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(timeout)

    def kill_group(self) -> None:
        """SIGKILL to the process and everything it started."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(30)


class Stack:
    """A Prefect server, an MLflow server, and whatever workers a test starts."""

    def __init__(self, folder: Path, *, mlflow_store: str | None = None) -> None:
        self.folder = folder
        self.prefect_port, self.mlflow_port = free_port(), free_port()
        self.mlflow_store = mlflow_store or f"sqlite:///{folder / 'mlflow.db'}"
        self.programs: list[Program] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "HW3_"))},
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.prefect_port}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.mlflow_port}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "50",
            "OMP_WAIT_POLICY": "PASSIVE",
            "HW3_TEST_STACK": str(folder),
            "HW3_HOME": str(folder / "home"),
            "HW3_CACHE": str(folder / "cache"),
        }

    def __enter__(self) -> Self:
        self.start_prefect()
        self.start_mlflow()
        self.wait_for_servers()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for program in reversed(self.programs):
            program.end()
        # Runs that a killed worker left behind have sessions and parents of their own; their environment tells.
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HW3_TEST_STACK") == str(self.folder):
                    process.kill()

    def run(self, name: str, *arguments: str, **environment: str) -> Program:
        """Start a program of this environment's Python; `environment` changes variables."""
        work = self.folder / name
        work.mkdir(exist_ok=True)
        program = Program(
            [PYTHON, *arguments],
            log=self.folder / f"{name}.log",
            environment=self.environment | environment,
            cwd=work,
        )
        self.programs.append(program)
        return program

    def start_prefect(self) -> Program:
        """The server alone; `wait_for_servers` tells when it answers."""
        arguments = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.prefect_port))
        self.prefect = self.run("prefect-server", *arguments)
        return self.prefect

    def start_mlflow(self) -> Program:
        """The same for MLflow."""
        arguments = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.mlflow_port), "--workers", "1"]
        arguments += ["--backend-store-uri", self.mlflow_store]
        arguments += ["--artifacts-destination", str(self.folder / "artifacts")]
        self.mlflow = self.run("mlflow-server", *arguments)
        return self.mlflow

    def wait_for_servers(self) -> None:
        """Until both answer."""
        for variable in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
            wait_until(lambda: fault_of(self.environment[variable]) is None, f"{variable} answers", timeout=120)  # noqa: B023

    def worker(self, pool: str, name: str, *, limit: int | None = 1, **environment: str) -> Program:
        """A worker with a working directory, a home and a data cache of its own, like one on another host."""
        folders = {"HW3_HOME": "home", "HW3_CACHE": "cache", "PREFECT_HOME": "prefect"}
        own = {variable: str(self.folder / name / folder) for variable, folder in folders.items()}
        arguments = ["-m", "prefect", "worker", "start", "--pool", pool, "--name", name]
        arguments += ["--limit", str(limit)] if limit else []
        return self.run(name, *arguments, **(own | environment))

    def command(self, *arguments: str, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python arguments` to its end."""
        return subprocess.run(
            [PYTHON, *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
