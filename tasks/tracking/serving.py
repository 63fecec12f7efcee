"""The model as `mlflow models serve` and `mlflow.pyfunc.load_model` load it: bad input is a 400 with one message.

MLflow answers errors that it does not know with a stack trace.
"""

from pathlib import Path
from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from numpy.typing import NDArray

from hw3models.errors import Hw3Error
from hw3models.serving.predictor import Predictor, load_predictor


class ServedModel:
    """Raw examples in, probabilities (or codes) out; see `hw3models.serving.predictor.Predictor`."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, examples: Any, params: dict[str, Any] | None = None) -> dict[str, NDArray[np.float32]]:  # noqa: ARG002
        """Raises an MlflowException with our message, which the server answers with 400."""
        try:
            return self.predictor.predict(examples)
        except Hw3Error as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None


def _load_pyfunc(path: str) -> ServedModel:
    """What MLflow calls."""
    return ServedModel(load_predictor(Path(path)))
