"""Eight commands at the same moment on a store that does not exist yet: all end well, and every metric is there."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.studies import STUDY, assert_whole, start, store_of
from tests.flows.cli.test_cli import environment
from tests.servers import mlflow_server, new_database, postgres

__all__ = ["environment"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
NUM = 8


def run_all(environment: dict[str, str], tmp_path: Path) -> None:
    """The same command each: they must not write each other's runs."""
    logs = [tmp_path / f"{number}.log" for number in range(NUM)]
    # One thread each: sixteen that wait for each other on two cores would take an hour.
    processes = [start(environment | {"OMP_NUM_THREADS": "1"}, log, *STUDY) for log in logs]
    try:
        codes = [process.wait(600) for process in processes]
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    for code, log in zip(codes, logs, strict=True):
        text = log.read_text()
        assert code == 0, text
        assert "database is locked" not in text
        assert "Traceback" not in text


def test_eight_commands_on_a_fresh_sqlite_store_all_end_well(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    run_all(environment, tmp_path)
    assert_whole(store_of(home), studies=NUM)


def test_eight_commands_on_postgresql_all_end_well(environment: dict[str, str], home: Path, tmp_path: Path) -> None:
    with (
        postgres() as server,
        mlflow_server(tmp_path / "server", store=new_database(server, "mlflow")) as address,
    ):
        run_all(environment | {"MLFLOW_TRACKING_URI": address}, tmp_path)
        assert_whole(address, studies=NUM)
