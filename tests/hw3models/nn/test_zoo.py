"""Foreign modules in replicates: seed s of S is seed s alone, or a refusal names the layer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from hw3models.engine.group import Group
from hw3models.nn import proof as proving
from hw3models.nn.program import Program
from hw3models.nn.proof import Proof, Shape, UnfitModuleError, prove
from hw3models.nn.rng import ReplicateRng, global_generator
from hw3models.nn.stacked_layers import StackedBatchNorm
from hw3models.nn.stacking import RULES
from hw3models.objectives import CLASSIFICATION
from hw3models.objectives.objective import Batch
from hw3models.specs import Recipe
from tests.hw3models.nn.zoo import NOT_STACKED, REFUSED, ZOO, Animal

CPU = torch.device("cpu")
SEEDS = (3, 8)
STEPS = 3


def build(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    with global_generator(seed):
        return make()


def batches(shape: tuple[int, ...]) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(STEPS, len(SEEDS), 5, *shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (STEPS, len(SEEDS), 5), generator=generator)
    return [Batch(x, y, None, None) for x, y in zip(inputs, labels, strict=True)]


def trained(animal: Animal, seeds: tuple[int, ...], proof: Proof, rows: slice) -> tuple[Group, list[torch.Tensor]]:
    recipe = Recipe(optimizer="adamw", learning_rate=1e-3, weight_decay=0.1, gradient_clip=1.0, label_smoothing=0.1)
    models = [build(animal.make, seed).double() for seed in seeds]
    group = Group(seeds, models, recipe, CLASSIFICATION, ReplicateRng(seeds, CPU), proof=proof)
    group.program.train()
    losses = []
    for batch in batches(animal.shape):
        losses.append(group.take_step(replace(batch, inputs=batch.inputs[rows], labels=batch.labels[rows])))
    group.program.eval()
    with torch.no_grad():
        losses.append(group.replicates(batches(animal.shape)[0].inputs[rows]).flatten(1).mean(1))
    return group, losses


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", list(ZOO))
def test_a_seed_beside_others_is_the_seed_alone(name: str) -> None:
    animal = ZOO[name]
    proof = prove(partial(build, animal.make), Shape(animal.shape))
    assert (proof.layout, proof.foreign_noise) == (animal.layout, animal.draws), proof.reasons
    if proof.layout == "plain":
        assert [reason.partition(":")[0] for reason in proof.reasons] == ["stacked", "vmap"]
        return
    together, losses = trained(animal, SEEDS, proof, slice(None))
    for row, seed in enumerate(SEEDS):
        alone, own = trained(animal, (seed,), proof, slice(row, row + 1))
        for ours, theirs in zip(losses, own, strict=True):
            torch.testing.assert_close(ours[row], theirs[0], rtol=1e-10, atol=1e-10)
        [state] = alone.states()
        for key, tensor in together.states()[row].items():
            torch.testing.assert_close(tensor, state[key], rtol=1e-10, atol=1e-10, msg=f"{name}: {key}")


def test_the_zoo_holds_at_least_twenty_five_modules() -> None:
    assert len(ZOO) >= 25


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_replicates_would_share_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(UnfitModuleError, match=message):
        prove(partial(build, make), Shape((20, 4)))


def test_a_stack_that_computes_something_else_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A softmax over the first axis of the examples stacks without a word, and mixes them."""

    class Softmax(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.softmax(1)

    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(80, 3), Softmax())

    proof = prove(partial(build, make), Shape((20, 4)))
    assert proof.layout == "vmap"
    assert proof.reasons[0].startswith("stacked: the output in training is off by")
    monkeypatch.setattr(proving, "_difference", lambda *_: None)
    assert prove(partial(build, make), Shape((20, 4))).layout == "stacked", "the proof is what finds it"


class Leaky(nn.BatchNorm1d):
    """A layer that has no rule until a test gives it a wrong one."""


class WrongStatistics(StackedBatchNorm):
    """Right outputs in training, but statistics that move twice as far."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = super().forward(x)
        if self.training:
            super().forward(x)
        return out


class WrongGradient(StackedBatchNorm):
    """Right outputs, and half of the gradient."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = super().forward(x)
        return 0.5 * out + 0.5 * out.detach()


@pytest.mark.parametrize(
    ("rule", "what"),
    [(WrongStatistics, "the buffer 2.running_mean is off by"), (WrongGradient, "the gradient of 1.weight is off by")],
)
def test_running_statistics_and_gradients_are_compared_too(
    rule: type[StackedBatchNorm], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(80, 3), Leaky(3))

    monkeypatch.setitem(RULES, Leaky, StackedBatchNorm)
    assert prove(partial(build, make), Shape((20, 4))).layout == "stacked"
    monkeypatch.setitem(RULES, Leaky, rule)
    proof = prove(partial(build, make), Shape((20, 4)))
    assert proof.layout == "vmap"
    assert proof.reasons[0].startswith(f"stacked: {what}")


def test_a_module_that_fails_is_refused_with_its_words() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(81, 3))

    with pytest.raises(UnfitModuleError, match=r"Sequential fails: .*mat1 and mat2 shapes cannot be multiplied"):
        prove(partial(build, make), Shape((20, 4)))


def test_masks_are_the_replicates_own_in_every_layout() -> None:
    """What a dropout of torch draws for seed 8 does not depend on the layout, nor on who is beside it."""
    x = torch.ones(2, 64, 10)
    outputs = {}
    for layout, seeds in (("plain", [8]), ("stacked", [3, 8]), ("vmap", [3, 8])):
        models = [nn.Sequential(nn.Dropout(0.5)) for _ in seeds]
        program = Program(models, layout, ReplicateRng(seeds, CPU), foreign_noise=True)
        program.module.train()
        before = torch.get_rng_state()
        outputs[layout] = program(x[: len(seeds)])[-1]
        assert torch.equal(before, torch.get_rng_state()), "the global generator stays where it is"
    assert torch.equal(outputs["plain"], outputs["stacked"])
    assert torch.equal(outputs["plain"], outputs["vmap"])
    assert 0.3 < (outputs["plain"] == 0).float().mean() < 0.7


def test_attention_with_dropout_agrees_with_torch_where_nothing_is_dropped() -> None:
    layer = nn.MultiheadAttention(8, 2, dropout=1e-12, batch_first=True).double()
    x = torch.randn(1, 3, 5, 8, dtype=torch.float64)
    mask = torch.zeros(3, 5, dtype=torch.bool)
    mask[:, -1] = True

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = layer

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out, weights = self.attention(x, x, x, key_padding_mask=mask)
            assert weights.shape == (3, 5, 5)
            return out

    ours = Program([Net()], "plain", ReplicateRng([0], CPU), foreign_noise=True)
    ours.module.train()
    expected = Net().eval()(x[0])
    torch.testing.assert_close(ours(x)[0], expected)


@pytest.mark.parametrize("name", list(NOT_STACKED))
def test_what_a_few_random_examples_would_not_show_is_not_stacked(name: str) -> None:
    proof = prove(partial(build, NOT_STACKED[name]), Shape((20, 4)))
    assert proof.layout != "stacked", proof


def test_a_module_that_ends_the_process_is_refused() -> None:
    class Exits(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise SystemExit(0)

    with pytest.raises(UnfitModuleError, match="Exits fails"):
        prove(lambda _: Exits(), Shape((20, 4)))
