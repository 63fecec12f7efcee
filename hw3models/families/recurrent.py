"""What LSTM and GRU classifiers share: both directions, and a pool over all states instead of the last alone.

The last state alone forgets what came early; last, mean and maximum together do markedly better.
"""

import torch
from torch import nn

from hw3models.nn.layers import ConcatPool, Dropout
from hw3models.nn.recurrent import read_both_ways


class RecurrentClassifier(nn.Module):
    """A recurrent layer per direction (Schuster and Paliwal 1997), concatenated pooling, a linear head.

    Two one-directional layers instead of `bidirectional=True`: a padded series is then read backward from its
    own end, without packing.
    """

    def __init__(
        self,
        cell: type[nn.LSTM] | type[nn.GRU],
        num_channels: int,
        num_classes: int,
        *,
        width: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.ahead = cell(num_channels, width // 2, batch_first=True)
        self.back = cell(num_channels, width // 2, batch_first=True)
        self.pool = ConcatPool()
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(3 * width, num_classes))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised float (..., B, T, C) and lengths (..., B) to logits (..., B, K)."""
        # Both directions end on the state that has read the whole series; the pool's "last" takes that one of each.
        logits: torch.Tensor = self.head(read_both_ways(self.ahead, self.back, self.pool, x, lengths))
        return logits
