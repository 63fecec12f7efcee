"""Prefect's temporary server is killed under a study: its answer does not depend on it."""

import json
from pathlib import Path

import psutil
import pytest

from tests.faults.studies import assert_whole, start, store_of
from tests.flows.test_cli import environment, hw3
from tests.servers import wait_until

__all__ = ["environment"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def test_a_study_ends_without_its_temporary_prefect_server(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    log = tmp_path / "study.log"
    with start(environment, log) as process:
        try:
            wait_until(lambda: "mlp on locked: " in log.read_text(), "the MLP is done", timeout=120, pause=0.05)
            servers = [
                one for one in psutil.Process(process.pid).children(recursive=True) if "uvicorn" in one.cmdline()
            ]
            assert servers
            for server in servers:
                server.kill()
            code = process.wait(300)
        finally:
            process.kill()
    text = log.read_text()
    assert code == 0, text
    assert "Traceback" not in text
    assert set(json.loads(text[text.index("\n{") :])["families"]) == {"mlp", "gru", "majority"}
    assert_whole(store_of(home))
    # What Prefect still believes is put in order by the sweep.
    assert hw3(environment, "reconcile").returncode == 0
    assert hw3(environment, "reconcile").stdout == "nothing to do\n"
