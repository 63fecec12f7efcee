"""Every call of torch's random functions that is taken over: the shape, the type and the range of torch's own."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from hw3models.nn.own_noise import OwnNoise
from hw3models.nn.rng import Noise, ReplicateRng

X = torch.linspace(0.1, 0.9, 2_000).view(4, 500)
CALLS: dict[str, Callable[[], torch.Tensor]] = {
    "rand": lambda: torch.rand(4, 500),
    "rand of a tuple": lambda: torch.rand((4, 500), dtype=torch.float64),
    "rand by name": lambda: torch.rand(size=(4, 500)),
    "randn by name": lambda: torch.randn(size=X.shape),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like": lambda: torch.randn_like(X, dtype=torch.float64),
    "randint": lambda: torch.randint(5, (4, 500)),
    "randint from": lambda: torch.randint(2, 5, (4, 500)),
    "randint by name": lambda: torch.randint(0, 10, size=(4, 500)),
    "randint all by name": lambda: torch.randint(low=3, high=6, size=(4, 500), dtype=torch.int32),
    "bernoulli": lambda: torch.bernoulli(X),
    "bernoulli of a method": lambda: X.bernoulli(),
    "bernoulli with p": lambda: X.bernoulli(p=0.0),
    "bernoulli_": lambda: torch.empty(4, 500).bernoulli_(0.3),
    "uniform_": lambda: torch.empty(4, 500).uniform_(-5, -4),
    "uniform_ by name": lambda: torch.empty(4, 500).uniform_(-5, to=-4),
    "normal_": lambda: torch.empty(4, 500).normal_(7, std=0.1),
    "dropout": lambda: F.dropout(X, 0.3),
    "dropout of channels": lambda: F.dropout1d(X.view(4, 50, 10), 0.3),
    "alpha dropout": lambda: F.alpha_dropout(X, 0.3, training=True),
    "rrelu": lambda: F.rrelu(-X, training=True),
}


def ours(call: Callable[[], torch.Tensor]) -> torch.Tensor:
    with OwnNoise(Noise(ReplicateRng([3], torch.device("cpu")), "plain")):
        return call()


@pytest.mark.parametrize("name", list(CALLS))
def test_a_draw_has_the_shape_the_type_and_the_distribution_of_torchs(name: str) -> None:
    before = torch.get_rng_state()
    own, again = ours(CALLS[name]), ours(CALLS[name])
    assert torch.equal(before, torch.get_rng_state()), "torch's global generator stays where it is"
    assert torch.equal(own, again), "the same replicate draws the same"
    theirs = CALLS[name]()
    assert (own.shape, own.dtype) == (theirs.shape, theirs.dtype)
    assert own.double().mean().item() == pytest.approx(theirs.double().mean().item(), abs=0.2)
    assert own.double().std().item() == pytest.approx(theirs.double().std().item(), rel=0.2, abs=0.01)
    assert own.min() >= theirs.min() - 1.5
    assert own.max() <= theirs.max() + 1.5


def test_an_option_that_nobody_knows_is_refused_not_dropped() -> None:
    with pytest.raises(TypeError, match="a random function with out cannot draw from a replicate's generator"):
        ours(lambda: torch.rand(4, 500, out=torch.empty(4, 500)))


def test_a_generator_of_the_modules_own_is_left_alone() -> None:
    def call() -> torch.Tensor:
        return torch.rand(5, generator=torch.Generator().manual_seed(1))

    assert torch.equal(ours(call), call())
