"""MLflow's server is killed under a study, stays away to its end, and comes back: everything is there, once."""

import json
from pathlib import Path

import pytest

from tests.faults.studies import STUDY, assert_whole, is_finished, start
from tests.flows.cli.test_cli import environment, hw3
from tests.servers import free_port, mlflow_server, wait_until

__all__ = ["environment"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def test_a_study_ends_without_its_mlflow_server_and_is_whole_after_a_reconcile(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    port, folder, log = free_port(), tmp_path / "server", tmp_path / "study.log"
    environment = environment | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    with mlflow_server(folder, port) as address:
        process = start(environment, log)
        wait_until(lambda: list(home.glob(".hw3/journal/*/*/*.jsonl")), "the study logs", timeout=90, pause=0.01)
    # Here the server is gone, in the middle of it.
    assert process.wait(250) == 0, log.read_text()
    text = log.read_text()
    assert "MLflow does not answer; what is logged waits" in text
    assert "entries are kept" in text
    answer = json.loads(text[text.index("\n{") :])
    assert set(answer["families"]) == {"mlp", "gru", "majority"}
    assert Path(answer["report"]).exists()
    refused = hw3(environment, "reconcile")
    assert refused.returncode == 1
    assert "does not answer" in refused.stderr

    with mlflow_server(folder, port) as address:
        assert not is_finished(address, "gru")
        swept = hw3(environment, "reconcile")
        assert swept.returncode == 0, swept.stderr
        assert "entries of journals" in swept.stdout
        assert hw3(environment, "reconcile").stdout == "nothing to do\n"
        assert_whole(address)
        again = hw3(environment, *STUDY)
        assert "already done" in again.stderr
        assert json.loads(again.stdout)["mlflow"] == answer["mlflow"]
    assert not list(home.glob(".hw3/journal/*/*/*.jsonl"))
