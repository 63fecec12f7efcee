"""LITE (Ismail-Fawaz et al. 2023): an Inception-like network of a fortieth of the parameters; `lite*5` is LITETime.

For patterns of any length up to some hundred steps where a model must be small or quick: 10,000 numbers, most of the
accuracy of `inception` at a sixth of its training time. Beside learnt kernels it has filters that are made by hand
and stay as they are: they find rises, falls and peaks of several lengths. Differs: learnt kernels are odd, and halved
ones of the length for series that are shorter; a first stride above 512 steps. Of several channels the filters by
hand look at each, as in LITEMVTime; the learnt ones of the first layer at all.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import DEEP, other_recipes
from hw3models.nn.convolutional import after_stride, masked, odd_at_most, stride_for
from hw3models.nn.depthwise import Depthwise
from hw3models.nn.layers import Dropout, MeanPool

WIDTH = 32
KERNEL = 39
TRENDS = (2, 4, 8, 16, 32, 64)
"""Lengths of the filters for rises and for falls."""
PEAKS = (6, 12, 24, 48, 96)
"""Lengths of the filters for peaks, of which half stand on either side."""


def filters_by_hand(num_steps: int) -> list[torch.Tensor]:
    """The filters that are not longer than the series, (filters, steps) of each length; 17 where all fit."""
    made = []
    for size in TRENDS:
        rise = torch.ones(size)
        rise[::2] = -1
        made.append(torch.stack([rise, -rise]))
    for size in PEAKS:
        half = torch.linspace(0, 1, size // 4 + 1)[1:] ** 2
        hill = torch.cat([half, half.flip(0)])
        made.append(torch.cat([-hill, 2 * hill, -hill]).unsqueeze(0))
    return [one for one in made if one.shape[1] <= num_steps]


class Fixed(nn.Module):
    """The same filters on each channel, never trained: (..., B, C, T) to (..., B, filters x C, T / stride)."""

    def __init__(self, filters: torch.Tensor, num_channels: int, stride: int) -> None:
        super().__init__()
        num, size = filters.shape
        self.pad = nn.ZeroPad1d(((size - 1) // 2, size // 2))
        self.conv = nn.Conv1d(num_channels, num * num_channels, size, stride=stride, groups=num_channels, bias=False)
        self.conv.weight.requires_grad_(False).copy_(filters.repeat(num_channels, 1).unsqueeze(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(self.pad(x))
        return out


class Separable(nn.Module):
    """A kernel for each channel, then a mix of channels (Chollet 2017), batch normalisation and ReLU."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.each = Depthwise(inputs, kernel, dilation=dilation)
        self.mix = nn.Conv1d(inputs, width, 1, bias=False)
        self.norm, self.relu = nn.BatchNorm1d(width), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.relu(self.norm(self.mix(self.each(x))))
        return out


class Lite(nn.Module):
    """Learnt and fixed kernels side by side, two separable convolutions; mean over time; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = WIDTH, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = stride_for(num_steps)
        left = -(-num_steps // self.stride)
        longest = odd_at_most(KERNEL, num_steps)
        kernels = [odd_at_most(size, num_steps) for size in (longest, longest // 2, longest // 4)]
        by_hand = [Fixed(filters, num_channels, self.stride) for filters in filters_by_hand(num_steps)]
        self.branches = nn.ModuleList(
            [
                *(
                    nn.Conv1d(num_channels, width, kernel, stride=self.stride, padding=kernel // 2, bias=False)
                    for kernel in kernels
                ),
                *by_hand,
            ]
        )
        features = 3 * width + sum(one.conv.out_channels for one in by_hand)
        self.norm, self.relu = nn.BatchNorm1d(features), nn.ReLU()
        self.second = Separable(features, width, odd_at_most(KERNEL // 2, left), 2)
        self.third = Separable(width, width, odd_at_most(KERNEL // 4, left), 4)
        self.pool = MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        h, left = x.transpose(-1, -2), after_stride(lengths, self.stride)
        h = masked(self.relu(self.norm(torch.cat([branch(h) for branch in self.branches], dim=-2))), left)
        h = masked(self.second(h), left)
        h = masked(self.third(h), left)
        logits: torch.Tensor = self.head(self.pool(h, left))
        return logits


def build_lite(like: Architecture) -> nn.Module:
    """See `Lite`."""
    return Lite(like.shape[0], like.shape[1], like.num_classes, width=like.width or WIDTH, dropout=like.dropout)


SEQUENCES = Network(
    name="lite",
    label="LITE",
    kind="sequences",
    purpose="as inception, small and quick; lite*5 is as accurate, 3 times the CNN's time",
    build=build_lite,
    recipe=DEEP,
    computes_in_bf16=True,
    default_ensemble=5,
    named=other_recipes(DEEP),
)
