"""Parts of convolutional networks for series: masked for unequal lengths, and fitted to the length of the series.

S = replicates, B = examples, T = time steps, C = channels, ... = either nothing or S
"""

from collections.abc import Sequence

import torch
from torch import nn

from hw3models.nn.layers import time_mask

LONGEST = 512
"""Time steps that deep networks compute at: of longer series the first layer takes every second, third, ... step."""


def stride_for(num_steps: int) -> int:
    """Steps that the first layer of a deep network goes on at a time, so that at most `LONGEST` are left."""
    return max(1, -(-num_steps // LONGEST))


def odd_at_most(size: int, num_steps: int) -> int:
    """The largest odd kernel that is not above `size` nor longer than the series; odd ones pad evenly."""
    size = max(1, min(size, num_steps))
    return size if size % 2 else size - 1


def after_stride(lengths: torch.Tensor | None, stride: int) -> torch.Tensor | None:
    """Lengths (..., B) of what a layer with that stride gives of series of `lengths`."""
    if lengths is None or stride == 1:
        return lengths
    return (lengths + stride - 1).div(stride, rounding_mode="floor")


def masked(features: torch.Tensor, lengths: torch.Tensor | None, *, fill: float = 0.0) -> torch.Tensor:
    """(..., B, C, T) with zeros, or `fill`, after the end of each series: nothing leaks from there into it."""
    if lengths is None:
        return features
    valid = time_mask(lengths, features.shape[-1]).unsqueeze(-2)
    return features.masked_fill(~valid, fill) if fill else features * valid


class ConvNorm(nn.Module):
    """Convolution over time and batch normalisation: (..., B, C, T) to (..., B, width, ceil(T / stride)).

    Padded such that output step i stands where input step i x stride did; the kernel is odd.
    """

    def __init__(
        self, inputs: int, width: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        # BatchNorm has a shift of its own: a bias before it would do nothing.
        self.conv = nn.Conv1d(
            inputs,
            width,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.conv(x))
        return out


class ConvBlocks(nn.Module):
    """Convolutions one after another, each with batch normalisation and ReLU, masked after each."""

    def __init__(self, blocks: Sequence[ConvNorm]) -> None:
        super().__init__()
        self.blocks, self.relu = nn.ModuleList(blocks), nn.ReLU()

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """(..., B, C, T) and the lengths that are left after the first block's stride."""
        for block in self.blocks:
            x = masked(self.relu(block(x)), lengths)
        return x
