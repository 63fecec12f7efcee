"""What a task type is: what is minimised, what outputs mean, and what is said about test examples.

S = replicates, B = examples in a batch, K = classes, P = pixels, n = test examples
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.specs import Recipe, TargetReport

LossGrad = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Outputs (S, B, O) to the loss (S,) and its gradient (S, B, O) by the outputs."""


@dataclass(frozen=True)
class Batch:
    """Standardised inputs with their targets, one row of examples per replicate."""

    inputs: torch.Tensor
    """(S, B, H, W), (S, B, H, W, 3) or (S, B, T, C)."""
    labels: torch.Tensor
    """Int64 (S, B)."""
    lengths: torch.Tensor | None
    """Int64 (S, B), for series of unequal lengths."""
    pixels: torch.Tensor | None
    """(S, B, P) in 0..1: what an autoencoder is to give back. None for classifiers."""
    blend: "Blend | None" = None
    """None where examples are not mixed."""
    class_weights: torch.Tensor | None = None
    """(K,): what a training example of each class counts for in the loss; None: all alike."""
    targets: torch.Tensor | None = None
    """(S, B): standardised numbers to predict; None of classes."""

    @property
    def arguments(self) -> tuple[torch.Tensor, ...]:
        """What a network is given: inputs, and lengths where series differ in length."""
        return (self.inputs,) if self.lengths is None else (self.inputs, self.lengths)


@dataclass(frozen=True)
class Blend:
    """What mixup has mixed into a batch."""

    labels: torch.Tensor
    """Int64 (S, B), of the other examples."""
    share: torch.Tensor
    """(S, B) in 0..0.5, of the other examples."""


@dataclass(frozen=True, kw_only=True)
class BaselineFit:
    """What one seed of a baseline says about the test split."""

    probabilities: NDArray[np.float32] | None = None
    """(n, K)."""
    numbers: NDArray[np.float64] | None = None
    """(n,) of regression, in their own units."""
    hard: bool = False
    """The method names a class and no probabilities: those above are 0 and 1."""
    reconstructions: NDArray[np.float32] | None = None
    """(n, P) in 0..1."""
    codes: NDArray[np.float32] | None = None
    """(n, k) of the test split."""
    train_codes: NDArray[np.float32] | None = None
    """(N_train, k)."""
    fitted: Any = None
    """What was learnt: named arrays, or an object that skops can write; None where it is not kept."""
    parameters: int
    """Learnt numbers."""
    predict_seconds: float
    """For the whole test split."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Trained replicates of a family, ready to be asked about examples of a data set; in evaluation mode."""

    family: str
    seeds: tuple[int, ...]
    best: int
    """Row of the best seed."""
    dataset: Dataset
    trained_on: Sequence[NDArray[np.int64]]
    """Positions (N,) of the examples that each replicate was trained on."""
    models: Sequence[nn.Module]
    """Plain, on the device."""
    batches: Callable[[NDArray[np.int64], int], Iterator[Batch]]
    """Examples by index, for so many replicates."""
    outputs: Callable[[Batch], torch.Tensor]
    """(S, B, ...) of all replicates at once."""
    seconds_of_one: Callable[[NDArray[np.int64]], float]
    """What the first replicate takes for examples by index."""
    temperatures: tuple[float, ...] = ()
    """What each replicate's logits are divided by; empty: 1."""


class Objective(Protocol):
    """A task type."""

    name: str
    metrics: tuple[str, ...]
    """What families can be compared by; the first one, where nobody says otherwise."""
    needs_pixels: bool
    """Batches hold the pixels of images as targets."""
    learns_labels: bool
    """Label smoothing, mixup and moved images make sense: an example keeps its label."""

    def num_outputs(self, shape: tuple[int, ...], num_classes: int) -> int:
        """Numbers that a network gives for an example of `shape`."""

    def losses(self, outputs: torch.Tensor, batch: Batch, recipe: Recipe, *, train: bool) -> torch.Tensor:
        """The loss of each example, (S, B), of outputs (S, B, O); with what the recipe adds to it while it trains."""

    def loss_grad(self, batch: Batch, recipe: Recipe) -> LossGrad | None:
        """The mean loss with its gradient by hand; None where it takes autograd."""

    def is_right(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        """Bool (S, B); None where nothing is right or wrong."""

    def table(self, trained: Trained) -> tuple[PredictionTable, float]:
        """What every replicate says about the test split, and the seconds one takes for it."""

    def baseline_table(
        self, family: str, seeds: Sequence[int], fits: Sequence[BaselineFit], dataset: Dataset
    ) -> PredictionTable:
        """What every seed of a baseline says about the test split."""

    def answers(
        self,
        model: nn.Module,
        arguments: Sequence[torch.Tensor],
        temperature: float = 1.0,
        target: TargetReport | None = None,
    ) -> Mapping[str, torch.Tensor]:
        """What a served model says about inputs (B, ...): columns by name. Logits are divided by `temperature`, numbers
        brought back to the units of `target`."""
