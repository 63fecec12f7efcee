"""The model of the best seed as an MLflow LoggedModel: code and safetensors, no pickle."""

import tempfile
from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, infer_signature
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.data import load_prepared
from hw3models.engine.model_store import load_model
from hw3models.serving.predictor import load_predictor, save_predictor
from hw3models.specs import DataReport, TrainReport

_DIGEST = "hw3.model_digest"


def log_model(client: MlflowClient, experiment_id: str, run_id: str, training: TrainReport, data: DataReport) -> str:
    """Log the replicate of `training.best_seed`, with signature and input example, as a model of the run; its id.

    Asked again, it finishes what it began, and makes no second model of the same parameters.
    """
    model_id, is_whole = _begun(client, experiment_id, run_id, training)
    if is_whole:
        return model_id
    manifest, states = load_model(Path(training.directory))
    dataset = load_prepared(data)
    example = dataset.features[dataset.train[:2]]
    with tempfile.TemporaryDirectory() as folder:
        save_predictor(Path(folder), manifest, states, training.best_seed)
        output = load_predictor(Path(folder)).predict(example)
        Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            model_id=model_id,
            run_id=run_id,
            # Read back by `tasks.tracking.serving._load_pyfunc`: our code and safetensors, never a pickle.
            loader_module="tasks.tracking.serving",
            data_path=folder,
            signature=infer_signature(example, output),
            input_example=example,
            # Named by hand: MLflow would otherwise start the model in a fresh process to find out.
            pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "torch", "numpy", "safetensors")],
            metadata={"data_digest": data.digest, "family": training.family, "seed": training.best_seed},
        )
    return model_id


def link_model(client: MlflowClient, run_id: str, model_id: str) -> None:
    """Name the model as an output of the study that the run is part of, too."""
    study = client.get_run(run_id).data.tags.get(MLFLOW_PARENT_RUN_ID)
    if study is None:
        return
    outputs = client.get_run(study).outputs
    if model_id not in {one.model_id for one in (outputs.model_outputs if outputs else ())}:
        client.log_outputs(study, [LoggedModelOutput(model_id, step=0)])


def _begun(client: MlflowClient, experiment_id: str, run_id: str, training: TrainReport) -> tuple[str, bool]:
    """The id of the model, and whether it is there, whole; else it is to be filled.

    Created by hand: `Model.log` alone would put it into the active experiment, not into the run's.
    """
    for model in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if model.tags.get(_DIGEST) == training.digest:
            return str(model.model_id), model.status == LoggedModelStatus.READY
    made = client.create_logged_model(
        experiment_id, name=training.family, source_run_id=run_id, tags={_DIGEST: training.digest}
    )
    return str(made.model_id), False
