"""A small transformer over patches (PatchTST, Nie et al. 2023; the patches of all channels make one token).

For long series and many examples, where what matters may stand anywhere; on some hundred examples convolutions learn
more. Cheap: at most 64 tokens whatever the length (100,000 numbers). Differs: one sequence of tokens instead of one per
channel, since a class is often told by channels together; layer normalisation before each part; mean over the tokens.
"""

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.errors import SpecError
from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.nn.layers import Dropout, MeanPool, time_mask
from hw3models.specs import Recipe

WIDTH, HEADS, LAYERS = 64, 4, 2
MOST_TOKENS = 64


def patch_stride(num_steps: int) -> int:
    """Steps from one patch to the next, half a patch: at most 64 patches, and of short series patches of 4 steps."""
    return max(2, -(-num_steps // MOST_TOKENS))


class AttentionLayer(nn.Module):
    """Attention and a perceptron, each beside a shortcut and behind a normalisation (Xiong et al. 2020)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.wide, self.narrow, self.gelu = nn.Linear(width, 2 * width), nn.Linear(2 * width, width), nn.GELU()
        self.drop = Dropout(dropout)

    def forward(self, x: torch.Tensor, is_padding: torch.Tensor | None) -> torch.Tensor:
        """(..., B, tokens, width), and bool (..., B, tokens) or None."""
        h = self.before_attention(x)
        x = x + self.drop(self.attention(h, h, h, key_padding_mask=is_padding, need_weights=False)[0])
        added: torch.Tensor = x + self.drop(self.narrow(self.gelu(self.wide(self.before_mlp(x)))))
        return added


class PatchTransformer(nn.Module):
    """Overlapping patches as tokens, learnt positions, two layers of attention; mean over tokens; a linear head."""

    def __init__(
        self, num_steps: int, num_channels: int, num_classes: int, *, width: int = WIDTH, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride = patch_stride(num_steps)
        self.num_tokens = -(-num_steps // self.stride)
        self.enter = nn.Conv1d(num_channels, width, 2 * self.stride, stride=self.stride)
        self.positions = nn.Embedding(self.num_tokens, width)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.layers = nn.ModuleList(AttentionLayer(width, dropout) for _ in range(LAYERS))
        self.norm, self.pool = nn.LayerNorm(width), MeanPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        # The last patch begins before the end of the series and reads zeros behind it.
        padded = F.pad(x, (0, 0, 0, (self.num_tokens + 1) * self.stride - x.shape[-2]))
        tokens = self.enter(padded.transpose(-1, -2)).transpose(-1, -2)
        order = torch.arange(self.num_tokens, device=x.device).expand(tokens.shape[:-1])
        h = tokens + self.positions(order)
        left = None if lengths is None else (lengths + self.stride - 1).div(self.stride, rounding_mode="floor")
        is_padding = None if left is None else ~time_mask(left, self.num_tokens)
        for layer in self.layers:
            h = layer(h, is_padding)
        logits: torch.Tensor = self.head(self.pool(self.norm(h).transpose(-1, -2), left))
        return logits


def build_transformer(like: Architecture) -> nn.Module:
    """See `PatchTransformer`.

    Raises:
        SpecError: the width does not go into heads.
    """
    width = like.width or WIDTH
    if width % HEADS:
        raise SpecError(f"`width` is {width}; a token of this transformer has a multiple of {HEADS} numbers.")
    return PatchTransformer(like.shape[0], like.shape[1], like.num_classes, width=width, dropout=like.dropout)


RECIPE = Recipe(
    epochs=20,
    min_examples=20_000,
    max_time_steps=5_000_000,
    learning_rate=2e-3,
    weight_decay=0.05,
    dropout=0.2,
    augmented=0.7,
    jitter=0.2,
    scale=0.3,
    shift_steps=0.1,
    gradient_clip=1.0,
)
SEQUENCES = Network(
    name="transformer",
    label="Transformer",
    kind="sequences",
    computes_in_bf16=True,
    purpose="long series and many examples; cheap whatever the length",
    build=build_transformer,
    recipe=RECIPE,
    in_default=False,
    named=other_recipes(RECIPE),
)
