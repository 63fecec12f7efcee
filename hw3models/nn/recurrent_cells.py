"""S LSTMs or GRUs over time as one program, with hand-written backward passes.

Autograd would keep some 30 small tensors per time step. By hand a step is one batched product and a few passes over
activations that are still in the cache; the weights' gradients are summed up on the way back. Features come before
examples, (H, B), so that each gate is one block of memory.

The state, the input and a constant 1 are rows of one matrix (I = H + C + 1), the two weights and the bias columns of
another: one product gives all gates.

    T = time steps, S = replicates, B = examples, C = channels, H = hidden units
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

tanh_backward = torch.ops.aten.tanh_backward.grad_input
sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input


def gru_weights(w_ih: torch.Tensor, w_hh: torch.Tensor, b_ih: torch.Tensor, b_hh: torch.Tensor) -> torch.Tensor:
    """(S, 4H, I) from torch's (S, 3H, C), (S, 3H, H), (S, 3H) and (S, 3H).

    Gates r and z, then the candidate's recurrent part alone (the reset gate acts on it), then its input part.
    """
    hidden, channels = w_hh.shape[2], w_ih.shape[2]
    gates, last = slice(0, 2 * hidden), slice(2 * hidden, None)
    nothing = w_hh.new_zeros(len(w_hh), hidden, max(hidden, channels))
    both = torch.cat([w_hh[:, gates], w_ih[:, gates], (b_ih + b_hh)[:, gates, None]], dim=2)
    recurrent = torch.cat([w_hh[:, last], nothing[..., :channels], b_hh[:, last, None]], dim=2)
    outer = torch.cat([nothing[..., :hidden], w_ih[:, last], b_ih[:, last, None]], dim=2)
    return torch.cat([both, recurrent, outer], dim=1)


def lstm_weights(w_ih: torch.Tensor, w_hh: torch.Tensor, b_ih: torch.Tensor, b_hh: torch.Tensor) -> torch.Tensor:
    """(S, 4H, I) from torch's (S, 4H, C), (S, 4H, H), (S, 4H) and (S, 4H); gates i, f, o, then the candidate g."""
    joined = torch.cat([w_hh, w_ih, (b_ih + b_hh).unsqueeze(2)], dim=2)
    i, f, g, o = joined.chunk(4, dim=1)
    return torch.cat([i, f, o, g], dim=1)


def _rows(x: torch.Tensor, hidden: int) -> torch.Tensor:
    """(T + 1, S, I, B): a zero state first, the inputs (T, S, C, B), and ones."""
    steps, num, channels, examples = x.shape
    rows = x.new_empty(steps + 1, num, hidden + channels + 1, examples)
    rows[0, :, :hidden] = 0
    rows[:steps, :, hidden : hidden + channels] = x
    rows[:, :, hidden + channels :] = 1
    return rows


def _d_inputs(ctx: Any, weight: torch.Tensor, states: torch.Tensor) -> torch.Tensor | None:
    """Room for the gradient by the inputs, (T, S, C, B); None where nobody wants it. `states` are (T, S, H, B)."""
    if not ctx.needs_input_grad[0]:
        return None
    steps, num, hidden, examples = states.shape
    return states.new_empty(steps, num, weight.shape[2] - hidden - 1, examples)


