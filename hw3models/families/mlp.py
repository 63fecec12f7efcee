"""Multilayer perceptrons.

Images: exactly the network of homework part 1. Sequences: the window read as one long vector, as homework
part 5A asks about; it has no notion of time, so a motif must be learnt anew at every position.
"""

import math

import torch
from torch import nn

from hw3models.families.family import Network
from hw3models.layers import Dropout
from hw3models.specs import Recipe


def build_image_mlp(*, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module:  # noqa: ARG001
    """784-64-10 for 28 x 28 images and ten digits: (B, 28, 28) to logits (B, K)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 64), nn.ReLU(), nn.Linear(64, num_classes))


class SequenceMLP(nn.Module):
    """Two hidden layers of 64 over the flattened window (Wang et al. 2017 use three of 500)."""

    def __init__(self, num_inputs: int, num_classes: int, *, width: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(
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


def build_sequence_mlp(*, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module:  # noqa: ARG001
    """See `SequenceMLP`."""
    return SequenceMLP(math.prod(shape), num_classes, dropout=dropout)


IMAGES = Network(
    name="mlp",
    label="MLP",
    kind="images",
    build=build_image_mlp,
    recipe=Recipe(
        epochs=10,
        min_examples=100_000,
        batch_size=64,
        learning_rate=3e-3,
        weight_decay=0.1,
        shift_pixels=1,
        select="last",
    ),
)
SEQUENCES = Network(
    name="mlp",
    label="MLP",
    kind="sequences",
    build=build_sequence_mlp,
    recipe=Recipe(
        epochs=30, min_examples=20_000, learning_rate=3e-3, weight_decay=0.05, dropout=0.3, jitter=0.1, scale=0.1
    ),
)
