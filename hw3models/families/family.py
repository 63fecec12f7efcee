"""What a family is: a name, a way to build it, and how it is trained when nobody says otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.specs import Kind, Recipe

Task = Literal["classification", "reconstruction"]
Strategy = Literal["stacked", "separate"]


class Build(Protocol):
    """Makes one freshly initialised replicate.

    Called as `build(shape=(T, C) or (28, 28), num_classes=K, dropout=p, code_size=k)`; a family ignores what
    it has no use for. The module maps (B, *shape), and lengths (B,) for sequences, to logits (B, K); an
    autoencoder maps images to reconstructions (B, pixels) in 0..1.
    """

    def __call__(self, *, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module: ...


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
    cpu_strategy: Strategy = "stacked"
    """What trains S replicates faster on a CPU."""


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
    fit: Callable[[Dataset, int, int], BaselineFit]
    """(data, seed, code size)."""


Family = Network | Baseline
