"""Which strategy is taken for what nobody has measured: that of the kind of layer that holds most parameters."""

import pytest
from torch import nn

from hw3models.engine import strategies
from hw3models.engine.batches import batch_size
from hw3models.engine.strategies import FEW, dominant_layer, faster
from hw3models.specs import Recipe


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.ReLU()), "Linear"),
        (nn.Sequential(nn.Conv1d(8, 8, 9), nn.Linear(8, 2)), "Conv1d"),
        (nn.TransformerEncoderLayer(32, 2, 8), "MultiheadAttention"),
        (nn.Sequential(nn.Embedding(500, 8), nn.GRU(8, 4)), "Embedding"),
        (nn.Identity(), "Linear"),
    ],
)
def test_a_network_is_of_the_kind_of_layer_that_holds_most_of_it(model: nn.Module, layer: str) -> None:
    assert dominant_layer(model) == layer


def test_what_was_measured_for_the_layer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"cpu": {"sequences/cnn": "stacked", "layers/Conv1d": "separate"}}
    monkeypatch.setattr(strategies, "_table", lambda: table)
    foreign = nn.Conv1d(4, 4, 3)
    assert faster("cpu", "sequences", "cnn") == "stacked"
    assert faster("cpu", "sequences", "Mine", foreign) == "separate"
    assert faster("cuda", "sequences", "Mine", foreign) == "stacked", "where nobody has measured"


def test_few_examples_have_a_table_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        "cpu": {"sequences/cnn": "separate", "sequences/gru": "split"},
        "cpu, few examples": {"sequences/cnn": "stacked"},
    }
    monkeypatch.setattr(strategies, "_table", lambda: table)
    assert faster("cpu", "sequences", "cnn", num_train=FEW) == "separate"
    assert faster("cpu", "sequences", "cnn", num_train=FEW - 1) == "stacked"
    assert faster("cpu", "sequences", "gru", num_train=FEW - 1) == "split", "where nobody has measured few"
    assert batch_size(Recipe(epochs=1, batch_size=64), FEW) == 64, "smaller ones begin where batches are halved"
    assert batch_size(Recipe(epochs=1, batch_size=64), FEW - 1) < 64
