"""Fully convolutional network for series (Wang, Yan and Oates 2017), and coarser levels that see the whole series.

For patterns wherever they stand, short ones and such as span the series: the first network to try, and after the MLP
the cheapest. Differs: 64 filters in each layer instead of 128-256-128; kernels of 7, 5, 3 steps instead of 8, 5, 3
(odd ones pad evenly). The mean alone is pooled, as in the paper: the maximum beside it cost five points of cross-
validated accuracy on small sets (docs/decisions/0009). Those three layers see 13 steps. Beyond them every second step
is kept, by the maximum, and convolved again, as often as it takes for one step to have seen the whole series; the
mean over the coarsest level stands beside that of the finest. Each level costs half of the one before: all together
less than one layer more.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.nn.convolutional import ConvBlocks, ConvNorm, after_stride, masked
from hw3models.nn.layers import Dropout, MeanPool
from hw3models.specs import Recipe

KERNELS = (7, 5, 3)


def num_levels(num_steps: int) -> int:
    """Coarser levels until one step of the last has seen `num_steps` steps of the series."""
    levels, apart, seen = 0, 1, 1 + sum(kernel - 1 for kernel in KERNELS)
    while seen < num_steps:
        # The maximum over two steps, then a kernel of 3 whose steps lie twice as far apart.
        seen += apart + 2 * 2 * apart
        apart *= 2
        levels += 1
    return levels


class SequenceCNN(nn.Module):
    """Convolution, BatchNorm, ReLU, three times and once a coarser level; means over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = 64, dropout: float = 0.0
    ) -> None:
        super().__init__()
        levels = num_levels(num_steps)
        self.body = ConvBlocks(
            [ConvNorm(width if i else num_channels, width, kernel) for i, kernel in enumerate(KERNELS)]
        )
        self.levels = nn.ModuleList(ConvNorm(width, width, 3) for _ in range(levels))
        self.coarser, self.relu, self.pool = nn.MaxPool1d(2, ceil_mode=True), nn.ReLU(), MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(2 * width if levels else width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        # Nothing leaks from the padding into the series. (BatchNorm's statistics still count it.)
        features = self.body(x.transpose(-1, -2), lengths)
        pooled = [self.pool(features, lengths)]
        for level in self.levels:
            lengths = after_stride(lengths, 2)
            features = masked(self.relu(level(self.coarser(features))), lengths)
        if len(self.levels):
            pooled.append(self.pool(features, lengths))
        logits: torch.Tensor = self.head(torch.cat(pooled, dim=-1))
        return logits


def build_cnn(like: Architecture) -> nn.Module:
    """See `SequenceCNN`."""
    return SequenceCNN(like.shape[0], like.shape[1], like.num_classes, width=like.width or 64, dropout=like.dropout)


RECIPE = Recipe(
    epochs=20,
    min_examples=10_000,
    max_time_steps=5_000_000,
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
    purpose="patterns anywhere in a series, short or long; the first to try",
    build=build_cnn,
    recipe=RECIPE,
    computes_in_bf16=True,
    named=other_recipes(RECIPE),
)
