"""The model of the best seed, or an ensemble of seeds, as an MLflow LoggedModel: no pickle."""

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from numpy.typing import NDArray

from hw3models.data import load_prepared
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import DataReport, TrainReport
from tasks.tracking.store import connect

_DIGEST = "hw3.model_digest"
MEMBERS = "hw3.members"
"""Tag: what of its run a model or a version holds, 1 for the best seed alone."""


def log_model(client: MlflowClient, experiment_id: str, run_id: str, training: TrainReport, data: DataReport) -> str:
    """Log the replicate of `training.best_seed`, with signature and input example, as a model of the run; its id.

    Asked again, it finishes what it began, and makes no second model of the same parameters.
    """
    return _log(client, experiment_id, run_id, training, data, 1)


def log_ensemble(run_id: str, training: TrainReport, data: DataReport, members: int) -> None:
    """Log the ensemble of the run's first seeds as one more model of it, once."""
    client, experiment_id = connect()
    _log(client, experiment_id, run_id, training, data, members)


def _log(
    client: MlflowClient, experiment_id: str, run_id: str, training: TrainReport, data: DataReport, members: int
) -> str:
    model_id, is_whole = _begun(client, experiment_id, run_id, training, members)
    if is_whole:
        return model_id
    dataset = load_prepared(data)
    example = dataset.features[dataset.train[:2]]
    needs = ("mlflow", "torch", "numpy", "safetensors", *(("scikit-learn", "skops") if training.recipe is None else ()))
    with tempfile.TemporaryDirectory() as folder:
        save_use(Path(training.directory), Path(folder), members)
        output = load_predictor(Path(folder)).predict(example)
        Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            model_id=model_id,
            run_id=run_id,
            # Read back by `tasks.tracking.serving._load_pyfunc`: our code and safetensors or skops, never a pickle.
            loader_module="tasks.tracking.serving",
            data_path=folder,
            signature=_signature(example, output, data),
            input_example=example,
            # Named by hand: MLflow would otherwise start the model in a fresh process to find out.
            pip_requirements=[f"{name}=={version(name)}" for name in needs],
            metadata={
                "data_digest": data.digest,
                "family": training.family,
                "seeds": list(training.seeds[:members]) if members > 1 else [training.best_seed],
            },
        )
    return model_id


def _signature(example: NDArray[Any], output: dict[str, NDArray[Any]], data: DataReport) -> ModelSignature:
    """What goes in and comes out. Images come as numbers or, in base64, as text, and a schema would allow one of both:
    the model looks at its input itself.
    """
    found = infer_signature(example, output)
    return ModelSignature(outputs=found.outputs) if data.kind == "images" else found


def link_model(client: MlflowClient, run_id: str, model_id: str) -> None:
    """Name the model as an output of the study that the run is part of, too."""
    study = client.get_run(run_id).data.tags.get(MLFLOW_PARENT_RUN_ID)
    if study is None:
        return
    outputs = client.get_run(study).outputs
    if model_id not in {one.model_id for one in (outputs.model_outputs if outputs else ())}:
        client.log_outputs(study, [LoggedModelOutput(model_id, step=0)])


def _begun(
    client: MlflowClient, experiment_id: str, run_id: str, training: TrainReport, members: int
) -> tuple[str, bool]:
    """The id of the model, and whether it is there, whole; else it is to be filled.

    Created by hand: `Model.log` alone would put it into the active experiment, not into the run's.
    """
    for model in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if model.tags.get(_DIGEST) == training.digest and model.tags.get(MEMBERS, "1") == str(members):
            return str(model.model_id), model.status == LoggedModelStatus.READY
    made = client.create_logged_model(
        experiment_id,
        name=training.family,
        source_run_id=run_id,
        tags={_DIGEST: training.digest, MEMBERS: str(members)},
    )
    return str(made.model_id), False
