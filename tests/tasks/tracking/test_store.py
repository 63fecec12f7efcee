"""MLflow's embedded store: whole, or not there."""

import subprocess
import sys
import time
from pathlib import Path

from mlflow import MlflowClient

from tasks.settings import Settings
from tasks.tracking.store import connect_once

HALF = 500_000
"""Bytes of a store about half of whose tables have been made."""
MAKE_IT = "from tasks.tracking.store import connect_once; connect_once()"
BY_MIGRATIONS = """
from pathlib import Path
from tasks import new_databases

new_databases.script_of = lambda package: Path("not/there")
"""


def databases(folder: Path) -> list[Path]:
    """Whole or not."""
    return [path for path in folder.glob("*") if path.name.endswith(".db")]


def test_a_store_whose_maker_was_killed_is_made_by_the_next_command(home: Path) -> None:
    store = Settings().store
    with subprocess.Popen([sys.executable, "-c", BY_MIGRATIONS + MAKE_IT]) as maker:
        deadline = time.monotonic() + 60
        while sum(path.stat().st_size for path in databases(store)) < HALF and time.monotonic() < deadline:
            time.sleep(0.001)
        maker.kill()
    assert databases(store)
    client, experiment = connect_once()
    assert client.create_run(experiment).info.status == "RUNNING"
    assert databases(store) == [store / "mlflow.db"]


def test_another_process_finds_the_store_that_was_made(home: Path) -> None:
    subprocess.run([sys.executable, "-c", MAKE_IT], check=True)
    experiment = MlflowClient(Settings().tracking_uri).get_experiment_by_name(Settings().experiment)
    assert experiment is not None
    assert experiment.artifact_location == (Settings().store / "artifacts").as_uri()
