"""Prefect's temporary server: there when a flow begins, gone when its command is."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests.faults.studies import start
from tests.flows.test_cli import QUICK, environment, hw3
from tests.servers import wait_until

__all__ = ["environment"]

SERVER = "flows.temporary_server"

TWICE = """
import psutil
from flows import embedded

embedded.prepare_environment(verbose=False)
for _ in range(2):
    with embedded.embedded_server():
        pass
from prefect import get_client

with get_client(sync_client=True) as client:
    client.read_flow_runs(limit=1)
print(sum("flows.temporary_server" in one.cmdline() for one in psutil.Process().children()))
"""

EIGHT = """
from contextlib import ExitStack

import psutil
from flows import embedded

embedded.prepare_environment(verbose=False)
# Each is told, on the way out, when its server did not start.
with ExitStack() as stack:
    for _ in range(8):
        stack.enter_context(embedded.embedded_server())
print(sum("flows.temporary_server" in one.cmdline() for one in psutil.Process().children()))
"""


def test_one_server_is_started_for_all_flows_of_a_process(environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], env=environment, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_servers_that_start_at_the_same_moment_on_a_fresh_home_all_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment |= {"PREFECT_HOME": str(tmp_path / "fresh")}
    done = subprocess.run([sys.executable, "-c", EIGHT], env=environment, capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")


def test_a_database_that_prefect_cannot_read_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_text("no database, but a text that is long enough to be looked at " * 20)
    done = hw3(environment | {"PREFECT_HOME": str(tmp_path)}, "sequences", "regime:locked", *QUICK)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Prefect's temporary server did not start. It said: sqlalchemy.exc.DatabaseError" in done.stderr
    assert "file is not a database" in done.stderr
    assert f"Its database is in {tmp_path}: `prefect server database reset` makes it anew." in done.stderr


def test_a_command_that_is_killed_leaves_no_server_behind(environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "study.log"
    with start(environment, log) as process:
        try:
            wait_until(lambda: "training, " in log.read_text(), "the study goes", timeout=120)
            [server] = [one for one in psutil.Process(process.pid).children() if SERVER in one.cmdline()]
        finally:
            process.kill()
    # Not as long as pytest waits: this one ends by itself.
    assert psutil.wait_procs([server], timeout=30)[1] == []
