"""A small vision transformer (Dosovitskiy et al. 2021), as Beyer, Zhai and Kolesnikov (2022) made it plain: the mean of
all tokens instead of one for the class, and fixed sines for the positions.

Differs: about 7 x 7 patches whatever the image's size, four blocks of 64 numbers, a norm before each part of a block.
On small data it is behind convolutions, which need not learn that neighbours belong together.
"""

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.families.family import Architecture, Network
from hw3models.families.named import image_recipes
from hw3models.nn.layers import ChannelsFirst, Dropout
from hw3models.specs import Recipe

PATCHES = 7
"""Along the longer side."""
HEADS = 4


class Block(nn.Module):
    """Attention and two dense layers, each added to what it is given."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.attention = (
            nn.LayerNorm(width),
            nn.MultiheadAttention(width, HEADS, batch_first=True),
        )
        self.before_dense = nn.LayerNorm(width)
        self.dense = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), Dropout(dropout), nn.Linear(2 * width, width), Dropout(dropout)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (..., B, T, E) to the same shape."""
        seen = self.before_attention(x)
        x = x + self.attention(seen, seen, seen, need_weights=False)[0]
        out: torch.Tensor = x + self.dense(self.before_dense(x))
        return out


class ImageTransformer(nn.Module):
    """Patches as tokens with their positions; blocks; the mean, a linear layer."""

    def __init__(self, shape: tuple[int, ...], num_classes: int, *, depth: int, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = ChannelsFirst(shape)
        size = -(-max(shape[:2]) // PATCHES)
        self.around = [(-side) % size for side in shape[:2]]
        self.patches = nn.Conv2d(self.enter.num_channels, width, size, size)
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, num_classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) or (..., B, H, W, C) to logits (..., B, K)."""
        down, right = self.around
        grid = self.patches(F.pad(self.enter(x), (right // 2, right - right // 2, down // 2, down - down // 2)))
        tokens = grid.flatten(-2).transpose(-1, -2) + positions(grid)
        for block in self.blocks:
            tokens = block(tokens)
        logits: torch.Tensor = self.head(tokens.mean(-2))
        return logits


def positions(grid: torch.Tensor) -> torch.Tensor:
    """(T, E) for tokens in a grid (..., E, H, W): sines and cosines of row and column, a quarter each."""
    width, height, across = grid.shape[-3:]
    quarter = width // 4
    pace = 10_000 ** -(torch.arange(quarter, device=grid.device, dtype=grid.dtype) / quarter)
    rows, columns = (torch.arange(size, device=grid.device, dtype=grid.dtype) for size in (height, across))
    turns = [rows.repeat_interleave(across)[:, None] * pace, columns.repeat(height)[:, None] * pace]
    return torch.cat([part for turn in turns for part in (turn.sin(), turn.cos())], dim=1)


def build_vit(like: Architecture) -> nn.Module:
    """See `ImageTransformer`; the width is brought to a multiple of 4 heads and 4 quarters."""
    width = -(-(like.width or 64) // HEADS) * HEADS
    return ImageTransformer(like.shape, like.num_classes, depth=like.depth or 4, width=width, dropout=like.dropout)


RECIPE = Recipe(
    epochs=20,
    min_examples=200_000,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
    dropout=0.1,
    gradient_clip=1.0,
    crop=0.08,
    flip="auto",
)
IMAGES = Network(
    name="vit",
    label="ViT",
    kind="images",
    build=build_vit,
    recipe=RECIPE,
    computes_in_bf16=True,
    in_default=False,
    named=image_recipes(RECIPE),
)
