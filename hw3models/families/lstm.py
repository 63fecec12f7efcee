"""LSTM classifier (Hochreiter and Schmidhuber 1997)."""

from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.families.recurrent import RecurrentClassifier
from hw3models.specs import Recipe


def build_lstm(like: Architecture) -> nn.Module:
    """See `RecurrentClassifier`. The forget gate starts open: bias 1 (Jozefowicz et al. 2015)."""
    model = RecurrentClassifier(nn.LSTM, like.shape[1], like.num_classes, dropout=like.dropout)
    for layer in (model.ahead, model.back):
        hidden = layer.hidden_size
        nn.init.ones_(layer.get_parameter("bias_ih_l0").data[hidden : 2 * hidden])
        nn.init.zeros_(layer.get_parameter("bias_hh_l0").data[hidden : 2 * hidden])
    return model


RECIPE = Recipe(
    epochs=20,
    min_examples=10_000,
    max_time_steps=2_000_000,
    learning_rate=5e-3,
    weight_decay=0.05,
    dropout=0.2,
    augmented=0.7,
    jitter=0.2,
    scale=0.3,
    shift_steps=0.1,
    gradient_clip=1.0,
    tried=9,
)
SEQUENCES = Network(
    name="lstm",
    label="LSTM",
    kind="sequences",
    purpose="order over some tens of steps; small",
    build=build_lstm,
    recipe=RECIPE,
    named=other_recipes(RECIPE),
)
