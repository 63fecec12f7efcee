"""What a family is: a name, a way to build it, and how it is trained when nobody says otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.errors import SpecError
from hw3models.specs import Kind, Recipe

Task = Literal["classification", "reconstruction"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a replicate is built like. A family ignores what it has no use for."""

    shape: tuple[int, ...]
    """Of one example: (T, C), or (28, 28)."""
    num_classes: int
    dropout: float = 0.0
    latent_dim: int = 2
    hidden: tuple[int, ...] = ()
    """Hidden units per layer; empty: the family's own."""


Build = Callable[[Architecture], nn.Module]
"""Makes one freshly initialised replicate.

The module maps (B, *shape), and lengths (B,) for sequences, to logits (B, K); an autoencoder maps images to
reconstructions (B, pixels) in 0..1.
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A family of networks: `fit` trains S replicates of it."""

    name: str
    label: str
    """As people write it."""
    kind: Kind
    task: Task = "classification"
    build: Build
    recipe: Recipe
    """The default recipe. All families of a kind have the same tuning budget: one recipe for every data set."""
    computes_in_bf16: bool = False
    """Can its layers compute in bfloat16? Those with a backward pass of our own cannot (`dense`, `stacked_cells`), and
    then it does in no strategy: a seed's model may not depend on how many others train with it."""
    named: Mapping[str, Recipe] = field(default_factory=dict)
    """Other recipes, by name; see `recipe_of`."""


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


@dataclass(frozen=True, kw_only=True)
class BaselineFit:
    """What one seed of a baseline says about the test split."""

    probabilities: NDArray[np.float32] | None = None
    """(n, K)."""
    reconstructions: NDArray[np.float32] | None = None
    """(n, pixels) in 0..1."""
    codes: NDArray[np.float32] | None = None
    """(n, k) of the test split."""
    train_codes: NDArray[np.float32] | None = None
    """(N_train, k)."""
    parameters: int
    """Learnt numbers."""
    predict_seconds: float
    """For the whole test split."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A method that a network must beat to be worth its cost. Fitted on train, and asked once about test."""

    name: str
    label: str
    kinds: tuple[Kind, ...]
    task: Task = "classification"
    deterministic: bool
    """Has no randomness: one seed says everything."""
    ignores_examples: bool = False
    """Answers without looking at the example."""
    fit: Callable[[Dataset, int, int], BaselineFit]
    """(data, seed, code size)."""


Family = Network | Baseline
