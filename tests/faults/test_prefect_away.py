"""Prefect's temporary server is killed under a study: told, and nothing finished is lost."""

import json
from pathlib import Path

import psutil
import pytest

from tests.faults.studies import STUDY, runs, start, store_of
from tests.flows.cli.test_cli import environment, hw3
from tests.servers import wait_until

__all__ = ["environment"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def test_a_study_whose_temporary_prefect_server_dies_says_so_and_loses_nothing_finished(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    log = tmp_path / "study.log"
    with start(environment, log) as process:
        try:
            wait_until(lambda: "mlp on locked: " in log.read_text(), "the MLP is done", timeout=120, pause=0.05)
            servers = [
                one
                for one in psutil.Process(process.pid).children(recursive=True)
                if "flows.local.temporary_server" in one.cmdline()
            ]
            assert servers
            for server in servers:
                server.kill()
            code = process.wait(300)
        finally:
            process.kill()
    text = log.read_text()
    assert code == 1, text
    assert "Prefect's server does not answer any more" in text
    assert "Traceback" not in text, text
    assert "RUNNING" not in {run.info.status for run in runs(store_of(home))}
    again = hw3(environment, *STUDY)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("unchanged, taken from the cache") >= 2
    assert set(json.loads(again.stdout)["families"]) == {"mlp", "gru", "majority"}
    # What Prefect still believes is put in order by the sweep.
    assert hw3(environment, "reconcile").returncode == 0
    assert hw3(environment, "reconcile").stdout == "nothing to do\n"
