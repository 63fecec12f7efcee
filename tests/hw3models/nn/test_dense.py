"""Dense chains: the hand-written backward pass against autograd on plain modules."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hw3models.nn.dense import DenseChain, StackedDenseChain
from hw3models.nn.layers import Dropout
from hw3models.nn.losses import cross_entropy_grad
from hw3models.nn.stacking import stack

CHAINS = {
    "relu": lambda: DenseChain(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)),
    "flattened": lambda: DenseChain(nn.Flatten(), nn.Linear(6, 5), nn.SiLU(), nn.Linear(5, 4), nn.Sigmoid()),
    "one layer": lambda: DenseChain(nn.Linear(6, 3)),
    "activation first": lambda: DenseChain(nn.ReLU(), nn.Linear(6, 3)),
    "two activations": lambda: DenseChain(nn.Linear(6, 4), nn.ReLU(), nn.Sigmoid(), nn.SiLU(), nn.Linear(4, 2)),
    "only activations": lambda: DenseChain(nn.SiLU(), nn.Sigmoid(), nn.ReLU()),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("wants_inputs", [False, True])
def test_gradients_are_those_of_autograd(name: str, wants_inputs: bool) -> None:
    chains = [CHAINS[name]().double() for _ in range(3)]
    stacked = stack(chains)
    x = torch.randn(3, 7, 6, dtype=torch.float64)
    before = x.clone()
    inputs = [row.clone().requires_grad_(wants_inputs) for row in x]
    if not (wants_inputs or list(stacked.parameters())):
        return
    outputs = torch.stack([chain(row) for chain, row in zip(chains, inputs, strict=True)])
    weights = torch.randn_like(outputs)
    (outputs * weights).sum().backward()
    own = x.requires_grad_(wants_inputs)
    ours = stacked(own)
    torch.testing.assert_close(ours, outputs)
    (ours * weights).sum().backward()
    assert torch.equal(own.detach(), before)
    if wants_inputs:
        torch.testing.assert_close(own.grad, torch.stack([torch.as_tensor(row.grad) for row in inputs]))
    plain = [dict(chain.named_parameters()) for chain in chains]
    for key, parameter in stacked.named_parameters():
        torch.testing.assert_close(parameter.grad, torch.stack([torch.as_tensor(one[key].grad) for one in plain]))


@pytest.mark.parametrize("name", ["relu", "flattened", "one layer", "two activations"])
def test_learning_without_autograd_finds_the_same_loss_and_gradients_again_and_again(name: str) -> None:
    stacked = stack([CHAINS[name]().double() for _ in range(3)])
    assert isinstance(stacked, StackedDenseChain)
    kept = {}
    for _ in range(2):
        x = torch.randn(3, 7, 6, dtype=torch.float64)
        labels = torch.randint(0, 2, (3, 7))
        loss = stacked.forward_backward(x, partial(cross_entropy_grad, labels=labels))
        ours = {key: parameter.grad for key, parameter in stacked.named_parameters()}
        parameters = list(stacked.parameters())
        outputs = stacked(x)
        wanted = F.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="none").view(3, 7).mean(1)
        torch.testing.assert_close(loss, wanted)
        for gradient, expected in zip(ours.values(), torch.autograd.grad(wanted.sum(), parameters), strict=True):
            torch.testing.assert_close(gradient, expected)
        assert kept in ({}, {key: id(gradient) for key, gradient in ours.items()}), "written where they were"
        kept = {key: id(gradient) for key, gradient in ours.items()}


def test_gradients_that_were_thrown_away_are_made_again() -> None:
    stacked = stack([CHAINS["relu"]() for _ in range(2)])
    assert isinstance(stacked, StackedDenseChain)
    x, loss_grad = torch.randn(2, 7, 6), partial(cross_entropy_grad, labels=torch.zeros(2, 7, dtype=torch.int64))
    stacked.forward_backward(x, loss_grad)
    kept = [torch.as_tensor(parameter.grad) for parameter in stacked.parameters()]
    stacked.zero_grad(set_to_none=True)
    stacked.forward_backward(x, loss_grad)
    for parameter, gradient in zip(stacked.parameters(), kept, strict=True):
        torch.testing.assert_close(torch.as_tensor(parameter.grad), gradient)


def test_a_step_without_a_known_slope_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot stack a dense chain with Tanh"):
        stack([DenseChain(nn.Linear(2, 2), nn.Tanh()) for _ in range(2)])
    with pytest.raises(TypeError, match="flattens after its first step"):
        stack([DenseChain(nn.Linear(2, 2), nn.Flatten()) for _ in range(2)])


def test_nothing_is_dropped_outside_training() -> None:
    chain = DenseChain(Dropout(0.5), nn.Linear(4, 2)).eval()
    x = torch.randn(1, 3, 4)
    torch.testing.assert_close(stack([chain]).eval()(x)[0], chain(x[0]))
