"""MLflow's embedded store: whole, or not there."""

import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.settings import Settings
from tasks.tracking import store
from tasks.tracking.store import connect_once

HALF = 500_000
"""Bytes of a store about half of whose tables have been made."""
MAKE_IT = "from tasks.tracking.store import connect_once; print(connect_once()[1])"
LOG_A_RUN = """
from tasks.tracking.store import connect_once

client, experiment = connect_once()
print(client.create_run(experiment).info.run_id)
"""
FIRST_USERS = 3


def databases(folder: Path) -> list[Path]:
    """Whole or not."""
    return [path for path in folder.glob("*") if path.name.endswith(".db")]


@pytest.mark.slow
def test_a_store_whose_maker_was_killed_is_made_by_the_next_command(home: Path) -> None:
    store = Settings().store
    with subprocess.Popen([sys.executable, "-c", MAKE_IT]) as maker:
        deadline = time.monotonic() + 60
        while sum(path.stat().st_size for path in databases(store)) < HALF and time.monotonic() < deadline:
            time.sleep(0.001)
        maker.kill()
    assert databases(store)
    (store / f"{databases(store)[0].name}-journal").write_bytes(b"half")
    client, experiment = connect_once()
    assert client.create_run(experiment).info.status == "RUNNING"
    assert databases(store) == [store / "mlflow.db"]
    assert list(store.glob(".making-*")) == []


@pytest.mark.slow
def test_another_process_finds_the_store_that_was_made_and_what_is_in_it(home: Path) -> None:
    subprocess.run([sys.executable, "-c", MAKE_IT], check=True)
    client = MlflowClient(Settings().tracking_uri)
    experiment = client.get_experiment_by_name(Settings().experiment)
    assert experiment is not None
    assert experiment.artifact_location == (Settings().store / "artifacts").as_uri()
    run_id = client.create_run(experiment.experiment_id).info.run_id
    done = subprocess.run([sys.executable, "-c", MAKE_IT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == experiment.experiment_id
    assert client.get_run(run_id).info.status == "RUNNING"


@pytest.mark.slow
def test_runs_of_first_users_at_the_same_moment_are_in_one_store(home: Path) -> None:
    command = [sys.executable, "-c", LOG_A_RUN]
    users = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(FIRST_USERS)
    ]
    said = [user.communicate(timeout=200) for user in users]
    assert [user.returncode for user in users] == [0] * FIRST_USERS, said
    client, experiment = connect_once()
    assert {run.info.run_id for run in client.search_runs([experiment])} == {out.strip() for out, _ in said}
    assert databases(Settings().store) == [Settings().store / "mlflow.db"]


@pytest.mark.slow
def test_a_store_for_which_the_disk_has_no_space_leaves_nothing_that_fills_it(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_IT],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert [path.name for path in Settings().store.iterdir() if path.suffix == ".db" or "making" in path.name] == []
    subprocess.run([sys.executable, "-c", MAKE_IT], check=True)


@pytest.mark.slow
def test_stores_of_several_homes_are_made_by_threads_of_one_process(tmp_path: Path) -> None:
    def make(folder: str) -> tuple[MlflowClient, str]:
        at = tmp_path / folder
        return store._connect(f"sqlite:///{at / 'mlflow.db'}", "hw3", (at / "artifacts").as_uri(), f"{at}.lock")

    with ThreadPoolExecutor(4) as pool:
        for client, experiment in pool.map(make, "abcd"):
            assert client.get_experiment(experiment).name == "hw3"
