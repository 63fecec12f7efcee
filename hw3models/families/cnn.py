"""Fully convolutional network for series (Wang, Yan and Oates 2017, "Time series classification from scratch").

Differs: 64 filters in each layer instead of 128-256-128; kernels of 7, 5, 3 steps instead of 8, 5, 3 (odd
ones pad evenly). The mean alone is pooled, as in the paper: the maximum beside it cost five points of
cross-validated accuracy on small sets (docs/decisions/0009).
Receptive field: 7 + 5 + 3 - 2 = 13 steps.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.nn.layers import Dropout, MeanPool, time_mask
from hw3models.specs import Recipe


class SequenceCNN(nn.Module):
    """Three times convolution, BatchNorm, ReLU; global pooling; a linear head."""

    def __init__(self, num_channels: int, num_classes: int, *, width: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for inputs, kernel in ((num_channels, 7), (width, 5), (width, 3)):
            # BatchNorm has a shift of its own: a bias before it would do nothing.
            convolution = nn.Conv1d(inputs, width, kernel, padding="same", bias=False)
            self.blocks.append(nn.Sequential(convolution, nn.BatchNorm1d(width), nn.ReLU()))
        self.pool = MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        features = x.transpose(-1, -2)
        valid = None if lengths is None else time_mask(lengths, x.shape[-2]).unsqueeze(-2)
        for block in self.blocks:
            features = block(features)
            if valid is not None:
                # Nothing leaks from the padding into the series. (BatchNorm's statistics still count it.)
                features = features * valid
        logits: torch.Tensor = self.head(self.pool(features, lengths))
        return logits


def build_cnn(like: Architecture) -> nn.Module:
    """See `SequenceCNN`."""
    return SequenceCNN(like.shape[1], like.num_classes, dropout=like.dropout)


RECIPE = Recipe(
    epochs=20,
    min_examples=20_000,
    learning_rate=3e-3,
    weight_decay=0.05,
    dropout=0.2,
    jitter=0.1,
    scale=0.3,
    tried=9,
)
SEQUENCES = Network(
    name="cnn",
    label="CNN",
    kind="sequences",
    build=build_cnn,
    recipe=RECIPE,
    computes_in_bf16=True,
    named=other_recipes(RECIPE),
)
