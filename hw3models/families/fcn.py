"""Fully convolutional network (Wang, Yan and Oates 2017, "Time series classification from scratch").

For patterns of a few steps wherever they stand: it sees 13 steps at a time, and pools over all. Costs four times the
CNN's time (260,000 numbers). Differs: a kernel of 7 steps instead of 8 (odd ones pad evenly), and a first stride
above 512 steps.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import DEEP, other_recipes
from hw3models.nn.convolutional import ConvBlocks, ConvNorm, after_stride, odd_at_most, stride_for
from hw3models.nn.layers import Dropout, MeanPool


class FCN(nn.Module):
    """128, 256 and 128 filters of 7, 5 and 3 steps; mean over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = stride_for(num_steps)
        sizes = ((num_channels, width, 7), (width, 2 * width, 5), (2 * width, width, 3))
        self.body = ConvBlocks(
            [
                ConvNorm(inputs, outputs, odd_at_most(kernel, num_steps), stride=1 if i else self.stride)
                for i, (inputs, outputs, kernel) in enumerate(sizes)
            ]
        )
        self.pool = MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        left = after_stride(lengths, self.stride)
        logits: torch.Tensor = self.head(self.pool(self.body(x.transpose(-1, -2), left), left))
        return logits


def build_fcn(like: Architecture) -> nn.Module:
    """See `FCN`."""
    return FCN(like.shape[0], like.shape[1], like.num_classes, width=like.width or 128, dropout=like.dropout)


SEQUENCES = Network(
    name="fcn",
    label="FCN",
    kind="sequences",
    purpose="patterns of up to 13 steps; 4 times the CNN's time",
    build=build_fcn,
    recipe=DEEP,
    computes_in_bf16=True,
    in_default=False,
    named=other_recipes(DEEP),
)
