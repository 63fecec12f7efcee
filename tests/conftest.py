"""What all tests share. Nothing is kept outside temporary folders, and nothing leaves the machine."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from hw3models.runtime.before_torch import prepare_threads

prepare_threads()
if _workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # More threads than cores wait for each other at every step of a training: several times slower.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))
for _name in [name for name in os.environ if name.endswith("_MIRRORS")] + ["PREFECT_API_URL", "MLFLOW_TRACKING_URI"]:
    os.environ.pop(_name, None)
os.environ |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}

# Shells start commands in the background deaf to Ctrl-C, and what these start is so, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real data for tests, beside the checkout; not part of the repository."""

WITH_SERVERS = 1200
"""Seconds after which a test with real servers and workers hangs: they take one or two minutes alone on two cores."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", metavar="SEED", help="files in random order, and the tests within each")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Time for the tests with servers; an order, in which files stay together: each starts its own servers once."""
    for item in items:
        if item.get_closest_marker("servers") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(WITH_SERVERS))
    if (seed := config.getoption("--shuffle")) is not None:
        rng = random.Random(seed)
        files = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
        rng.shuffle(files)
        for one in files:
            rng.shuffle(one)
        items[:] = [item for one in files for item in one]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home and data cache."""
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HW3_CACHE", str(tmp_path / "cache"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, made by MLflow once for all tests of this process: its migrations take seconds."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("store")
    made = SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri())
    made.engine.dispose()
    return folder / "mlflow.db"


@pytest.fixture
def store(home: Path, empty_store: Path) -> Path:
    """MLflow's store in a fresh home, made already; how it is made is tested in tests/tasks/tracking/test_store.py."""
    path = home / "mlflow" / "store" / "mlflow.db"
    path.parent.mkdir(parents=True)
    shutil.copyfile(empty_store, path)
    return path


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real Prefect server with a database of its own, for all flow tests of this process."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOCAL_STORAGE_PATH, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    storage = tmp_path_factory.mktemp("results")
    with (
        prefect_test_harness(server_startup_timeout=600),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOCAL_STORAGE_PATH: storage}),
    ):
        yield


@pytest.fixture
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    if not SHARED.exists():
        pytest.skip(f"needs the real data in {SHARED.parent.name}/{SHARED.name} beside the checkout")
    return SHARED
