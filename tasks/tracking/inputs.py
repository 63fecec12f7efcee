"""The data set that a run's page names, with our own digest (MLflow's digests look at 10,000 rows only)."""

import json

from mlflow import MlflowClient
from mlflow.entities import Dataset as LoggedDataset
from mlflow.entities import DatasetInput, InputTag
from mlflow.exceptions import MlflowException

from hw3models.specs import DataReport


def log_data(client: MlflowClient, run_id: str, data: DataReport) -> None:
    """Name the data as the run's input."""
    dtype = "uint8" if data.kind == "images" else "float32"
    tensor = {"tensor-spec": {"dtype": dtype, "shape": [-1, *data.shape]}}
    labels = {"tensor-spec": {"dtype": "int64", "shape": [-1]}}
    total = data.num_train + data.num_validation + data.num_test
    entity = LoggedDataset(
        name=data.name,
        digest=data.digest,
        source_type="local",
        source=json.dumps({"uri": data.source}),
        schema=json.dumps({"mlflow_tensorspec": {"features": json.dumps([tensor]), "targets": json.dumps([labels])}}),
        profile=json.dumps(
            {"examples": total, "train": data.num_train, "validation": data.num_validation, "test": data.num_test}
        ),
    )
    inputs = [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])]
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        # Two that log a new data set at the same moment both try to add its row. Now it is there.
        if "datasets" not in str(error):
            raise
        client.log_inputs(run_id, inputs)
