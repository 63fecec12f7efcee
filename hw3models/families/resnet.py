"""Residual network for series (Wang, Yan and Oates 2017, "Time series classification from scratch").

For patterns of some tens of steps wherever they stand: it sees 37 steps at a time, and pools over all. Among the most
accurate networks on the archives; eight times the CNN's time (480,000 numbers). Differs: a kernel of 7 steps instead
of 8 (odd ones pad evenly), no normalisation of a shortcut that has nothing to project, and a first stride above 512
steps.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import DEEP, other_recipes
from hw3models.nn.convolutional import ConvNorm, after_stride, masked, odd_at_most, stride_for
from hw3models.nn.layers import Dropout, MeanPool


class ResidualBlock(nn.Module):
    """Three convolutions of 7, 5 and 3 steps beside a shortcut: (..., B, C, T) to (..., B, width, T / stride)."""

    def __init__(self, num_steps: int, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        kernels = [odd_at_most(kernel, num_steps) for kernel in (7, 5, 3)]
        self.first = ConvNorm(inputs, width, kernels[0], stride=stride)
        self.second = ConvNorm(width, width, kernels[1])
        self.third = ConvNorm(width, width, kernels[2])
        same = inputs == width and stride == 1
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, width, 1, stride=stride)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """`lengths`: those that are left after the stride."""
        h = masked(self.relu(self.first(x)), lengths)
        h = masked(self.relu(self.second(h)), lengths)
        return masked(self.relu(self.third(h) + self.shortcut(x)), lengths)


class SequenceResNet(nn.Module):
    """Residual blocks of 64, 128 and 128 filters; mean over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = 64, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = stride_for(num_steps)
        self.blocks = nn.ModuleList(
            [
                ResidualBlock(num_steps, num_channels, width, self.stride),
                ResidualBlock(num_steps, width, 2 * width, 1),
                ResidualBlock(num_steps, 2 * width, 2 * width, 1),
            ]
        )
        self.pool = MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(2 * width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        h, left = x.transpose(-1, -2), after_stride(lengths, self.stride)
        for block in self.blocks:
            h = block(h, left)
        logits: torch.Tensor = self.head(self.pool(h, left))
        return logits


def build_resnet(like: Architecture) -> nn.Module:
    """See `SequenceResNet`."""
    return SequenceResNet(like.shape[0], like.shape[1], like.num_classes, width=like.width or 64, dropout=like.dropout)


SEQUENCES = Network(
    name="resnet",
    label="ResNet",
    kind="sequences",
    purpose="patterns of up to 37 steps; 8 times the CNN's time",
    build=build_resnet,
    recipe=DEEP,
    computes_in_bf16=True,
    in_default=False,
    named=other_recipes(DEEP),
)
