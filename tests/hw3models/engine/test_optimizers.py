"""Optimisers and losses of our own against torch's."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hw3models.engine.optimizers import Optimizer
from hw3models.nn.losses import CrossEntropy, SquaredError
from hw3models.specs import Recipe


def parameters(seed: int = 0) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in ((3, 4), (4,))]


def train(optimizer: Optimizer, moved: list[nn.Parameter], steps: range) -> None:
    for step in steps:
        optimizer.set_rate(0.1 / (1 + step))
        for number, parameter in enumerate(moved):
            parameter.grad = torch.sin(parameter.detach() * (step + number + 1))
        optimizer.step()


@pytest.mark.parametrize("kind", ["adam", "adamw"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_fused_kernel_moves_parameters_as_torchs_loop_over_them(kind: str, decay: float) -> None:
    recipe = Recipe.model_validate({"optimizer": kind, "weight_decay": decay, "learning_rate": 0.1})
    mine, theirs = parameters(), parameters()
    train(Optimizer(mine, recipe), mine, range(20))
    oracle = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](theirs, weight_decay=decay, foreach=False)
    for step in range(20):
        oracle.param_groups[0]["lr"] = 0.1 / (1 + step)
        for number, parameter in enumerate(theirs):
            parameter.grad = torch.sin(parameter.detach() * (step + number + 1))
        oracle.step()
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
        assert not torch.equal(a, parameters()[0 if a.dim() == 2 else 1])


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_every_bit_is_that_of_torchs_classes_also_where_a_gradient_comes_late(kind: str) -> None:
    recipe = Recipe.model_validate({"optimizer": kind, "weight_decay": 0.1, "learning_rate": 0.1})
    mine, theirs = parameters(), parameters()
    optimizer = Optimizer(mine, recipe)
    oracle: torch.optim.Optimizer
    if kind == "sgd":
        oracle = torch.optim.SGD(theirs, 0.1, momentum=0.9, weight_decay=0.1)
    else:
        oracle = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](theirs, weight_decay=0.1, fused=True)
    for step in range(12):
        optimizer.set_rate(0.1 / (1 + step))
        oracle.param_groups[0]["lr"] = 0.1 / (1 + step)
        for both in zip(mine, theirs, strict=True):
            for parameter in both:
                has_none = step < 4 and parameter.dim() == 1
                parameter.grad = None if has_none else torch.sin(parameter.detach() * (step + 1))
        optimizer.step()
        oracle.step()
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_a_training_does_not_import_torchs_compiler() -> None:
    script = """
import sys
from hw3models.engine.fit import fit
from hw3models.families import find_family
from hw3models.specs import Recipe, TrainSpec
from tests.tiny import tiny_dataset
fit(tiny_dataset(), find_family("sequences", "cnn"), TrainSpec(family="cnn", seeds=(0, 1), recipe=Recipe(epochs=1)))
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_an_optimiser_goes_on_from_what_it_saved(kind: str) -> None:
    recipe = Recipe.model_validate({"optimizer": kind, "weight_decay": 0.1})
    whole, cut = parameters(), parameters()
    optimizer = Optimizer(whole, recipe)
    train(optimizer, whole, range(20))
    first = Optimizer(cut, recipe)
    train(first, cut, range(7))
    saved = {name: tensor.clone() for name, tensor in first.saved().items()}
    second = Optimizer(cut, recipe)
    second.restore(saved)
    train(second, cut, range(7, 20))
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_losses_and_their_gradients_are_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (30 * torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(7, (2, 5), generator=generator)
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(2, 5)
    torch.testing.assert_close(CrossEntropy.apply(logits, labels), expected)
    assert torch.autograd.gradcheck(CrossEntropy.apply, (logits, labels))
    target = torch.rand(2, 5, 7, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(SquaredError.apply(logits, target), (logits - target).square().mean(-1))
    assert torch.autograd.gradcheck(SquaredError.apply, (logits, target))


def test_logits_of_any_size_have_a_finite_loss() -> None:
    logits = torch.tensor([[[1e4, -1e4, 0.0]]])
    assert CrossEntropy.apply(logits, torch.tensor([[0]])).item() == 0
    assert CrossEntropy.apply(logits, torch.tensor([[1]])).item() == pytest.approx(2e4)
