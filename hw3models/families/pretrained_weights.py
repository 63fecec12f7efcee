"""Backbones of torchvision and timm with weights that somebody else has trained, each pinned by its digest.

A file of weights is named as torchvision's are: `resnet18-f37072fd.pth`, with the first digits of the sha256 sum of its
content. It is looked for in `HW3_WEIGHTS`, then in torch's own cache, then asked of the mirrors. Nothing is unpickled.
"""

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from hw3models.errors import SpecError, TrainingError
from hw3models.runtime.file_digests import file_digest

FOLDER = "HW3_WEIGHTS"
"""The environment variable with the folder of files of weights."""
MIRRORS = "HW3_WEIGHTS_MIRRORS"
"""The environment variable with base addresses, separated by spaces, which torchvision's files are fetched from."""
TIMM = "timm."
"""Names of timm's backbones begin so."""
_OTHERS = (
    *("rcnn", "retinanet", "fcos", "ssd", "deeplab", "fcn_", "lraspp", "raft", "quantized", "mvit", "r3d", "mc3"),
    *("s3d", "swin3d", "r2plus1d", "squeezenet", "googlenet", "inception"),
)
_SUFFIXES = (".pth", ".pt", ".safetensors")


class Weights(NamedTuple):
    """A file whose content is what its name promises."""

    path: Path
    digest: str
    """sha256 of the content."""


def check_backbone(name: str) -> None:
    """Is there one of that name?

    Raises:
        SpecError: there is none, or it is timm's, which is not installed.
    """
    if name.startswith(TIMM):
        _timm()
        return
    from torchvision.models import list_models

    from hw3models.data.checks import suggestion

    names = _classifiers(list_models())
    if name not in names:
        raise SpecError(
            f"`family`: torchvision has no backbone {name!r}.{suggestion(name, names)} It has {', '.join(names[:60])}; "
            f"those of timm begin with {TIMM!r}."
        )


def _classifiers(names: Sequence[str]) -> list[str]:
    """Names of those that end in a linear layer over one still image: not for boxes, masks or videos."""
    return [name for name in names if not any(part in name for part in _OTHERS)]


def backbone(name: str, weights: Weights | None) -> tuple[nn.Module, int]:
    """The network without its last linear layer, and how many features it gives; untrained without `weights`.

    Raises:
        TrainingError: the weights are not this network's.
    """
    if name.startswith(TIMM):
        model: nn.Module = _timm().create_model(name.removeprefix(TIMM), pretrained=False)
    else:
        from torchvision.models import get_model

        model = get_model(name, weights=None)
    if weights is not None:
        _load(model, name, weights)
    last = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)][-1]
    features = model.get_submodule(last).in_features
    parent, _, child = last.rpartition(".")
    setattr(model.get_submodule(parent), child, nn.Identity())
    return model, int(str(features))


def _load(model: nn.Module, name: str, weights: Weights) -> None:
    try:
        if weights.path.suffix == ".safetensors":
            import safetensors.torch

            state: Any = safetensors.torch.load_file(weights.path)
        else:
            state = torch.load(weights.path, map_location="cpu", weights_only=True)
        model.load_state_dict(state)
    except Exception as error:  # whatever stands in the file
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{weights.path}: these are no weights of {name} ({reason}). Take its own file.") from error


def find_weights(name: str) -> Weights:
    """The weights of the backbone `name` on this machine, checked against the digest in their name.

    Raises:
        TrainingError: there are none, or their content is not what the name promises.
    """
    folders = [Path(torch.hub.get_dir()) / "checkpoints"]
    if os.environ.get(FOLDER):
        folders.insert(0, Path(os.environ[FOLDER]).expanduser())
    for folder in folders:
        if path := _named_for(name, folder):
            return _checked(path)
    for mirror in os.environ.get(MIRRORS, "").split():
        if file := _published(name):
            # torch.hub fetches beside the target, and keeps only what has the digest that the name says.
            address = f"{mirror.rstrip('/')}/{file}"
            try:
                torch.hub.load_state_dict_from_url(address, str(folders[0]), progress=False, check_hash=True)
            except (OSError, RuntimeError, ValueError) as error:
                raise TrainingError(f"{address}: the weights of {name} cannot be had there ({error}).") from error
            return _checked(folders[0] / file)
    wanted = _published(name) or f"{name}-DIGEST.safetensors (DIGEST: 8 digits or more of its sha256 sum)"
    raise TrainingError(
        f"there are no weights of {name} on this machine: put {wanted} into {folders[0]}"
        + ("" if len(folders) > 1 else f" or the folder that {FOLDER} names")
        + f", or set {MIRRORS} to https://download.pytorch.org/models."
    )


def _named_for(name: str, folder: Path) -> Path | None:
    ends = "|".join(map(re.escape, _SUFFIXES))
    pattern = re.compile(rf"{re.escape(name.removeprefix(TIMM))}-[0-9a-f]{{8,64}}({ends})")
    try:
        found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    except OSError:
        return None
    return found[0] if found else None


def _checked(path: Path) -> Weights:
    try:
        digest = file_digest(path)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror}).") from error
    promised = path.stem.rpartition("-")[2]
    if not digest.startswith(promised):
        raise TrainingError(
            f"{path}: the content has sha256 {digest[:16]}..., not {promised} as its name says. Fetch it again."
        )
    return Weights(path, digest)


@lru_cache
def _published(name: str) -> str | None:
    """The file that torchvision publishes for it."""
    if name.startswith(TIMM):
        return None
    from torchvision.models import get_model_weights

    return str(get_model_weights(name).DEFAULT.url).rpartition("/")[2]


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise SpecError(
            f"`family`: backbones that begin with {TIMM!r} need timm: pip install 'hw3[pretrained]'."
        ) from error
    return timm
