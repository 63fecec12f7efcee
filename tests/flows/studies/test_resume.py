"""`kill -9` in the middle of a study, then the same command: it goes on where it was, in the same MLflow run."""

import json
import subprocess
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.flows.cli.test_cli import environment, hw3
from tests.held import held

__all__ = ["environment"]
STUDY = ("sequences", "regime:locked", "--num-train", "200", "--num-test", "60", "--seeds", "3")
STUDY = (*STUDY, "--families", "mlp,gru,majority", "--epochs", "60", "--json")


def in_the_middle(environment: dict[str, str]) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The study, held in the middle of the GRU's training; the MLP's is over, and MLflow knows it."""
    home = Path(environment["HW3_HOME"])
    return held(*STUDY, label="gru on", epoch=20, environment=environment, condition=lambda: finished(home, "mlp"))


def checkpoints(home: Path) -> list[Path]:
    return list((home / ".hw3" / "checkpoints").glob("*/epoch-*.safetensors"))


def runs(home: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{home}/mlflow/store/mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments))


@pytest.mark.timeout(900)
@pytest.mark.servers  # a minute; `make reliability` runs it, too
def test_a_killed_study_goes_on_in_its_own_run(environment: dict[str, str], home: Path) -> None:
    whole = json.loads(hw3(environment, *STUDY, "--first-seed", "0").stdout)
    # The same study, but in a home of its own, killed while the GRU trains: the MLP is finished by then.
    other = home / "killed"
    other.mkdir()
    environment = environment | {"HW3_HOME": str(other), "HW3_CHECKPOINT_EVERY": "0"}
    with in_the_middle(environment):
        pass  # killed
    assert {run.info.status for run in runs(other)} == {"RUNNING", "FINISHED"}
    assert any(path.name > "epoch-000010" for path in checkpoints(other))

    done = hw3(environment, *STUDY)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "whose process died" in done.stderr
    for family in ("mlp", "gru", "majority"):
        assert answer["families"][family]["accuracy"] == whole["families"][family]["accuracy"]
    ended = runs(other)
    assert Counter(run.data.tags["hw3.role"] for run in ended) == {"parent": 1, "family": 3, "seed": 7}
    assert {run.info.status for run in ended} == {"FINISHED"}
    assert not checkpoints(other)
    client = MlflowClient(f"sqlite:///{other}/mlflow/store/mlflow.db")
    for run in ended:
        for metric in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, metric)]
            assert len(steps) == len(set(steps)), f"{metric} of {run.info.run_name} was logged twice"
        if run.data.tags.get("family") in ("mlp", "gru"):
            assert len(client.get_metric_history(run.info.run_id, "train_loss")) == 60


def finished(home: Path, family: str) -> bool:
    return any(run.data.tags.get("family") == family and run.info.status == "FINISHED" for run in runs(home))


@pytest.mark.usefixtures("store")
def test_a_run_is_adopted_only_from_a_process_that_is_certainly_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    from hw3models.specs import SequencesSpec
    from tasks import tracking
    from tasks.tracking import resuming
    from tasks.tracking.store import connect

    spec = SequencesSpec()
    first = tracking.open_parent("a study", spec, {})
    assert tracking.open_parent("a study", spec, {}) != first, "its process lives: it is this one"
    client, _ = connect()
    for tags in ({"hw3.host": "elsewhere"}, {"hw3.pid": "999999999"}):
        run_id = tracking.open_parent("a study", spec, {})
        for name, value in tags.items():
            client.set_tag(run_id, name, value)
        again = tracking.open_parent("a study", spec, {})
        assert (again == run_id) is ("hw3.pid" in tags)
    run_id = tracking.open_parent("a study", spec, {})
    client.set_tag(run_id, "hw3.process_started", "1.0")
    other = SequencesSpec(seeds=7)
    assert tracking.open_parent("a study", other, {}) != run_id, "another spec"
    assert tracking.open_parent("a study", spec, {}) == run_id, "the id is in use again, by a younger process"
    assert resuming.process_tags().items() <= client.get_run(run_id).data.tags.items()
