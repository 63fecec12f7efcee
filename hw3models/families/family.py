"""What a family is: a name, a way to build it, and how it is trained when nobody says otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.errors import SpecError
from hw3models.objectives import CLASSIFICATION, Objective
from hw3models.objectives.objective import BaselineFit
from hw3models.specs import Kind, Recipe
from hw3models.specs.origin import Origin

__all__ = ["Answers", "Architecture", "Baseline", "BaselineFit", "Build", "Family", "Network", "recipe_of"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a replicate is built like. A family ignores what it has no use for."""

    shape: tuple[int, ...]
    """Shape of one example: (T, C) of series; (H, W) of grey images, (H, W, 3) of colour."""
    num_classes: int
    dropout: float = 0.0
    latent_dim: int = 2
    hidden: tuple[int, ...] = ()
    """Hidden units per layer; empty: the family's own."""
    depth: int | None = None
    """Layers or blocks; None: the family's own."""
    width: int | None = None
    """Channels of its first layers, or numbers in a token; None: the family's own."""


Build = Callable[[Architecture], nn.Module]
"""Makes one freshly initialised replicate.

The module maps (B, *shape), and lengths (B,) for sequences, to logits (B, K); an autoencoder maps images to
reconstructions (B, P) in 0..1, where P is height x width (x 3).
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A family of networks: `fit` trains S replicates of it."""

    name: str
    label: str
    """The name as people write it."""
    kind: Kind
    objective: Objective = CLASSIFICATION
    build: Build
    recipe: Recipe
    """The default recipe. All families of a kind have the same tuning budget: one recipe for every data set."""
    computes_in_bf16: bool = False
    """Can its layers compute in bfloat16? Those with a backward pass of our own cannot (`nn.dense`,
    `nn.recurrent_cells`), and then it does in no strategy: a seed's model may not depend on how many others train with
    it."""
    named: Mapping[str, Recipe] = field(default_factory=dict)
    """Other recipes, by name; see `recipe_of`."""
    purpose: str = ""
    """What it is for and what it costs, in a few words."""
    in_default: bool = True
    """Stands in a comparison for which nobody names families."""
    default_ensemble: int = 0
    """Members of the ensemble of it that then stands beside it; 0: none does."""
    origin: Origin | None = None
    """Where its code is; None for the families of this package."""


def recipe_of(network: Network, name: str) -> Recipe:
    """The network's recipe of that name.

    Raises:
        SpecError: it has none; the message lists those it has.
    """
    if name == "default":
        return network.recipe
    if name not in network.named:
        known = ", ".join(("default", *network.named))
        raise SpecError(f"`recipe` {name!r} is not known for {network.name} on {network.kind}; known: {known}.")
    return network.named[name]


Answers = Callable[[NDArray[np.float32]], Mapping[str, NDArray[Any]]]
"""Standardised examples (n, ...) to columns by name, as `Objective.answers` has them."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A method that a network must beat to be worth its cost. Fitted on train, and asked once about test."""

    name: str
    label: str
    kinds: tuple[Kind, ...]
    objective: Objective = CLASSIFICATION
    deterministic: bool
    """Has no randomness: one seed says everything."""
    ignores_examples: bool = False
    """Answers without looking at the example."""
    fit: Callable[[Dataset, int, int], BaselineFit]
    """(data, seed, numbers in the code)."""
    purpose: str = ""
    """What it is for and what it costs, in a few words."""
    restore: Callable[[Any, tuple[int, ...], int], Answers] | None = None
    """(`BaselineFit.fitted` of a file, shape of an example, classes) to what can be asked. What does not belong
    together is a ValueError. None: what it has learnt is not kept."""
    sees_pixels: bool = False
    """It is asked about pixels / 255 of images, not standardised ones."""
    in_default: bool = True
    """Stands in a comparison for which nobody names families."""
    origin: Origin | None = None
    """Where its code is; None for the families of this package."""


Family = Network | Baseline
