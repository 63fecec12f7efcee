"""A model as it is used, one replicate or an ensemble: raw examples in, probabilities (or numbers, or codes) out.

The folder holds `model.json` and `model.safetensors` (a stack of them for an ensemble), or `model.skops` of a baseline;
scaling and class names travel with the weights. Bad input is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from hw3models.data.missing import interpolate
from hw3models.engine.fitted_store import dumped, load_fitted, restored_answers
from hw3models.engine.model_store import (
    check_stack,
    load_model,
    read_manifest,
    rebuild,
    restored,
    stored_manifest,
    write_manifest,
)
from hw3models.errors import DataError, SpecError
from hw3models.families import family_of
from hw3models.families.baselines import scaled
from hw3models.nn.stacking import State, unstack
from hw3models.runtime.files import write_atomically
from hw3models.serving.encoded import are_encoded, decoded_examples
from hw3models.specs.model import ModelManifest

NETWORK_FILE = "model.safetensors"
FITTED_FILES = {"skops": "model.skops", "arrays": NETWORK_FILE}
MODEL_FILES = (NETWORK_FILE, FITTED_FILES["skops"])
"""What lies beside `model.json`, one of them."""


Member = Callable[[NDArray[np.float32], NDArray[np.int64] | None], Mapping[str, NDArray[Any]]]
"""Raw examples (N, ...) and lengths (N,) to columns by name: one replicate."""


class Predictor:
    """A model with its own preprocessing. Of several members the probabilities are averaged."""

    def __init__(self, manifest: ModelManifest, members: Sequence[Member]) -> None:
        self.manifest = manifest
        self.members = members

    @classmethod
    def of_network(cls, manifest: ModelManifest, model: nn.Module) -> "Predictor":
        """The predictor of the replicate of `manifest.best_seed`."""
        return cls(manifest, [NetworkMember(manifest, model.eval(), manifest.temperature_of(manifest.best_seed))])

    @property
    def model(self) -> nn.Module:
        """The network of a single replicate."""
        [member] = self.members
        assert isinstance(member, NetworkMember)
        return member.model

    def predict(self, examples: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Raw examples (N, H, W) or (N, H, W, 3) in 0..255, or (N, T, C), to `probabilities` (N, K), or to
        `prediction` (N,), numbers in their own units; an autoencoder gives `code` (N, k) and `reconstruction`
        (N, pixels) in 0..1.

        Images may be texts (N,) as well: pictures of any size and form in base64.

        Where series may differ in length, steps that are NaN in every channel at the end are padding.

        Raises:
            DataError: wrong shape, no examples, not numbers, or values that are not finite; or the answer is not.
        """
        given = np.asarray(examples)
        if are_encoded(given):
            given = decoded_examples(given, self.manifest)
        checked, lengths = self.checked(given)
        answers = averaged([member(checked, lengths) for member in self.members])
        for name, values in answers.items():
            if not (is_finite := np.isfinite(values).reshape(len(values), -1).all(axis=1)).all():
                raise DataError(
                    f"the model has no answer for example {int(is_finite.argmin())}: its {name} are not finite. "
                    "The example lies too far from what the model was trained on; look at its values."
                )
        return answers

    def checked(self, examples: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Raw examples as members are asked: float32, zero after the end of a shorter series, and (N,) steps of each.

        Raises:
            DataError: as `predict`.
        """
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
            lengths = counts.astype(np.int64)
        if self.manifest.missing == "interpolate":
            interpolate(values, lengths, np.array(self.manifest.mean))
        if not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(f"examples must be finite, got {values[place]} at {place}.")
        if self.manifest.kind == "images" and (values.min() < 0 or values.max() > 255):
            raise DataError(f"pixels must lie in 0..255, got {values.min():g} to {values.max():g}.")
        if self.manifest.kind == "images" and values.max() <= 1 and (values % 1).any():
            # One request may hold a dark picture and another fractions: nothing is guessed.
            raise DataError("pixels must lie in 0..255, got fractions up to 1: multiply them by 255.")
        return values, lengths


def averaged(answers: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    """What an ensemble says: the mean of what its members say."""
    if len(answers) == 1:
        return dict(answers[0])
    stacked = {name: np.stack([one[name] for one in answers]) for name in answers[0]}
    # As in the table that an ensemble is judged by.
    return {name: values.mean(axis=0, dtype=np.float64).astype(values.dtype) for name, values in stacked.items()}


@dataclass(frozen=True)
class NetworkMember:
    """A trained replicate."""

    manifest: ModelManifest
    model: nn.Module
    temperature: float

    def __call__(
        self, examples: NDArray[np.float32], lengths: NDArray[np.int64] | None
    ) -> dict[str, NDArray[np.float32]]:
        """See `Member`."""
        manifest = self.manifest
        arguments = self.arguments(examples, lengths)
        objective = family_of(manifest).objective
        with torch.inference_mode():
            answers = objective.answers(self.model, arguments, self.temperature, manifest.target)
            return {name: value.numpy() for name, value in answers.items()}

    def arguments(self, examples: NDArray[np.float32], lengths: NDArray[np.int64] | None) -> tuple[torch.Tensor, ...]:
        """What the network is given: scaled inputs, and lengths where series differ in length."""
        manifest = self.manifest
        inputs = torch.from_numpy(examples)
        if manifest.kind == "images":
            inputs = inputs / 255
        scaled = (inputs - torch.tensor(manifest.mean)) / torch.tensor(manifest.std)
        if lengths is None:
            return (scaled,)
        valid = torch.arange(inputs.shape[1]) < torch.from_numpy(lengths)[:, None]
        return torch.where(valid[..., None], scaled, 0.0), torch.from_numpy(lengths)


def fitted_member(manifest: ModelManifest, fitted: Any) -> Member:
    """A fitted baseline.

    Raises:
        ValueError: it is not what the manifest says.
    """
    answers = restored_answers(manifest, fitted)
    mean, std = np.array(manifest.mean, np.float32), np.array(manifest.std, np.float32)
    return lambda examples, lengths: answers(scaled(examples, lengths, manifest.kind, mean, std))


def load_seeds(directory: Path, seeds: Sequence[int] | None = None) -> Predictor:
    """The replicates of a trained folder as they are, each a member: all of them, or those of `seeds`.

    Raises:
        DataError: the folder does not hold a whole model.
    """
    manifest = stored_manifest(directory)
    wanted = tuple(manifest.seeds if seeds is None else seeds)
    chosen = manifest.of(wanted, "ensemble" if len(wanted) > 1 else "single")
    if manifest.format in FITTED_FILES:
        _, fitted = load_fitted(directory)
        return Predictor(chosen, [fitted_member(manifest, fitted[seed]) for seed in wanted])
    _, states = load_model(directory)
    members = [NetworkMember(manifest, rebuild(manifest, states, one), manifest.temperature_of(one)) for one in wanted]
    return Predictor(chosen, members)


def save_predictor(directory: Path, manifest: ModelManifest, states: State, seed: int) -> None:
    """Write the replicate of `seed` alone, ready for `load_predictor`."""
    _write(directory, manifest.of((seed,)), unstack(states, manifest.seeds.index(seed)))


def save_use(source: Path, directory: Path, members: int = 1) -> None:
    """Write the best seed of the model folder `source`, or its first `members` as an ensemble, for `load_predictor`.

    Raises:
        DataError: the folder does not hold a whole model.
        SpecError: its family makes no ensemble.
    """
    manifest = stored_manifest(source)
    if members > 1:
        check_ensemble(manifest, members)
    single = members == 1
    chosen = manifest.of((manifest.best_seed,)) if single else manifest.of(manifest.seeds[:members], "ensemble")
    if manifest.format in FITTED_FILES:
        _, fitted = load_fitted(source)
        data = dumped({seed: fitted[seed] for seed in chosen.seeds}, chosen)
        write_atomically(directory / FITTED_FILES[chosen.format], data)
        write_manifest(directory, chosen)
        return
    manifest, states = load_model(source)
    if single:
        _write(directory, chosen, unstack(states, manifest.seeds.index(manifest.best_seed)))
    else:
        _write(directory, chosen, {name: tensor[:members] for name, tensor in states.items()})


def check_ensemble(manifest: ModelManifest, members: int) -> None:
    """Can so many of its seeds answer together?

    Raises:
        SpecError: they cannot.
    """
    objective = family_of(manifest).objective
    if objective.needs_pixels:
        raise SpecError(f"`family` {manifest.family}: codes of different seeds have no mean. Use one seed.")
    if manifest.resampling != "seed":
        raise SpecError(
            f"`family` {manifest.family}: its seeds were trained on data of their own (`resampling` "
            f"{manifest.resampling}), so they have not been judged together. Train seeds on the same examples."
        )
    if len(manifest.seeds) < members:
        num = f"{len(manifest.seeds)} seed{'' if len(manifest.seeds) == 1 else 's'}"
        raise SpecError(f"`family` {manifest.family}: it has {num}, no ensemble of {members}. Train more.")


def _write(directory: Path, manifest: ModelManifest, tensors: State) -> None:
    held = {name: tensor.contiguous() for name, tensor in tensors.items()}
    write_atomically(directory / NETWORK_FILE, safetensors.torch.save(held))
    write_manifest(directory, manifest)


def load_predictor(directory: Path) -> Predictor:
    """Read what `save_predictor` or `save_use` wrote.

    Raises:
        DataError: the folder does not hold a whole model.
        SpecError: the code of its family, which is from outside, is not here.
    """
    try:
        manifest = read_manifest(directory)
        if manifest.format in FITTED_FILES:
            manifest, fitted = load_fitted(directory, FITTED_FILES)
            return Predictor(manifest, [fitted_member(manifest, fitted[seed]) for seed in manifest.seeds])
        networks = _networks(directory, manifest)
        members = [NetworkMember(manifest, model.eval(), manifest.temperature_of(seed)) for seed, model in networks]
        return Predictor(manifest, members)
    except (SpecError, DataError):
        raise  # the code of its family is not here, or is other code
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{directory}: not a whole model ({error}).") from error


def _networks(directory: Path, manifest: ModelManifest) -> Iterator[tuple[int, nn.Module]]:
    """The replicates of a predictor's folder, by seed."""
    tensors = safetensors.torch.load_file(directory / NETWORK_FILE)
    if manifest.use == "single":
        yield manifest.best_seed, restored(manifest, tensors)
        return
    check_stack(manifest, tensors)
    for row, seed in enumerate(manifest.seeds):
        yield seed, restored(manifest, unstack(tensors, row))
