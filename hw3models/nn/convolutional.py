"""Parts of convolutional networks for series: masked for unequal lengths, and fitted to the length of the series.

S = replicates, B = examples, T = time steps, C = channels, ... = either nothing or S
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.nn.layers import time_mask

BLOCK = 32
"""Time steps that `depthwise` gives by one product of matrices: of 16 to 64, the quickest for series of 40 to 512."""
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


class Depthwise(nn.Conv1d):
    """A kernel of odd length for each channel, evenly padded: (..., B, C, T) to the same shape.

    As `nn.Conv1d` with as many groups as channels. On a CPU it learns by `depthwise`, because the gradients of torch's
    kernel take two to three times as long; what has been learnt is asked by torch's.
    """

    def __init__(self, channels: int, kernel: int, *, dilation: int = 1) -> None:
        around = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, padding=around, dilation=dilation, groups=channels, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(..., B, C, T) to (..., B, C, T)."""
        if self.training and input.device.type == "cpu":
            return depthwise(input, self.weight, self.dilation[0])
        return super().forward(input)


def depthwise(x: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    """Series (B, C, T), each channel convolved with its own kernel (C, 1, k) of odd length, padded with zeros.

    Blocks of `BLOCK` steps with what they see on either side, times the banded matrix of each channel's kernel.
    """
    num, channels, steps = x.shape
    reach = dilation * (weight.shape[-1] - 1)
    size = min(BLOCK, steps)
    blocks = -(-steps // size)
    seen = F.pad(x, (reach // 2, reach - reach // 2 + blocks * size - steps)).unfold(2, size + reach, size)
    # The kernel with its gaps, and around it zeros as far as a block goes; row i of a channel's matrix is moved by i.
    kernel = F.pad(weight.transpose(1, 2), (0, dilation - 1)).flatten(1)[:, : reach + 1]
    bands = F.pad(kernel, (size - 1, size - 1)).unfold(1, size, 1).flip(2)
    out = torch.bmm(seen.transpose(0, 1).flatten(1, 2), bands)
    return out.view(channels, num, blocks * size).transpose(0, 1)[..., :steps]


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
