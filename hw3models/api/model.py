"""A trained model, asked about arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw3models.data.arrays import WHERE, in_order
from hw3models.data.readers.image_arrays import eight_bits
from hw3models.errors import DataError, SpecError
from hw3models.serving.predictor import Predictor
from hw3models.specs import Axes


class Model:
    """Answers about new examples, in the labels that it was trained with."""

    def __init__(self, predictors: Sequence[Predictor], classes: NDArray[Any], axes: Axes | None = None) -> None:
        self._predictors, self._axes = tuple(predictors), axes
        self.classes = classes
        """(K,) labels, in the order of the columns of probabilities; empty where numbers are predicted."""

    @property
    def family(self) -> str:
        """Its family."""
        return self._predictors[0].manifest.family

    def predict_proba(self, examples: ArrayLike | Sequence[ArrayLike]) -> NDArray[np.float32]:
        """Examples as in `study` to probabilities (N, K); of several seeds their mean.

        Raises:
            DataError: they do not fit the model.
            SpecError: it predicts numbers.
        """
        if self._predictors[0].manifest.target is not None:
            raise SpecError(f"{self.family} predicts numbers and has no probabilities. Use `predict`.")
        taken = self._taken(examples)
        answers = [one.predict(taken)["probabilities"] for one in self._predictors]
        return np.asarray(np.mean(answers, axis=0), np.float32)

    def predict(self, examples: ArrayLike | Sequence[ArrayLike]) -> NDArray[Any]:
        """Examples as in `study` to labels (N,), or numbers (N,); of several seeds their mean.

        Raises:
            DataError: they do not fit the model.
        """
        if self._predictors[0].manifest.target is not None:
            taken = self._taken(examples)
            return np.asarray(np.mean([one.predict(taken)["prediction"] for one in self._predictors], axis=0))
        return np.asarray(self.classes[self.predict_proba(examples).argmax(axis=1)])

    def _taken(self, examples: ArrayLike | Sequence[ArrayLike]) -> NDArray[Any]:
        return _as_taken(self._predictors[0], in_order(examples, "NCT") if self._axes == "NCT" else examples)


def _as_taken(predictor: Predictor, examples: Any) -> NDArray[Any]:
    """Arrays as the predictor wants them: (N, H, W) or (N, T, C), shorter series with NaN at the end."""
    manifest = predictor.manifest
    if manifest.kind == "images":
        bits = manifest.read_as.get("pixel_bits")
        pixels, fault = eight_bits(np.asarray(examples), "X", None if bits is None else int(bits))
        if fault:
            raise DataError(f"{WHERE}: {fault}.")
        return pixels
    steps, channels = manifest.shape[0], manifest.shape[1]
    ragged = not isinstance(examples, np.ndarray) and len({np.shape(one) for one in examples}) > 1
    values = None if ragged else np.asarray(examples)
    if values is not None and values.dtype != np.object_:
        values = values[..., None] if values.ndim == 2 and channels == 1 else values
        if values.ndim == 3 and values.shape[1] < steps and manifest.unequal_lengths:
            return np.pad(
                values.astype(np.float32), [(0, 0), (0, steps - values.shape[1]), (0, 0)], constant_values=np.nan
            )
        return values
    padded = np.full((len(examples), steps, channels), np.nan, np.float32)
    for row, one in zip(padded, examples, strict=True):
        series = np.asarray(one, np.float32)
        series = series[:, None] if series.ndim == 1 else series
        if series.ndim != 2 or series.shape[1] != channels or len(series) > steps:
            raise DataError(
                f"a series has shape {series.shape}; (at most {steps} steps, {channels} channels) is needed."
            )
        row[: len(series)] = series
    return padded
