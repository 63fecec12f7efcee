"""What MLflow runs to serve a model ("models from code"): loads safetensors, never a pickle."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types.type_hints import TypeFromExample
from numpy.typing import NDArray

from hw3models.inference import load_predictor


class ServedModel(PythonModel):
    """The predictor of one replicate."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's folder."""
        self.predictor = load_predictor(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: TypeFromExample,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, NDArray[np.float32]]:
        """See `hw3models.inference.Predictor.predict`."""
        return self.predictor.predict(np.asarray(model_input))


mlflow.models.set_model(ServedModel())
