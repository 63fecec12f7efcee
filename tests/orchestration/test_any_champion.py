"""A champion that is a ROCKET, and one that is an ensemble: promoted, served, watched and rolled back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.serving import served
from tests.orchestration.test_serving import BIN, ROOT, ask
from tests.servers import clean_environment

pytestmark = [pytest.mark.servers, pytest.mark.timeout(3600)]
MODEL = "hw3-sequences-locked"
DATA = ("regime:locked", "--num-train", "100", "--num-test", "300")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home with a study of a network and baselines."""
    home = tmp_path_factory.mktemp("home")
    found = clean_environment(HW3_HOME=str(home), HW3_CACHE=str(home / "cache"), PYTHONPATH=str(ROOT))
    found["PATH"] = f"{BIN}:{found['PATH']}"
    found["MLFLOW_TRACKING_URI"] = f"sqlite:///{home}/mlflow/store/mlflow.db"
    hw3(found, "sequences", *DATA, "--seeds", "3", "--epochs", "4", "--families", "mlp,rocket,majority")
    return found


def hw3(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "flows.cli", *arguments]
    home = environment["HW3_HOME"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def promoted(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    [one] = json.loads(hw3(environment, "promote", "--json", *arguments))["promotions"]
    return dict(one)


def served_as_predicted(environment: dict[str, str], examples: Any, folder: Path) -> None:
    """The server says what `hw3 predict` says."""
    np.save(folder / "x.npy", examples)
    hw3(environment, "predict", str(folder / "x.npy"), "--model", f"{MODEL}@champion", "-o", str(folder / "o.parquet"))
    ours = pd.read_parquet(folder / "o.parquet")[["p_0", "p_1"]]
    with served(f"models:/{MODEL}@champion", environment) as port:
        status, answer = ask(port, {"inputs": examples.tolist()})
        assert status == 200, answer
        np.testing.assert_allclose(answer["predictions"]["probabilities"], ours, atol=1e-6)
        status, answer = ask(port, {"inputs": examples[:, :, :7].tolist()})
        assert status == 400, answer


def test_a_rocket_and_an_ensemble_are_champions_one_after_the_other(
    environment: dict[str, str], tmp_path: Path
) -> None:
    examples = np.random.default_rng(1).normal(size=(60, 50, 8)).astype(np.float32)
    rocket = promoted(environment, "--family", "rocket")
    assert (rocket["family"], rocket["decision"]["outcome"], rocket["version"]) == ("rocket", "champion", 1), rocket
    served_as_predicted(environment, examples, tmp_path)
    hw3(environment, "drift", f"{MODEL}@champion", str(tmp_path / "x.npy"))

    ensemble = promoted(environment, "--family", "mlp*3", "--override", "a test")
    assert (ensemble["family"], ensemble["champion_now"], ensemble["version"]) == ("mlp*3", 2, 2), ensemble
    single = promoted(environment, "--family", "mlp")
    assert (single["family"], single["version"], single["champion_before"]) == ("mlp", 3, 2), single
    served_as_predicted(environment, examples, tmp_path)
    hw3(environment, "drift", f"{MODEL}@champion", str(tmp_path / "x.npy"))

    assert "version 1 is the champion" in hw3(environment, "rollback", MODEL, "--to", "1", "--reason", "a test")
    served_as_predicted(environment, examples, tmp_path)
    assert len(hw3(environment, "history", MODEL).splitlines()) >= 4
