"""Real servers, workers and databases on loopback, for tests: ended by the processes they are, never by a name."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from flows.local.servers import fault_of

QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def free_port() -> int:
    """Nobody listens there now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Could a server listen there?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(condition: Callable[[], Any], what: str, *, timeout: float = 60, pause: float = 0.2) -> Any:
    """The condition's first true value.

    Raises:
        AssertionError: it did not come in time.
    """
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {timeout:.0f} s")


def clean_environment(**more: str) -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_", "HW3_", "CUDA_"))}
    return kept | QUIET | more


def start(
    arguments: list[str], *, log: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """In a session of its own, with its output in a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            # A test run that a script started in the background has SIGINT ignored, and hands that down.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def end(process: subprocess.Popen[bytes], *, timeout: float = 20) -> None:
    """SIGINT, then SIGKILL, with all it has started."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for one in family:
        if one.is_running():
            one.kill()
    psutil.wait_procs(family, timeout=5)


@contextmanager
def running(
    arguments: list[str], *, log: Path, environment: Mapping[str, str], health: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program, ready when `health`/health answers."""
    process = start(arguments, log=log, environment=environment)

    def ready() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")
        return health is None or fault_of(health) is None

    try:
        wait_until(ready, health or arguments[0], timeout=120)
        yield process
    finally:
        end(process)


@contextmanager
def prefect_server(home: Path, port: int | None = None, **environment: str) -> Iterator[str]:
    """A Prefect server with a database under `home`; the value for `PREFECT_API_URL`."""
    port = port or free_port()
    api = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    home.mkdir(parents=True, exist_ok=True)
    settings = clean_environment(PREFECT_HOME=str(home), **environment)
    with running(command, log=home / "server.log", environment=settings, health=api):
        yield api


@contextmanager
def mlflow_server(
    folder: Path, port: int | None = None, *, store: str | None = None, **environment: str
) -> Iterator[str]:
    """An MLflow server with artifacts under `folder`, and SQLite there if no `store` is given; the value for
    `MLFLOW_TRACKING_URI`.
    """
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store or f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"]
    settings = clean_environment(
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_SQLALCHEMYSTORE_POOL_SIZE="50", **environment
    )
    with running(command, log=folder / "server.log", environment=settings, health=address):
        yield address


@contextmanager
def worker(api: str, pool: str, home: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of a pool of type process."""
    home.mkdir(parents=True, exist_ok=True)
    settings = clean_environment(
        PREFECT_HOME=str(home),
        PREFECT_API_URL=api,
        PREFECT_WORKER_QUERY_SECONDS="2",
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30",
        **environment,
    )
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, *arguments]
    with running(command, log=home / "worker.log", environment=settings) as process:
        yield process


@contextmanager
def postgres() -> Iterator[str]:
    """A private PostgreSQL server with a password; the address of its superuser, without a database.

    The test is skipped where PostgreSQL is not installed.
    """
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (initdb, postgres)")
    # PostgreSQL refuses to run as root, and pytest's folders are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="hw3-pg-"))
    other = _other_user(folder)
    password, port = secrets.token_hex(8), free_port()
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o644)
    data, log = folder / "data", folder / "log"
    make = [str(programs / "initdb"), "-D", str(data), "-U", "hw3", "-A", "scram-sha-256", "--pwfile", str(secret)]
    try:
        made = subprocess.run([*other, *make, "-E", "UTF8", "--locale=C", "-N"], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        serve = [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
        process = start([*other, *serve, "-c", "fsync=off"], log=log, environment=os.environ)
        try:
            wait_until(lambda: "ready to accept" in log.read_text(), "PostgreSQL", timeout=30)
            yield f"postgresql://hw3:{password}@127.0.0.1:{port}"
        finally:
            end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str, name: str) -> str:
    """A database of the PostgreSQL server; its address."""
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"create database {name}")
    connection.close()
    return f"{server}/{name}"


def _postgres_programs() -> Path | None:
    for folder in (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/bin")):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _other_user(folder: Path) -> list[str]:
    """What to put before a command so that it does not run as root; `folder` is made that user's."""
    if os.getuid() != 0:
        return []
    change = shutil.which("setpriv")
    if change is None:
        pytest.skip("needs setpriv: PostgreSQL does not run as root")
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return [change, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
