"""Multilayer perceptrons.

Images: exactly the network of homework part 1. Sequences: the window read as one long vector, as homework
part 5A asks about; it has no notion of time, so a motif must be learnt anew at every position.
"""

import math

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.nn.dense import DenseChain
from hw3models.nn.layers import Dropout
from hw3models.specs import Recipe


def build_image_mlp(like: Architecture) -> nn.Module:
    """784-64-10 for 28 x 28 images and ten digits: (B, 28, 28) to logits (B, K)."""
    return DenseChain(nn.Flatten(), nn.Linear(math.prod(like.shape), 64), nn.ReLU(), nn.Linear(64, like.num_classes))


class SequenceMLP(nn.Module):
    """Two hidden layers of 64 over the flattened window (Wang et al. 2017 use three of 500)."""

    def __init__(self, num_inputs: int, num_classes: int, *, width: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = DenseChain(
            Dropout(dropout / 2),
            nn.Linear(num_inputs, width),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(width, num_classes),
        )

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG002
        """Standardised float (..., B, T, C), zero after the end of a series, to logits (..., B, K)."""
        logits: torch.Tensor = self.body(x.flatten(-2))
        return logits


def build_sequence_mlp(like: Architecture) -> nn.Module:
    """See `SequenceMLP`."""
    return SequenceMLP(math.prod(like.shape), like.num_classes, dropout=like.dropout)


IMAGES = Network(
    name="mlp",
    label="MLP",
    kind="images",
    build=build_image_mlp,
    recipe=Recipe(
        epochs=20,
        min_examples=150_000,
        batch_size=128,
        learning_rate=5e-3,
        weight_decay=0.02,
        crop=0.04,
        tried=25,
    ),
    named={
        "homework": Recipe(epochs=10, batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant"),
        "long": Recipe(
            epochs=100,
            min_examples=500_000,
            batch_size=256,
            learning_rate=5e-3,
            weight_decay=0.1,
            shift_pixels=1,
            tried=9,
        ),
    },
)
RECIPE = Recipe(
    epochs=30,
    min_examples=20_000,
    learning_rate=3e-3,
    weight_decay=0.05,
    dropout=0.3,
    augmented=0.7,
    jitter=0.2,
    scale=0.3,
    shift_steps=0.1,
    tried=9,
)
SEQUENCES = Network(
    name="mlp",
    label="MLP",
    kind="sequences",
    purpose="where the position in the window tells the class; the cheapest",
    build=build_sequence_mlp,
    recipe=RECIPE,
    named=other_recipes(RECIPE),
)
