"""How the replicates of a family may run as one program: what was proved of it in this process."""

import threading
from functools import partial
from typing import Literal

from torch import nn

from hw3models.engine.out_of_memory import is_out_of_memory
from hw3models.errors import SpecError
from hw3models.families import Network
from hw3models.families.family import Architecture
from hw3models.nn.proof import Proof, Shape, UnfitModuleError, prove
from hw3models.nn.rng import global_generator
from hw3models.runtime.devices import one_thread
from hw3models.specs.model import ModelManifest

_proved: dict[object, Proof] = {}
_lock = threading.Lock()


def built(family: Network, like: Architecture, seed: int) -> nn.Module:
    """A freshly initialised replicate on the CPU; torch's global generator stays as it was."""
    with global_generator(seed):
        return family.build(like)


def architecture_of(manifest: ModelManifest) -> Architecture:
    """What a kept model is built like."""
    return Architecture(
        shape=manifest.shape,
        num_classes=manifest.num_classes,
        dropout=manifest.dropout,
        latent_dim=manifest.latent_dim,
        hidden=manifest.hidden,
        depth=manifest.depth,
        width=manifest.width,
    )


def proved_layout(
    family: Network,
    like: Architecture,
    *,
    has_lengths: bool,
    layouts: tuple[Literal["stacked", "vmap"], ...] = ("stacked", "vmap"),
) -> Proof:
    """The first of `layouts` in which replicates compute what they compute alone; proved once in a process.

    Raises:
        SpecError: the family cannot be trained in replicates; the message names the layer.
    """
    key = (family.build, like, has_lengths, layouts)
    with _lock:
        if key not in _proved:
            try:
                with one_thread():
                    _proved[key] = prove(partial(built, family, like), Shape(like.shape, has_lengths), layouts)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                # Not kept: there may be more memory the next time.
                return Proof("plain", reasons=("there is not enough memory to prove anything else",))
            except UnfitModuleError as error:
                raise SpecError(f"`families`: {family.label} cannot be trained. {error}") from error
        return _proved[key]
