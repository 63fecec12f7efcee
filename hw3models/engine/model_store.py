"""Trained replicates as a folder: `model.json`, `replicates.safetensors`, `history.json`. No pickle.

The folder says everything needed to use the model without this project's data: the family, the shape of an
example, the scaling learnt from train, and the class names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.data.remembered import options_of
from hw3models.data.resamples import split_of
from hw3models.engine.fit import EpochReport, FitResult
from hw3models.engine.layouts import architecture_of, built
from hw3models.errors import DataError, SpecError
from hw3models.families import Network, family_of
from hw3models.nn.stacking import State, unstack
from hw3models.runtime.files import write_atomically
from hw3models.specs import TrainSpec
from hw3models.specs.model import ModelManifest

_SEAL = "digest"
"""What `model.json` has beside the fields of the manifest: the digest of all of them."""


def save_model(directory: Path, dataset: Dataset, family: Network, spec: TrainSpec, result: FitResult) -> str:
    """Write the folder; the digest of its parameters (sha256, 16 hex digits)."""
    recipe = spec.recipe or family.recipe
    used = split_of(dataset, spec.resampling, result.best_seed)
    manifest = ModelManifest(
        family=family.name,
        origin=family.origin,
        kind=family.kind,
        shape=dataset.features.shape[1:],
        class_names=dataset.class_names if used.target is None else (),
        target=used.target,
        channels=dataset.channels,
        mean=tuple(used.mean.tolist()),
        std=tuple(used.std.tolist()),
        unequal_lengths=dataset.lengths is not None,
        latent_dim=spec.latent_dim,
        dropout=recipe.dropout,
        hidden=recipe.hidden,
        depth=recipe.depth,
        width=recipe.width,
        seeds=result.seeds,
        best_seed=result.best_seed,
        missing=spec.data.missing,
        image_fit=spec.data.image_fit,
        resampling=spec.resampling,
        read_as=options_of(spec.data, dataset.found_out),
        data_digest=dataset.digest,
        data_name=dataset.name,
    )
    return store(directory, manifest, result.states, history(result.epochs, spec.seeds))


def store(directory: Path, manifest: ModelManifest, states: State, epochs: Mapping[str, object]) -> str:
    """Write the three files; `epochs` is what `history` gives."""
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in states.items()})
    write_atomically(directory / "replicates.safetensors", data)
    write_atomically(directory / "history.json", json.dumps(epochs).encode())
    # Last, so that a folder with a manifest is whole.
    write_manifest(directory, manifest)
    return _digest(data)


def write_manifest(directory: Path, manifest: ModelManifest) -> None:
    """Write `model.json`, sealed with the digest of what it says."""
    fields = json.loads(manifest.model_dump_json())
    sealed = fields | {_SEAL: _seal(fields)}
    write_atomically(directory / "model.json", json.dumps(sealed, indent=1, ensure_ascii=False).encode())


def weights_digest(directory: Path) -> str:
    """Digest of the parameters in the folder, as `save_model` gave it."""
    return _digest((directory / "replicates.safetensors").read_bytes())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def load_model(directory: Path) -> tuple[ModelManifest, State]:
    """The manifest and the stacked state dict (leading axis: `manifest.seeds`).

    Raises:
        DataError: the folder does not hold a whole model.
    """
    try:
        manifest = read_manifest(directory)
        states = safetensors.torch.load_file(directory / "replicates.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(f"{directory}: not a whole model ({error}). Train it again.") from error
    try:
        check_stack(manifest, states)
    except ValueError as error:
        raise DataError(f"{directory}: not a whole model ({error}). Train it again.") from error
    return manifest, states


def check_stack(manifest: ModelManifest, states: State) -> None:
    """Has it a replicate for each seed?

    Raises:
        ValueError: it has not.
    """
    num = len(manifest.seeds)
    if other := next((name for name, tensor in states.items() if tensor.shape[:1] != (num,)), None):
        raise ValueError(f"`{other}` is {tuple(states[other].shape)}, but there are {num} seeds")


def stored_manifest(directory: Path) -> ModelManifest:
    """`read_manifest` of a folder that was trained.

    Raises:
        DataError: it is not there, or says what cannot be.
    """
    try:
        return read_manifest(directory)
    except (OSError, ValueError) as error:
        raise DataError(f"{directory}: not a whole model ({error}). Train it again.") from error


def read_manifest(directory: Path) -> ModelManifest:
    """What `model.json` says.

    Raises:
        OSError, ValueError: it is not there, or says what cannot be; the message names all of it.
    """
    data = (directory / "model.json").read_bytes()
    data, seal, wanted = _opened(data)
    try:
        manifest = ModelManifest.model_validate_json(data)
    except ValidationError as error:
        faults = [
            f"`{'.'.join(map(str, fault['loc']))}`: " * bool(fault["loc"]) + fault["msg"].removeprefix("Value error, ")
            for fault in error.errors(include_url=False)
        ]
        raise ValueError(f"model.json: {'; '.join(faults)}") from error
    if seal != wanted:
        raise ValueError(
            f"model.json: it was changed after it was written: its content has the digest {wanted}, and its "
            f"`{_SEAL}` says {seal}. Fetch it again; if the change is meant, take the line `{_SEAL}` out of it"
        )
    return manifest


def _opened(data: bytes) -> tuple[bytes, object, object]:
    """A manifest without its seal, the seal, and what it should be; folders of earlier versions have none."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return data, None, None  # which is told when it is validated
    if not isinstance(fields, dict) or _SEAL not in fields:
        return data, None, None
    seal = fields.pop(_SEAL)
    return json.dumps(fields).encode(), seal, _seal(fields)


