"""Prefect's temporary server: there when a flow begins, gone when its command is."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.faults.studies import start
from tests.flows.cli.test_cli import QUICK, environment, hw3
from tests.servers import wait_until

__all__ = ["environment"]

SERVER = "flows.local.temporary_server"

TWICE = """
import psutil
from flows.local import embedded

embedded.prepare_environment(verbose=False)
for _ in range(2):
    with embedded.embedded_server():
        pass
from prefect import get_client

with get_client(sync_client=True) as client:
    client.read_flow_runs(limit=1)
print(sum("flows.local.temporary_server" in one.cmdline() for one in psutil.Process().children()))
"""

LATE = """
import os

from flows.local import embedded
from prefect import flow, get_client
from prefect.settings import PREFECT_API_URL
from tasks.placement import server_address
from tasks.settings import Settings

embedded.prepare_environment(verbose=False)
with embedded.embedded_server():
    pass
assert PREFECT_API_URL.value() == os.environ["HW3_TEMPORARY_SERVER"]
assert (server_address(), Settings().prefect_api_url) == (None, None)

@flow
def answer() -> int:
    return 42

assert answer() == 42
with get_client(sync_client=True) as client:
    print([run.state.name for run in client.read_flow_runs()])
"""

OLD = """
import sqlite3, time
from contextlib import closing

import psutil
from flows.local import embedded

embedded.prepare_environment(verbose=False)
with embedded.embedded_server():
    pass
for server in psutil.Process().children():
    server.kill()
    server.wait()
from prefect.settings import PREFECT_HOME

path = PREFECT_HOME.value() / "prefect.db"
with closing(sqlite3.connect(path)) as database, database:
    database.execute(
        "insert into events (occurred, event, resource_id, resource, payload, received, recorded)"
        " values ('2020-01-01', 'long ago', 'x', '{}', '{}', '2020-01-01', '2020-01-01')"
    )

def old_events():
    with closing(sqlite3.connect(path)) as database:
        return database.execute("select count(*) from events where event = 'long ago'").fetchone()[0]

assert old_events() == 1
with embedded.embedded_server():
    pass
deadline = time.monotonic() + 60
while old_events() and time.monotonic() < deadline:
    time.sleep(0.2)
print(old_events())
"""

DEAD = """
import psutil
from flows.local import embedded

embedded.prepare_environment(verbose=False)
for _ in range(2):
    with embedded.embedded_server():
        pass
    from prefect import get_client

    with get_client(sync_client=True) as client:
        print(client.api_healthcheck())
    for server in psutil.Process().children():
        server.kill()
        server.wait()
"""

EIGHT = """
from contextlib import ExitStack

import psutil
from flows.local import embedded

embedded.prepare_environment(verbose=False)
# Each is told, on the way out, when its server did not start.
with ExitStack() as stack:
    for _ in range(8):
        stack.enter_context(embedded.embedded_server())
print(sum("flows.local.temporary_server" in one.cmdline() for one in psutil.Process().children()))
"""


def python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A process that runs `code`."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)


def test_one_server_is_started_for_all_flows_of_a_process(environment: dict[str, str]) -> None:
    done = python(TWICE, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


@pytest.mark.slow
def test_prefect_that_was_imported_before_finds_the_server_which_counts_as_none(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment |= {"PREFECT_HOME": str(tmp_path / "fresh")}
    done = python(LATE, environment)
    assert (done.returncode, done.stdout) == (0, "['Completed']\n"), done.stderr
    assert "Finished in state Completed()" in done.stderr, "it was too late to make it quiet"
    assert "View at" not in done.stderr, "a page that is not there"
    assert not (tmp_path / "fresh/memo_store.toml").exists(), "a server with pages would not register its blocks"


@pytest.mark.slow
def test_a_server_that_has_ended_is_replaced_at_the_next_call(environment: dict[str, str]) -> None:
    done = python(DEAD, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\nNone\n", "")


@pytest.mark.slow
def test_a_server_that_is_asked_nothing_deletes_old_events(environment: dict[str, str], tmp_path: Path) -> None:
    done = python(OLD, environment | {"PREFECT_HOME": str(tmp_path / "fresh")})
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


@pytest.mark.slow
def test_a_command_that_another_one_has_started_has_a_server_of_its_own(environment: dict[str, str]) -> None:
    parent = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "HW3_TEMPORARY_SERVER": "http://127.0.0.1:9/api"}
    done = hw3(environment | parent, "sequences", "regime:locked", *QUICK)
    assert done.returncode == 0, done.stderr


def test_a_server_in_the_users_prefect_profile_is_the_one_that_is_asked(
    environment: dict[str, str], tmp_path: Path
) -> None:
    profile = 'active = "work"\n\n[profiles.work]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    (tmp_path / "profiles.toml").write_text(profile)
    code = "from flows.local import embedded\nwith embedded.embedded_server(): pass\nprint(embedded._Child.current)"
    environment |= {"PREFECT_HOME": str(tmp_path)}
    done = python(code, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["the command", "the command and its server"])
def test_tables_that_are_being_made_when_something_is_killed_are_finished(
    killed: str, environment: dict[str, str], tmp_path: Path
) -> None:
    database = tmp_path / "fresh/prefect.db"
    environment |= {"PREFECT_HOME": str(database.parent)}
    with start(environment, tmp_path / "study.log") as process:
        try:
            wait_until(lambda: database.exists() and database.stat().st_size > 50_000, "some tables", timeout=120)
            [server] = [one for one in psutil.Process(process.pid).children() if SERVER in one.cmdline()]
            if "server" in killed:
                server.kill()
        finally:
            process.kill()
    assert psutil.wait_procs([server], timeout=90)[1] == []
    done = hw3(environment, "sequences", "regime:locked", *QUICK)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_servers_that_start_at_the_same_moment_on_a_fresh_home_all_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment |= {"PREFECT_HOME": str(tmp_path / "fresh")}
    done = python(EIGHT, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")


@pytest.mark.slow
def test_a_database_that_prefect_cannot_read_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_text("no database, but a text that is long enough to be looked at " * 20)
    done = hw3(environment | {"PREFECT_HOME": str(tmp_path)}, "sequences", "regime:locked", *QUICK)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Prefect's temporary server did not start. It said: sqlalchemy.exc.DatabaseError" in done.stderr
    assert "file is not a database" in done.stderr
    assert f"Its database is in {tmp_path}: `prefect server database reset` makes it anew." in done.stderr


@pytest.mark.slow
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
