"""The programs that `hw3 up` keeps running: commands and environments."""

import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.up.databases import MLFLOW_VARIABLE, PREFECT_VARIABLES, Databases
from flows.up.options import UpOptions
from flows.up.passwords import Passwords, mlflow_environment
from hw3models.errors import DataError
from hw3models.runtime.before_torch import prepare_threads
from tasks.mlflow_environment import CLIENT, set_mlflow_defaults
from tasks.settings import Settings

CPU_POOL = "hw3-cpu"
GPU_POOL = "hw3-gpu"
QUEUES = ("training", "hw3", "images", "autoencoder", "sequences", "nightly", "promote", "drift", "reconcile")
"""Queues of the CPU pool, each of which gives out one run at a time: trainings, and one for each other deployment."""

QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Service:
    """One program."""

    name: str
    """Name of the service and of its log."""
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    health: str | None = None
    """A server's address whose `/health` answers when it is ready."""
    end: signal.Signals = signal.SIGTERM
    """What asks it to end."""
    on_our_death: int = 0
    """What Linux shall send it when this process dies without ending it; 0: nothing."""
    pool: str | None = None
    """A worker's work pool."""

    @property
    def is_server(self) -> bool:
        """Is it a server, without which everything else is of no use?"""
        return self.health is not None


def prefect_server(options: UpOptions, databases: Databases, passwords: Passwords) -> Service:
    """The Prefect server. Pages of other origins may not call it."""
    environment = os.environ | QUIET | passwords.of_server
    environment.setdefault("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", ",".join(options.prefect_origins))
    # With an address of another server it would hand that to its pages.
    environment.pop("PREFECT_API_URL", None)
    environment["PREFECT_SERVER_UI_API_URL"] = options.prefect_api_url if options.is_loopback else "/api"
    if databases.prefect is not None and not any(environment.get(name) for name in PREFECT_VARIABLES):
        environment[PREFECT_VARIABLES[0]] = databases.prefect
    where = ("--host", options.host, "--port", str(options.prefect_port))
    return Service(
        "prefect",
        "Prefect server",
        (sys.executable, "-m", "prefect", "server", "start", *where),
        environment,
        health=options.prefect_api_url,
    )


def mlflow_server(options: UpOptions, databases: Databases, settings: Settings, passwords: Passwords) -> Service:
    """The MLflow server, on the store of embedded runs unless told otherwise."""
    environment = os.environ | QUIET | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = CLIENT["MLFLOW_DISABLE_TELEMETRY"]
    environment.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "50")
    # In the environment, not among the arguments: those every user of the machine can read.
    environment[MLFLOW_VARIABLE] = databases.mlflow
    environment.setdefault("MLFLOW_ARTIFACTS_DESTINATION", str(settings.store / "artifacts"))
    where = ["--host", options.host, "--port", str(options.mlflow_port), "--workers", "1", "--serve-artifacts"]
    if passwords.mlflow is not None:
        environment |= mlflow_environment(passwords, settings.work / "up")
        where += ["--app-name", "basic-auth"]
    return Service(
        "mlflow",
        "MLflow server",
        (sys.executable, "-m", "mlflow", "server", *where),
        environment,
        health=options.mlflow_address,
    )


def workers(
    options: UpOptions, settings: Settings, gpus: list[str], heartbeat: int, passwords: Passwords
) -> list[Service]:
    """CPU workers, then one GPU worker per entry of `gpus`, its `CUDA_VISIBLE_DEVICES`."""
    base = client_environment(options, settings, passwords) | {
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(heartbeat),
    }
    host = socket.gethostname()
    made = []
    for kind, pool, devices in (("cpu", CPU_POOL, [""] * options.cpu_workers), ("gpu", GPU_POOL, gpus)):
        for index, visible in enumerate(devices, start=1):
            name = f"{kind}-{index}"
            # One run per GPU. No limit for the CPU: studies wait there for the trainings of their own pool.
            limit = ("--limit", "1") if kind == "gpu" else ()
            start = ("worker", "start", "--pool", pool, "--name", f"{name}@{host}", *limit)
            made.append(
                Service(
                    f"worker-{name}",
                    f"worker {name}",
                    (sys.executable, "-m", "prefect", *start),
                    base | {"CUDA_VISIBLE_DEVICES": visible},
                    end=signal.SIGINT,
                    # Its runs notice that it is gone, end themselves, and tell the server.
                    on_our_death=signal.SIGKILL,
                    pool=pool,
                )
            )
    return made


def worker_name(service: Service) -> str:
    """The worker's name, as Prefect knows it."""
    return service.command[service.command.index("--name") + 1]


def is_worker_of_this_host(name: str) -> bool:
    """Was it started by a `hw3 up` of this host?"""
    kind, _, host = name.partition("@")
    return host == socket.gethostname() and kind.split("-")[0] in ("cpu", "gpu")


def deployment(options: UpOptions, settings: Settings, passwords: Passwords) -> Service:
    """Applies `prefect.yaml`, and ends.

    Raises:
        DataError: there is none.
    """
    places = (Path(__file__).resolve().parents[2], Path.cwd())
    file = next((place / "prefect.yaml" for place in places if (place / "prefect.yaml").exists()), None)
    if file is None:
        raise DataError(f"There is no prefect.yaml in {' or '.join(map(str, places))}: start `hw3 up` beside it.")
    command = (sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file))
    return Service("deploy", "deployments", command, client_environment(options, settings, passwords))


def client_environment(options: UpOptions, settings: Settings, passwords: Passwords) -> dict[str, str]:
    """Environment of programs that talk to both servers."""
    environment = os.environ | QUIET | passwords.of_clients
    # They reach databases through the servers only, and hand their environment on to every run.
    for name in ("HW3_DATABASE_URL", MLFLOW_VARIABLE, *PREFECT_VARIABLES):
        environment.pop(name, None)
    set_mlflow_defaults(environment)
    prepare_threads(environment)
    environment.setdefault("PREFECT_LOCAL_STORAGE_PATH", str(settings.work / "results"))
    # Runs start in a temporary folder: without these an installed copy would keep everything there.
    return environment | {
        "PREFECT_API_URL": options.prefect_api_url,
        "MLFLOW_TRACKING_URI": options.mlflow_address,
        "HW3_HOME": str(settings.home),
        "HW3_CACHE": str(settings.cache),
    }
