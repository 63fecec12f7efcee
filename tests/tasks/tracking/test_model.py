"""A family's best replicate as a model of its run."""

from importlib.metadata import version
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.specs import DataReport, SequencesSpec, TrainSpec
from tasks import tracking
from tasks.settings import Settings
from tests.tiny import quick_recipe

pytestmark = pytest.mark.usefixtures("store")


def test_a_run_has_its_figures_and_one_model_that_names_its_requirements(data: DataReport, tmp_path: Path) -> None:
    spec = TrainSpec(family="gru", seeds=(0, 1), recipe=quick_recipe())
    training = train_step(spec, data, tmp_path / "gru")
    evaluation = evaluate_step(training, data)
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    run_id = tracking.open_child(parent, spec, data, {})
    for _ in range(2):
        # What is sent twice is there once.
        tracking.log_results(run_id, training, evaluation, data, cached=False)
    tracking.end_run(run_id, "FINISHED")
    assert tracking.outbox().flush(60) == 0
    client = MlflowClient(Settings().tracking_uri)
    assert {"figures/confusion_matrix_of_test_examples.svg", "figures/learning_curves.svg"} <= {
        one.path for one in client.list_artifacts(run_id, "figures")
    }
    [model] = client.get_run(run_id).outputs.model_outputs
    [of_study] = client.get_run(parent).outputs.model_outputs
    assert of_study.model_id == model.model_id, "the study names the models of its families"
    path = download_artifacts(f"models:/{model.model_id}", tracking_uri=Settings().tracking_uri)
    assert Path(path, "requirements.txt").read_text().split() == [
        f"{name}=={version(name)}" for name in ("mlflow", "torch", "numpy", "safetensors")
    ]