class StackedGRU(torch.autograd.Function):
    """States (T, S, H, B) from inputs (T, S, C, B) and `gru_weights` (Cho et al. 2014, in torch's form)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, hidden: int) -> torch.Tensor:
        """Run over time from a zero state on."""
        rows = _rows(x, hidden)
        gates = x.new_empty(len(x), x.shape[1], 4 * hidden, x.shape[3])
        candidates = x.new_empty(len(x), x.shape[1], hidden, x.shape[3])
        states, before = rows[:, :, :hidden].unbind(), rows.unbind()
        squashed = gates[:, :, : 2 * hidden].unbind()
        r, z, recurrent, outer = (part.unbind() for part in gates.chunk(4, dim=2))
        for t, (all_gates, candidate) in enumerate(zip(gates.unbind(), candidates.unbind(), strict=True)):
            torch.bmm(weight, before[t], out=all_gates)
            squashed[t].sigmoid_()
            torch.addcmul(outer[t], r[t], recurrent[t], out=candidate).tanh_()
            torch.lerp(candidate, states[t], z[t], out=states[t + 1])
        ctx.save_for_backward(weight, rows, gates, candidates)
        return rows[1:, :, :hidden]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, None]:
        """Backpropagation through time."""
        weight, rows, gates, candidates = ctx.saved_tensors
        hidden, d_x = candidates.shape[2], _d_inputs(ctx, weight, candidates)
        d_gates, d_weight = torch.empty_like(gates[0]), torch.zeros_like(weight)
        d_r, d_z, d_recurrent, d_outer = d_gates.chunk(4, dim=1)
        back = weight[:, : 3 * hidden, :hidden].mT.contiguous()
        d_squashed, d_through = d_gates[:, : 2 * hidden], d_gates[:, : 3 * hidden]
        states, before, grads, fresh = (
            rows[:, :, :hidden].unbind(),
            rows.mT.unbind(),
            grad.unbind(),
            candidates.unbind(),
        )
        squashed = gates[:, :, : 2 * hidden].unbind()
        r, z, recurrent, _ = (part.unbind() for part in gates.chunk(4, dim=2))
        here, spare = grads[-1], torch.empty_like(fresh[0])
        for t in range(len(gates) - 1, -1, -1):
            passed_on = here * z[t]
            torch.sub(here, passed_on, out=spare)
            tanh_backward(spare, fresh[t], grad_input=d_outer)
            torch.mul(d_outer, r[t], out=d_recurrent)
            torch.mul(d_outer, recurrent[t], out=d_r)
            torch.mul(here, torch.sub(states[t], fresh[t], out=spare), out=d_z)
            sigmoid_backward(d_squashed, squashed[t], grad_input=d_squashed)
            d_weight.baddbmm_(d_gates, before[t])
            if d_x is not None:
                torch.bmm(weight[:, :, hidden:-1].mT, d_gates, out=d_x[t])
            if t:
                here = passed_on.add_(grads[t - 1]).baddbmm_(back, d_through)
        return d_x, d_weight, None


class StackedLSTM(torch.autograd.Function):
    """States (T, S, H, B) from inputs (T, S, C, B) and `lstm_weights`.

    Hochreiter and Schmidhuber 1997, with the forget gates of Gers et al. 2000.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, hidden: int) -> torch.Tensor:
        """Run over time from a zero state on."""
        rows = _rows(x, hidden)
        gates = x.new_empty(len(x), x.shape[1], 4 * hidden, x.shape[3])
        cells = x.new_empty(len(x) + 1, x.shape[1], hidden, x.shape[3])
        squashed = torch.empty_like(cells[1:])
        cells[0] = 0
        states, before, cell, thin = rows[:, :, :hidden].unbind(), rows.unbind(), cells.unbind(), squashed.unbind()
        ifo = gates[:, :, : 3 * hidden].unbind()
        i, f, o, g = (part.unbind() for part in gates.chunk(4, dim=2))
        for t, all_gates in enumerate(gates.unbind()):
            torch.bmm(weight, before[t], out=all_gates)
            ifo[t].sigmoid_()
            g[t].tanh_()
            torch.mul(f[t], cell[t], out=cell[t + 1]).addcmul_(i[t], g[t])
            torch.mul(o[t], torch.tanh(cell[t + 1], out=thin[t]), out=states[t + 1])
        ctx.save_for_backward(weight, rows, gates, cells, squashed)
        return rows[1:, :, :hidden]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, None]:
        """Backpropagation through time."""
        weight, rows, gates, cells, squashed = ctx.saved_tensors
        hidden, d_x = squashed.shape[2], _d_inputs(ctx, weight, squashed)
        d_gates, d_weight = torch.empty_like(gates[0]), torch.zeros_like(weight)
        d_i, d_f, d_o, d_g = d_gates.chunk(4, dim=1)
        back = weight[:, :, :hidden].mT.contiguous()
        d_ifo = d_gates[:, : 3 * hidden]
        before, grads, cell, thin = rows.mT.unbind(), grad.unbind(), cells.unbind(), squashed.unbind()
        ifo = gates[:, :, : 3 * hidden].unbind()
        i, f, o, g = (part.unbind() for part in gates.chunk(4, dim=2))
        here, spare, d_cell = grads[-1], torch.empty_like(thin[0]), torch.zeros_like(thin[0])
        for t in range(len(gates) - 1, -1, -1):
            torch.mul(here, thin[t], out=d_o)
            tanh_backward(torch.mul(here, o[t], out=spare), thin[t], grad_input=spare)
            d_cell += spare
            torch.mul(d_cell, g[t], out=d_i)
            torch.mul(d_cell, cell[t], out=d_f)
            sigmoid_backward(d_ifo, ifo[t], grad_input=d_ifo)
            tanh_backward(torch.mul(d_cell, i[t], out=spare), g[t], grad_input=d_g)
            d_cell *= f[t]
            d_weight.baddbmm_(d_gates, before[t])
            if d_x is not None:
                torch.bmm(weight[:, :, hidden:-1].mT, d_gates, out=d_x[t])
            if t:
                here = torch.baddbmm(grads[t - 1], back, d_gates)
        return d_x, d_weight, None
