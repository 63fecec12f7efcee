"""Multi-head attention (Vaswani et al. 2017) for one model and for S stacked ones, with dropout of the replicate's own.

... = leading axes (B, or S and B), T = queries, U = keys, E = features, H = heads
"""

import math
from collections.abc import Callable

import torch

Drop = Callable[[torch.Tensor], torch.Tensor]


def scaled_dot_product(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    drop: Drop,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attend (..., T, E) to (..., U, E): what is found, and the weights (..., T, U) after `drop`.

    `mask` is True where a key may be seen, or is added to the scores. `causal` hides the keys after a query.
    """
    scores = query @ key.mT * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = drop(scores.softmax(-1))
    return weights @ value, weights


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(..., T, E) to (..., H, T, E / H)."""
    split: torch.Tensor = x.unflatten(-1, (heads, -1)).transpose(-2, -3)
    return split


def join_heads(x: torch.Tensor) -> torch.Tensor:
    """(..., H, T, E / H) to (..., T, E)."""
    return x.transpose(-2, -3).flatten(-2)


def as_added(
    attn_mask: torch.Tensor | None, key_padding_mask: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor | None:
    """Both masks of torch's attention layers as one that is added to the scores (..., H, T, U); None without any."""
    if key_padding_mask is not None:
        key_padding_mask = key_padding_mask[..., None, None, :]
    added = [_added(mask, dtype) for mask in (attn_mask, key_padding_mask) if mask is not None]
    return sum(added[1:], added[0]) if added else None


def _added(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """True hides a key; numbers are added as they are."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(mask, -torch.inf)
