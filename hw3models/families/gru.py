"""GRU classifier (Cho et al. 2014)."""

from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.lstm import SEQUENCES as LSTM
from hw3models.families.recurrent import RecurrentClassifier


def build_gru(like: Architecture) -> nn.Module:
    """See `RecurrentClassifier`."""
    return RecurrentClassifier(nn.GRU, like.shape[1], like.num_classes, dropout=like.dropout)


SEQUENCES = Network(
    name="gru",
    label="GRU",
    kind="sequences",
    purpose="order over some tens of steps; 3 to 5 times the CNN's time",
    build=build_gru,
    recipe=LSTM.recipe,
    named=LSTM.named,
)
