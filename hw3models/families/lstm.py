"""LSTM classifier (Hochreiter and Schmidhuber 1997)."""

from torch import nn

from hw3models.families.family import Network
from hw3models.families.recurrent import RecurrentClassifier
from hw3models.specs import Recipe


def build_lstm(*, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module:  # noqa: ARG001
    """See `RecurrentClassifier`. The forget gate starts open: bias 1 (Jozefowicz et al. 2015)."""
    model = RecurrentClassifier(nn.LSTM, shape[1], num_classes, dropout=dropout)
    for layer in (model.ahead, model.back):
        hidden = layer.hidden_size
        nn.init.ones_(layer.get_parameter("bias_ih_l0").data[hidden : 2 * hidden])
        nn.init.zeros_(layer.get_parameter("bias_hh_l0").data[hidden : 2 * hidden])
    return model


SEQUENCES = Network(
    name="lstm",
    label="LSTM",
    kind="sequences",
    build=build_lstm,
    recipe=Recipe(
        epochs=20,
        min_examples=20_000,
        learning_rate=5e-3,
        weight_decay=0.05,
        dropout=0.2,
        jitter=0.1,
        scale=0.1,
        gradient_clip=1.0,
    ),
    # oneDNN's fused LSTM beats a stacked cell on a CPU.
    cpu_strategy="separate",
)
