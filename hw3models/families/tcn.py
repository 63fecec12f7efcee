"""Temporal convolutional network (Bai, Kolter and Koltun 2018): convolutions whose steps lie ever farther apart.

For what is decided by parts that stand far from each other: as many blocks as it takes to see the whole series, so it
costs more for longer ones (64 filters, 41,000 numbers a block). Differs: it looks both ways, as a classifier may that
has the whole series, batch normalisation instead of weight normalisation, and mean over time instead of the last step.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import DEEP, other_recipes
from hw3models.nn.convolutional import ConvNorm, after_stride, masked, stride_for
from hw3models.nn.layers import Dropout, MeanPool

WIDTH = 64
KERNEL = 5


class DilatedBlock(nn.Module):
    """Two convolutions of `KERNEL` steps that lie `dilation` apart, beside a shortcut."""

    def __init__(self, inputs: int, width: int, dilation: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, width, KERNEL, dilation=dilation, stride=stride)
        self.second = ConvNorm(width, width, KERNEL, dilation=dilation)
        same = inputs == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv1d(inputs, width, 1, stride=stride)
        self.relu, self.drop = nn.ReLU(), Dropout(dropout)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """`lengths`: those that are left after the stride."""
        h = masked(self.drop(self.relu(self.first(x))), lengths)
        h = self.drop(self.relu(self.second(h)))
        return masked(self.relu(h + self.shortcut(x)), lengths)


def num_blocks(num_steps: int) -> int:
    """Blocks of dilation 1, 2, 4, ... until one step of the last has seen `num_steps` steps around it."""
    blocks, seen = 1, 1 + 2 * (KERNEL - 1)
    while seen < num_steps:
        seen += 2 * (KERNEL - 1) << blocks
        blocks += 1
    return blocks


class TCN(nn.Module):
    """Dilated blocks; mean over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = WIDTH, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = stride_for(num_steps)
        num = num_blocks(-(-num_steps // self.stride))
        self.blocks = nn.ModuleList(
            DilatedBlock(width if i else num_channels, width, 1 << i, 1 if i else self.stride, dropout)
            for i in range(num)
        )
        self.pool = MeanPool()
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        h, left = x.transpose(-1, -2), after_stride(lengths, self.stride)
        for block in self.blocks:
            h = block(h, left)
        logits: torch.Tensor = self.head(self.pool(h, left))
        return logits


def build_tcn(like: Architecture) -> nn.Module:
    """See `TCN`."""
    return TCN(like.shape[0], like.shape[1], like.num_classes, width=like.width or WIDTH, dropout=like.dropout)


RECIPE = DEEP.model_copy(update={"dropout": 0.1})
SEQUENCES = Network(
    name="tcn",
    label="TCN",
    kind="sequences",
    purpose="parts that stand far apart; costs more for longer series",
    build=build_tcn,
    recipe=RECIPE,
    computes_in_bf16=True,
    in_default=False,
    named=other_recipes(RECIPE),
)
