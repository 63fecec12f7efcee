"""The stacked GRU with a hand-written backward pass.

Autograd would keep some 30 small operations per time step; by hand there are 6 forward and 7 backward, and
the weights' gradients are one product over all steps. Equations: Cho et al. 2014 in torch's form (the reset
gate acts after the product), gates in torch's order r, z, n.

    T = time steps, S = replicates, B = examples, H = hidden units
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


class StackedGRUFunction(torch.autograd.Function):
    """States (T, S, B, H) from input gates (T, S, B, 3H), recurrent weights (S, 3H, H) and biases (S, 3H)."""

    @staticmethod
    def forward(ctx: Any, gates: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Start from zero states; `gates` already hold the input products and their bias."""
        num_steps, hidden = gates.shape[0], weight.shape[2]
        states = gates.new_zeros(num_steps + 1, *gates.shape[1:3], hidden)
        reset_update = gates.new_empty(num_steps, *gates.shape[1:3], 2 * hidden)
        candidate, recurrent = torch.empty_like(states[1:]), torch.empty_like(gates)
        transposed, row = weight.mT.contiguous(), bias.unsqueeze(1)
        for t in range(num_steps):
            torch.baddbmm(row, states[t], transposed, out=recurrent[t])
            torch.add(gates[t, ..., : 2 * hidden], recurrent[t, ..., : 2 * hidden], out=reset_update[t]).sigmoid_()
            reset, product = reset_update[t, ..., :hidden], recurrent[t, ..., 2 * hidden :]
            torch.addcmul(gates[t, ..., 2 * hidden :], reset, product, out=candidate[t]).tanh_()
            torch.lerp(candidate[t], states[t], reset_update[t, ..., hidden:], out=states[t + 1])
        ctx.save_for_backward(weight, states, reset_update, candidate, recurrent)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Backpropagation through time; what does not depend on later steps is computed for all steps at once."""
        weight, states, reset_update, candidate, recurrent = ctx.saved_tensors
        num_steps, hidden = len(candidate), weight.shape[2]
        product = recurrent[..., 2 * hidden :]
        r, z = reset_update[..., :hidden], reset_update[..., hidden:]
        by_update = (states[:-1] - candidate) * z * (1 - z)
        by_candidate = (1 - z) * (1 - candidate.square())
        by_reset = product * r * (1 - r)
        to_gates = states.new_empty(num_steps, *states.shape[1:3], 3 * hidden)
        to_recurrent = torch.empty_like(to_gates)
        later = torch.zeros_like(states[0])
        for t in reversed(range(num_steps)):
            here = grad[t] + later
            d_candidate = torch.mul(here, by_candidate[t], out=to_gates[t, ..., 2 * hidden :])
            torch.mul(d_candidate, by_reset[t], out=to_recurrent[t, ..., :hidden])
            torch.mul(here, by_update[t], out=to_recurrent[t, ..., hidden : 2 * hidden])
            torch.mul(d_candidate, r[t], out=to_recurrent[t, ..., 2 * hidden :])
            later = torch.baddbmm(here * z[t], to_recurrent[t], weight)
        to_gates[..., : 2 * hidden] = to_recurrent[..., : 2 * hidden]
        rows = to_recurrent.transpose(0, 1).flatten(1, 2)
        d_weight = rows.mT @ states[:-1].transpose(0, 1).flatten(1, 2)
        return to_gates, d_weight, rows.sum(1)


def stacked_gru(gates: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """States (T, S, B, H) of S GRUs; see `StackedGRUFunction`."""
    states: torch.Tensor = StackedGRUFunction.apply(gates, weight, bias)
    return states
