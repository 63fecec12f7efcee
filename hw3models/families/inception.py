"""One network of InceptionTime (Ismail Fawaz et al. 2020); `inception*5` is InceptionTime itself.

For patterns of any length up to some hundred steps: the most accurate single network here on univariate archive data.
Costs fifteen times the CNN's time (400,000 numbers). Differs: kernels of 39, 19 and 9 steps instead of 40, 20 and 10
(odd ones pad evenly), halved ones of the length for series that are shorter, and a first stride above 512 steps.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import DEEP, other_recipes
from hw3models.nn.convolutional import ConvNorm, after_stride, masked, odd_at_most, stride_for
from hw3models.nn.layers import Dropout, MeanPool

WIDTH = 32
"""Filters of each of a module's four branches, and of its bottleneck."""
DEPTH = 6
"""Modules; a shortcut goes around every three."""
LOW = -1e4
"""Below every standardised step: what comes after the end of a series must not be its maximum."""
KERNEL = 39
"""The longest kernel, in steps; the others are a half and a quarter of it."""


class InceptionModule(nn.Module):
    """Three kernel lengths and a maximum side by side: (..., B, C, T) to (..., B, 4 x width, T / stride)."""

    def __init__(self, num_steps: int, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(inputs, width, 1, bias=False) if inputs > 1 else nn.Identity()
        narrow = width if inputs > 1 else inputs
        longest = odd_at_most(KERNEL, num_steps)
        kernels = [odd_at_most(size, num_steps) for size in (longest, longest // 2, longest // 4)]
        self.branches = nn.ModuleList(
            nn.Conv1d(narrow, width, kernel, stride=stride, padding=kernel // 2, bias=False) for kernel in kernels
        )
        self.highest = nn.MaxPool1d(3, stride=stride, padding=1)
        self.of_highest = nn.Conv1d(inputs, width, 1, bias=False)
        self.norm, self.relu = nn.BatchNorm1d(4 * width), nn.ReLU()

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None, left: torch.Tensor | None) -> torch.Tensor:
        """`lengths` before the stride and those that are `left` after it."""
        narrow = self.bottleneck(x)
        parts = [branch(narrow) for branch in self.branches]
        highest = masked(self.highest(masked(x, lengths, fill=LOW)), left)
        out: torch.Tensor = self.relu(self.norm(torch.cat([*parts, self.of_highest(highest)], dim=-2)))
        return masked(out, left)


class Inception(nn.Module):
    """Six modules with two shortcuts; mean over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = WIDTH, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = stride_for(num_steps)
        sizes = [num_channels, *[4 * width] * (DEPTH - 1)]
        left = -(-num_steps // self.stride)
        self.stages = nn.ModuleList(
            InceptionModule(left if i else num_steps, size, width, 1 if i else self.stride)
            for i, size in enumerate(sizes)
        )
        self.shortcuts = nn.ModuleList(
            [ConvNorm(num_channels, 4 * width, 1, stride=self.stride), ConvNorm(4 * width, 4 * width, 1)]
        )
        self.relu, self.pool = nn.ReLU(), MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(4 * width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        h, left = x.transpose(-1, -2), after_stride(lengths, self.stride)
        before = h
        for i, module in enumerate(self.stages):
            h = module(h, left if i else lengths, left)
            if i % 3 == 2:
                h = before = masked(self.relu(h + self.shortcuts[i // 3](before)), left)
        logits: torch.Tensor = self.head(self.pool(h, left))
        return logits


def build_inception(like: Architecture) -> nn.Module:
    """See `Inception`."""
    return Inception(like.shape[0], like.shape[1], like.num_classes, width=like.width or WIDTH, dropout=like.dropout)


SEQUENCES = Network(
    name="inception",
    label="Inception",
    kind="sequences",
    purpose="patterns of many lengths; the most accurate on archives as inception*5, 15 times the CNN's time",
    build=build_inception,
    recipe=DEEP,
    computes_in_bf16=True,
    in_default=False,
    named=other_recipes(DEEP),
)
