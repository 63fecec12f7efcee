"""A helper is for what costs the command little: what it does without."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from hw3models.specs import DataReport, TrainReport
from tasks.settings import Settings
from tasks.tracking.journal import outbox
from tests.tasks.helper.helped import recorded


def test_a_helper_imports_neither_prefect_nor_what_compares() -> None:
    code = (
        "import sys, tasks.helper.desk\n"
        "assert not {'prefect', 'scipy.stats', 'sklearn', 'numba'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_names_its_requirements(data: DataReport, training: TrainReport) -> None:
    run_id = recorded(data, training)
    assert outbox().flush(60) == 0
    run = MlflowClient(Settings().tracking_uri).get_run(run_id)
    [model] = run.outputs.model_outputs
    path = download_artifacts(f"models:/{model.model_id}", tracking_uri=Settings().tracking_uri)
    assert Path(path, "requirements.txt").read_text().split() == [
        f"{name}=={version(name)}" for name in ("mlflow", "torch", "numpy", "safetensors")
    ]
