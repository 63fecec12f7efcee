"""One trained replicate as it is used: raw examples in, probabilities (or codes) out, bad input refused.

The folder holds `model.json` and `model.safetensors`; scaling and class names travel with the weights.
"""

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from hw3models.data.missing import interpolate
from hw3models.engine.model_store import read_manifest, restored
from hw3models.errors import DataError, SpecError
from hw3models.families import find_family
from hw3models.nn.stacking import State, unstack
from hw3models.runtime.files import write_atomically
from hw3models.specs.model import ModelManifest


class Predictor:
    """A model with its own preprocessing."""

    def __init__(self, manifest: ModelManifest, model: nn.Module) -> None:
        self.manifest = manifest
        self.model = model.eval()
        self._objective = find_family(manifest.kind, manifest.family, manifest.origin).objective
        self._mean = torch.tensor(manifest.mean)
        self._std = torch.tensor(manifest.std)

    def predict(self, examples: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Raw examples (N, H, W) or (N, H, W, 3) in 0..255, or (N, T, C), to `probabilities` (N, K); an autoencoder
        gives `code` (N, k) and `reconstruction` (N, pixels) in 0..1.

        Where series may differ in length, steps that are NaN in every channel at the end are padding.

        Raises:
            DataError: wrong shape, no examples, not numbers, or values that are not finite; or the answer is not.
        """
        checked, lengths = self._check(np.asarray(examples))
        inputs = torch.from_numpy(checked)
        if self.manifest.kind == "images":
            inputs = inputs / 255
        inputs = (inputs - self._mean) / self._std
        arguments: tuple[torch.Tensor, ...] = (inputs,)
        if lengths is not None:
            steps = torch.arange(inputs.shape[1])
            arguments = (torch.where((steps < lengths[:, None])[..., None], inputs, 0.0), lengths)
        with torch.inference_mode():
            answers = dict(self._objective.answers(self.model, arguments))
        for name, values in answers.items():
            if not (is_finite := np.isfinite(values).reshape(len(values), -1).all(axis=1)).all():
                raise DataError(
                    f"the model has no answer for example {int(is_finite.argmin())}: its {name} are not finite. "
                    "The example lies too far from what the model was trained on; look at its values."
                )
        return answers

    def _check(self, examples: NDArray[Any]) -> tuple[NDArray[np.float32], torch.Tensor | None]:
        wanted = ("N", *self.manifest.shape)
        if not np.issubdtype(examples.dtype, np.number):
            raise DataError(f"examples must be numbers, got dtype {examples.dtype}.")
        values = np.array(examples, dtype=np.float32)
        if values.shape[1:] != tuple(self.manifest.shape) or values.ndim == 0 or len(values) == 0:
            raise DataError(f"examples must have shape {wanted}, got {values.shape}.".replace("'", ""))
        lengths = None
        if self.manifest.unequal_lengths:
            valid: NDArray[np.bool_] = np.logical_not(np.isnan(values).all(axis=2))
            counts = values.shape[1] - np.argmax(valid[:, ::-1], axis=1)
            if not valid.any(axis=1).all():
                raise DataError(f"example {int(np.argmin(valid.any(axis=1)))} has no valid time step.")
            values[np.arange(values.shape[1]) >= counts[:, None]] = 0
            lengths = torch.from_numpy(counts.astype(np.int64))
        if self.manifest.missing == "interpolate":
            interpolate(values, None if lengths is None else lengths.numpy(), np.array(self.manifest.mean))
        if not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(f"examples must be finite, got {values[place]} at {place}.")
        if self.manifest.kind == "images" and (values.min() < 0 or values.max() > 255):
            raise DataError(f"pixels must lie in 0..255, got {values.min():g} to {values.max():g}.")
        return values, lengths


def save_predictor(directory: Path, manifest: ModelManifest, states: State, seed: int) -> None:
    """Write the replicate of `seed` alone, ready for `load_predictor`."""
    single = manifest.model_copy(update={"seeds": (seed,), "best_seed": seed})
    tensors = {name: tensor.contiguous() for name, tensor in unstack(states, manifest.seeds.index(seed)).items()}
    write_atomically(directory / "model.safetensors", safetensors.torch.save(tensors))
    write_atomically(directory / "model.json", single.model_dump_json(indent=1).encode())


def load_predictor(directory: Path) -> Predictor:
    """Read what `save_predictor` wrote.

    Raises:
        DataError: the folder does not hold a whole model.
        SpecError: the code of its family, which is from outside, is not here.
    """
    try:
        manifest = read_manifest(directory)
        model = restored(manifest, safetensors.torch.load_file(directory / "model.safetensors"))
    except SpecError:
        raise  # the code of its family is not here, or is other code
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{directory}: not a whole model ({error}).") from error
    return Predictor(manifest, model)
