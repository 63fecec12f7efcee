"""GRU classifier (Cho et al. 2014)."""

from torch import nn

from hw3models.families.family import Network
from hw3models.families.lstm import SEQUENCES as LSTM
from hw3models.families.recurrent import RecurrentClassifier


def build_gru(*, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module:  # noqa: ARG001
    """See `RecurrentClassifier`."""
    return RecurrentClassifier(nn.GRU, shape[1], num_classes, dropout=dropout)


SEQUENCES = Network(name="gru", label="GRU", kind="sequences", build=build_gru, recipe=LSTM.recipe)
