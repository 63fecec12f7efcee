"""Layers that work on one model, (B, ...), and on S stacked models, (S, B, ...), alike.

Every forward here counts its axes from the end, so `nn.stacking.stack` only has to exchange the layers that
hold parameters.

    S = replicates, B = examples, T = time steps, C = channels, H = hidden units, ... = either nothing or S
"""

from collections.abc import Sequence

import torch
from torch import nn

from hw3models.nn.rng import Noise


class Noisy(nn.Module):
    """A layer that draws from the replicates' own generators, which the program gives it."""

    noise: Noise | None = None


class Dropout(Noisy):
    """Inverted dropout (Srivastava et al. 2014) whose masks come from the replicates' own generators.

    Without `noise` (a model used outside the engine) it draws from torch's global generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Zero each number with probability p and scale the rest by 1 / (1 - p); identity in eval mode."""
        mask = self.mask(x.shape, x)
        return x if mask is None else x * mask

    def mask(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor | None:
        """The next factors, 0 or 1 / (1 - p), in the type of `like`; None where everything stays as it is."""
        if not self.training or self.p == 0:
            return None
        if self.noise is None:
            return (torch.rand(*shape, device=like.device) >= self.p).to(like.dtype).div_(1 - self.p)
        return self.noise.keep(shape, self.p, like).div_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def time_mask(lengths: torch.Tensor, num_steps: int) -> torch.Tensor:
    """Bool (..., B, T): True on the valid steps of series with `lengths` (..., B)."""
    return torch.arange(num_steps, device=lengths.device) < lengths.unsqueeze(-1)


def reverse_in_time(x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    """(..., B, T, C) with each series read backward; the padding after its end stays where it is."""
    if lengths is None:
        return x.flip(-2)
    steps = torch.arange(x.shape[-2], device=x.device)
    last = lengths.unsqueeze(-1) - 1
    index = torch.where(steps <= last, last - steps, steps)
    # Not `take_along_dim`: an exported program would hold for as many series only as it was made with.
    return x.gather(-2, index.unsqueeze(-1).expand(x.shape))


class ConcatPool(nn.Module):
    """Last valid state, mean and maximum over the valid steps: layers of (..., B, T, H) to (..., B, 3 x layers x H)."""

    def forward(self, layers: Sequence[torch.Tensor], lengths: torch.Tensor | None) -> torch.Tensor:
        pooled = [_last_mean_max(states, lengths) for states in layers]
        return torch.cat([part for kind in zip(*pooled, strict=True) for part in kind], dim=-1)


def _last_mean_max(states: torch.Tensor, lengths: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    if lengths is None:
        return states[..., -1, :], states.mean(-2), states.amax(-2)
    valid = time_mask(lengths, states.shape[-2]).unsqueeze(-1)
    ends = (lengths - 1)[..., None, None].expand(*states.shape[:-2], 1, states.shape[-1])
    last = states.gather(-2, ends).squeeze(-2)
    mean = (states * valid).sum(-2) / lengths.unsqueeze(-1)
    return last, mean, states.masked_fill(~valid, -torch.inf).amax(-2)


class MeanPool(nn.Module):
    """Mean over the valid steps of channel-first features: (..., B, H, T) to (..., B, H)."""

    def forward(self, features: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        if lengths is None:
            return features.mean(-1)
        valid = time_mask(lengths, features.shape[-1]).unsqueeze(-2)
        return (features * valid).sum(-1) / lengths.unsqueeze(-1)


class ChannelsFirst(nn.Module):
    """Images as they are kept, (..., H, W) or (..., H, W, C), to (..., C, H, W); channels stay last in memory."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.is_grey = len(shape) == 2
        self.num_channels = 1 if self.is_grey else shape[2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A view, without a copy."""
        return x.unsqueeze(-3) if self.is_grey else x.movedim(-1, -3)


class ImageMean(nn.Module):
    """Mean over height and width: (..., C, H, W) to (..., C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((-2, -1))
