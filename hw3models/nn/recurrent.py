"""S recurrent layers as one program, and the two directions of a bidirectional one together.

S = replicates, B = examples, T = time steps, C = channels, H = hidden units
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from hw3models.nn.layers import ConcatPool, reverse_in_time
from hw3models.nn.recurrent_cells import StackedGRU, StackedLSTM, gru_weights, lstm_weights


class StackedRecurrent(nn.Module):
    """S one-directional LSTMs or GRUs, batch first: (S, B, T, C) to (S, B, T, H).

    Same equations and parameter names as `torch.nn.LSTM` and `torch.nn.GRU`.

    Raises:
        TypeError: another kind of layer.
    """

    def __init__(self, layers: Sequence[nn.LSTM] | Sequence[nn.GRU]) -> None:
        super().__init__()
        first = layers[0]
        if first.bidirectional or first.dropout or not first.batch_first or not first.bias or first.proj_size:
            raise TypeError(
                f"cannot stack {first}: needs batch_first and bias, one direction, no dropout or projection"
            )
        self.num_layers, self.hidden_size = first.num_layers, first.hidden_size
        self.is_lstm = isinstance(first, nn.LSTM)
        for name, _ in first.named_parameters():
            stacked = torch.stack([layer.get_parameter(name).detach() for layer in layers])
            self.register_parameter(name, nn.Parameter(stacked))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        states = self.over_time(x.permute(2, 0, 3, 1), self.joined_weights())
        return states.permute(1, 3, 0, 2), None

    def joined_weights(self) -> list[torch.Tensor]:
        """Weights of each layer, (S, 4H, H + C + 1); see `recurrent_cells`."""
        join = lstm_weights if self.is_lstm else gru_weights
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [join(*(self.get_parameter(f"{kind}_l{layer}") for kind in kinds)) for layer in range(self.num_layers)]

    def over_time(self, x: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
        """States (T, S, H, B) of the last layer from inputs (T, S, C, B)."""
        cells: Any = StackedLSTM if self.is_lstm else StackedGRU
        states = x
        for weight in weights:
            states = cells.apply(states, weight, self.hidden_size)
        return states


def read_both_ways(
    ahead: nn.Module, back: nn.Module, pool: ConcatPool, x: torch.Tensor, lengths: torch.Tensor | None
) -> torch.Tensor:
    """Pool the states of two recurrent layers, one of which reads backward: (..., B, T, C) to (..., B, 6H).

    A padded series is read backward from its own end. Stacked layers run together, as 2S replicates.
    """
    reverse = reverse_in_time(x, lengths)
    if not (isinstance(ahead, StackedRecurrent) and isinstance(back, StackedRecurrent)):
        plain: torch.Tensor = pool((ahead(x)[0], back(reverse)[0]), lengths)
        return plain
    both = torch.cat([x, reverse]).permute(2, 0, 3, 1)
    weights = [torch.cat(pair) for pair in zip(ahead.joined_weights(), back.joined_weights(), strict=True)]
    states = ahead.over_time(both, weights)
    if lengths is None:
        pooled: torch.Tensor = StackedPool.apply(states).unflatten(1, (2, -1))
        flat: torch.Tensor = pooled.permute(2, 4, 0, 1, 3).flatten(2)
        return flat
    stacked: torch.Tensor = pool(tuple(half.permute(1, 3, 0, 2) for half in states.chunk(2, dim=1)), lengths)
    return stacked


class StackedPool(torch.autograd.Function):
    """`ConcatPool` for series of one length: states (T, S, H, B) to last, mean and maximum (3, S, H, B).

    By hand the backward pass goes over the states twice; autograd would go over them nine times.
    """

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor) -> torch.Tensor:
        """Over the first axis."""
        top = states.amax(0)
        ctx.save_for_backward(states, top)
        return torch.stack([states[-1], states.mean(0), top])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        """Steps that share the maximum share its gradient, as in torch."""
        states, top = ctx.saved_tensors
        of_last, of_mean, of_top = grad
        is_top = torch.eq(states, top, out=torch.empty(states.shape, dtype=states.dtype, device=states.device))
        out = torch.addcmul(of_mean / len(states), is_top, of_top / is_top.sum(0), out=is_top)
        out[-1] += of_last
        return out