def _seal(fields: Mapping[str, object]) -> str:
    """Digest of all that a manifest says, however it is laid out."""
    return _digest(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


def restored(manifest: ModelManifest, state: State) -> nn.Module:
    """The module that the manifest describes, with the parameters of one replicate.

    Raises:
        ValueError: they are not those of such a module, or not finite.
    """
    _check_sizes(manifest, state)
    model = build_from_manifest(manifest)
    for name, fresh in model.state_dict().items():
        # What is infinite in a new one, such as a mask, may be so.
        if name in state and bool((~state[name].isfinite() & (state[name] != fresh)).any()):
            raise ValueError(f"`{name}` holds numbers that are not finite")
    model.load_state_dict(state)
    return model


def _check_sizes(manifest: ModelManifest, state: State) -> None:
    """Before memory is asked for: a manifest may promise a layer of any width."""
    family = family_of(manifest)
    if not isinstance(family, Network):
        return
    try:
        with torch.device("meta"):
            promised = family.build(architecture_of(manifest)).state_dict()
    except Exception:
        return  # one of the user's own, which looks at its numbers while it is built
    sizes = {name: tuple(tensor.shape) for name, tensor in promised.items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if other := next((name for name in sorted({*sizes, *found}) if sizes.get(name) != found.get(name)), None):
        raise ValueError(
            f"`{other}` is {found.get(other, 'missing')}, but by the manifest it is {sizes.get(other, 'not there')}"
        )


def build_from_manifest(manifest: ModelManifest) -> nn.Module:
    """A fresh module of the architecture that the manifest describes."""
    family = family_of(manifest)
    if not isinstance(family, Network):
        raise DataError(f"{manifest.family} is a baseline, not a network.")
    # Its parameters are replaced: whatever it draws must come from nobody else's numbers.
    return built(family, architecture_of(manifest), 0)


def rebuild(manifest: ModelManifest, states: State, seed: int) -> nn.Module:
    """One replicate as a plain module in eval mode, on the CPU.

    Raises:
        DataError: its parameters are not those of such a module, or not finite.
    """
    try:
        return restored(manifest, unstack(states, manifest.seeds.index(seed))).eval()
    except SpecError:
        raise  # the code of its family is not here, or is other code
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{manifest.family}, seed {seed}: not a whole replicate ({error}). Train it again.") from error


def history(epochs: Sequence[EpochReport], seeds: Sequence[int]) -> dict[str, object]:
    """Per seed, the values of each epoch in which it ran; NaN and infinity as null."""
    tables: dict[str, dict[int, list[float | None]]] = {
        name: {seed: [] for seed in seeds} for name in ("train_loss", "validation_loss", "validation_accuracy")
    }
    rates: dict[int, float] = {}
    for report in epochs:
        rates[report.epoch] = report.learning_rate
        for name, table in tables.items():
            for seed, value, runs in zip(report.seeds, getattr(report, name) or (), report.running, strict=False):
                if runs:
                    table[seed].append(value if torch.tensor(value).isfinite() else None)
    result: dict[str, object] = {"seeds": list(seeds), "learning_rate": [rates[e] for e in sorted(rates)]}
    for name, table in tables.items():
        rows = [table[seed] for seed in seeds]
        result[name] = rows if any(rows) else None
    return result
