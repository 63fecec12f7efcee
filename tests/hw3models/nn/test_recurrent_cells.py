"""Stacked LSTM and GRU cells against torch's own, in float64: states, and every gradient of the backward pass."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from hw3models.nn.recurrent_cells import StackedGRU, StackedLSTM, gru_weights, lstm_weights

Case = tuple[type[nn.RNNBase], Any, Callable[..., torch.Tensor]]
CASES: dict[str, Case] = {"lstm": (nn.LSTM, StackedLSTM, lstm_weights), "gru": (nn.GRU, StackedGRU, gru_weights)}
STEPS, SEEDS, EXAMPLES, CHANNELS, HIDDEN = 7, 3, 5, 4, 6


def stacked(modules: list[nn.RNNBase], name: str) -> torch.Tensor:
    return torch.stack([getattr(one, name).detach() for one in modules]).requires_grad_()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("steps", [1, STEPS])
@pytest.mark.parametrize("name", CASES)
def test_states_and_gradients_are_those_of_torch(name: str, steps: int) -> None:
    module, cell, join = CASES[name]
    torch.manual_seed(0)
    modules = [module(CHANNELS, HIDDEN, batch_first=True).double() for _ in range(SEEDS)]
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = [stacked(modules, one) for one in names]
    x = torch.randn(SEEDS, EXAMPLES, steps, CHANNELS, dtype=torch.float64)
    # What comes from above depends on the step, the example and the unit.
    above = torch.randn(SEEDS, EXAMPLES, steps, HIDDEN, dtype=torch.float64)

    ours = x.clone().requires_grad_()
    states = cell.apply(ours.permute(2, 0, 3, 1), join(*weights), HIDDEN)
    (states.permute(1, 3, 0, 2) * above).sum().backward()

    for seed, one in enumerate(modules):
        theirs = x[seed].clone().requires_grad_()
        expected, _ = one(theirs)
        (expected * above[seed]).sum().backward()
        close(states.permute(1, 3, 0, 2)[seed], expected)
        assert ours.grad is not None
        assert theirs.grad is not None
        close(ours.grad[seed], theirs.grad)
        for parameter, weight in zip(names, weights, strict=True):
            assert weight.grad is not None
            close(weight.grad[seed], getattr(one, parameter).grad)


@pytest.mark.parametrize("name", CASES)
def test_the_backward_pass_agrees_with_finite_differences(name: str) -> None:
    _, cell, _ = CASES[name]
    torch.manual_seed(1)
    hidden, channels = 3, 2
    x = torch.randn(4, 2, channels, 3, dtype=torch.float64, requires_grad=True)
    weight = 0.5 * torch.randn(2, 4 * hidden, hidden + channels + 1, dtype=torch.float64)
    if name == "gru":
        # The candidate has a recurrent and an outer part: neither sees the other's rows.
        weight[:, 2 * hidden : 3 * hidden, hidden:-1] = 0
        weight[:, 3 * hidden :, :hidden] = 0
    assert torch.autograd.gradcheck(lambda a: cell.apply(a, weight, hidden), (x,))


@pytest.mark.parametrize("name", CASES)
def test_inputs_that_need_no_gradient_get_none_and_weights_the_same(name: str) -> None:
    module, cell, join = CASES[name]
    torch.manual_seed(2)
    one = module(CHANNELS, HIDDEN).double()
    weight = join(*(stacked([one], part) for part in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")))
    weight = weight.detach().requires_grad_()
    x = torch.randn(STEPS, 1, CHANNELS, EXAMPLES, dtype=torch.float64)
    [fixed] = torch.autograd.grad(cell.apply(x, weight, HIDDEN).square().sum(), weight)
    [free, _] = torch.autograd.grad(cell.apply(y := x.requires_grad_(), weight, HIDDEN).square().sum(), (weight, y))
    assert torch.equal(fixed, free)
