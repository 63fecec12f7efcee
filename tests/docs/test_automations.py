"""docs/automations.md, as it is written, on a real server: events become runs, failures become messages."""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.local.servers import fault_of
from tests.servers import wait_until
from tests.stack import Program, Stack

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "automations.md").read_text()
SHOWN = dict(re.findall(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
COMMANDS = dict(re.findall(r"^<!-- command: (\w+) -->\n```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
FAILING = """
from prefect import flow, tags


@flow(name="failing")
def failing():
    raise ValueError("on purpose")

for tag in ("other", "hw3"):
    with tags(tag):
        failing(return_state=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Prefect server of our own, with the pool that the deployment names."""
    stack = Stack(tmp_path_factory.mktemp("automations"))
    stack.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    try:
        stack.start_prefect()
        wait_until(lambda: fault_of(stack.environment["PREFECT_API_URL"]) is None, "Prefect answers", timeout=120)
        shell(stack, "pool", "prefect --no-prompt work-pool create hw3-cpu --type process")
        shell(stack, "deploy", COMMANDS["deploy"])
        yield stack
    finally:
        stack.__exit__(None, None, None)


@pytest.fixture
def client(server: Stack) -> Iterator[SyncPrefectClient]:
    changed = {PREFECT_API_URL: server.environment["PREFECT_API_URL"]}
    with temporary_settings(changed), get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address on loopback, and what was sent there."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Not into the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}/hooks/hw3", received
        http.shutdown()
        thread.join()


def start(stack: Stack, name: str, script: str) -> Program:
    """A command of the page, with the repository's root as the working directory."""
    program = Program(["sh", "-euc", script], log=stack.folder / f"{name}.log", environment=stack.environment, cwd=ROOT)
    stack.programs.append(program)
    return program


def shell(stack: Stack, name: str, script: str) -> None:
    program = start(stack, name, script)
    assert program.process.wait(120) == 0, program.text()


def sources(client: SyncPrefectClient, name: str = "on-data-changed") -> list[str]:
    """What the runs of the deployment were asked to compare."""
    deployment = client.read_deployment_by_name(f"sequences/{name}")
    runs = [run for run in client.read_flow_runs() if run.deployment_id == deployment.id]
    assert all(run.state is not None and run.state.name in ("Scheduled", "Late") for run in runs)
    return [run.parameters["spec"]["data"]["source"] for run in runs]


def test_the_page_shows_the_files_as_they_are() -> None:
    assert {path.name for path in (ROOT / "docs" / "examples").iterdir() if path.is_file()} == {
        Path(name).name for name in SHOWN
    }
    for name, text in SHOWN.items():
        assert text == (ROOT / name).read_text(), name
    assert set(COMMANDS) == {"deploy", "emit", "watch", "retrain", "notify"}


def test_an_event_starts_the_comparison_of_its_file(server: Stack, client: SyncPrefectClient) -> None:
    shell(server, "emit-other", COMMANDS["emit"].replace("hw3.data.changed", "hw3.data.seen"))
    shell(server, "emit", COMMANDS["emit"])
    wait_until(lambda: "regime:motif" in sources(client), "a run is scheduled")
    assert sources(client).count("regime:motif") == 1, "another event started a run"


def test_the_watcher_reports_a_change_once_it_has_come_to_rest(
    server: Stack, client: SyncPrefectClient, tmp_path: Path
) -> None:
    path = tmp_path / "motion.csv"
    path.write_text("before")
    watcher = start(server, "watch", COMMANDS["watch"].replace("data.csv", str(path)))
    wait_until(lambda: "watching" in watcher.text(), "the watcher watches")
    path.write_text("after")
    wait_until(lambda: str(path) in sources(client), "a run is scheduled")
    assert sources(client).count(str(path)) == 1


def test_drift_starts_a_study_of_the_new_data_and_no_drift_starts_none(
    server: Stack, client: SyncPrefectClient, tmp_path: Path
) -> None:
    shell(server, "retrain", COMMANDS["retrain"])
    train = "sequences regime:locked --num-train 200 --num-test 60 --epochs 1 --seeds 1 --families mlp --placement here"
    # MLflow's server is not there: the store is a file.
    hw3 = f"unset MLFLOW_TRACKING_URI; {sys.executable} -m flows.cli"
    shell(server, "train", f"{hw3} {train} --json > {tmp_path / 'study.json'}")
    reference = json.loads((tmp_path / "study.json").read_text())["mlflow"]["run_id"]
    drift = f"{hw3} drift --reference {reference} --num-train 200"
    shell(server, "no-drift", f"{drift} --new regime:locked --seed 0")
    np.save(tmp_path / "unlabelled.npy", np.ones((40, 50, 8), np.float32))
    shell(server, "unlabelled", f"({drift} --new {tmp_path / 'unlabelled.npy'}) || [ $? = 3 ]")
    shell(server, "drift", f"({drift} --new regime:trend) || [ $? = 3 ]")
    wait_until(lambda: sources(client, "on-drift"), "a run is scheduled")
    assert sources(client, "on-drift") == ["regime:trend"]
    # Events of deployments that expect others start nothing here.
    assert "regime:trend" not in sources(client)


def test_a_failed_run_is_told_of(server: Stack, webhook: tuple[str, list[dict[str, Any]]]) -> None:
    address, received = webhook
    script = COMMANDS["notify"].replace("https://chat.example.org/hooks/hw3", address)
    shell(server, "notify", script.replace("notify-hw3.yaml", str(server.folder / "notify-hw3.yaml")))
    (server.folder / "failing.py").write_text(FAILING)
    shell(server, "failing", f"python {server.folder / 'failing.py'}")
    wait_until(lambda: received, "a message")
    (message,) = received
    first, second, third = message["text"].strip().splitlines()
    assert re.fullmatch(r"hw3: [\w-]+ is Failed", first)
    assert second.endswith("ValueError: on purpose")
    assert "/runs/flow-run/" in third
