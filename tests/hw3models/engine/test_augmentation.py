"""Augmentation of sequences: what is warped, what is blended, and what must stay as it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hw3models.engine.batches import DeviceData, batch_size
from hw3models.engine.group import Group
from hw3models.families import Network, find_family
from hw3models.families.family import Architecture
from hw3models.nn.rng import ReplicateRng
from hw3models.objectives import CLASSIFICATION
from hw3models.objectives.objective import Batch
from hw3models.specs import Recipe
from tests.tiny import tiny_dataset

CPU = torch.device("cpu")


def batch(recipe: Recipe, *, unequal: bool = False, ramp: bool = False) -> Batch:
    data = tiny_dataset(unequal=unequal)
    if ramp:
        time = np.arange(20, dtype=np.float32)[None, :, None] * np.ones((len(data.features), 1, 4), np.float32)
        if data.lengths is not None:
            time[np.arange(20) >= data.lengths[:, None]] = 0
        data = replace(data, features=time, mean=np.zeros(4, np.float32), std=np.ones(4, np.float32))
    index = torch.arange(32).expand(2, -1)
    return DeviceData(data, CPU, torch.float64).batch(index, recipe, ReplicateRng((0, 1), CPU))


@pytest.mark.parametrize("unequal", [False, True])
def test_a_warped_ramp_is_the_warped_time_and_keeps_both_ends(unequal: bool) -> None:
    found = batch(Recipe(time_warp=0.1), unequal=unequal, ramp=True)
    lengths = torch.full((2, 32), 20) if found.lengths is None else found.lengths
    ends = torch.take_along_dim(found.inputs, (lengths - 1)[..., None, None], dim=2).squeeze(2)
    torch.testing.assert_close(found.inputs[:, :, 0], torch.zeros(2, 32, 4, dtype=torch.float64))
    torch.testing.assert_close(ends, (lengths - 1.0).double().unsqueeze(-1).expand(-1, -1, 4))
    assert not torch.equal(found.inputs, batch(Recipe(), unequal=unequal, ramp=True).inputs)
    assert found.inputs.max() <= 19
    padding = torch.arange(20) >= lengths.unsqueeze(-1)
    assert (found.inputs[padding] == 0).all(), "nothing leaks into the padding"


def test_replicates_are_warped_differently_and_channels_alike() -> None:
    found = batch(Recipe(time_warp=0.1), ramp=True).inputs
    assert not torch.equal(found[0], found[1])
    torch.testing.assert_close(found[..., 0], found[..., 3])


def test_mixup_blends_examples_with_others_of_their_batch() -> None:
    plain, mixed = batch(Recipe()), batch(Recipe(mixup=0.3))
    assert mixed.blend is not None
    share = mixed.blend.share
    assert 0 <= share.min() <= share.max() <= 0.3
    assert share.max() > 0.25
    torch.testing.assert_close(mixed.labels, plain.labels)
    # What was added is a multiple of the way to another example, with the label that is reported.
    for s in range(2):
        for i in range(32):
            ways = plain.inputs[s] - plain.inputs[s, i]
            moved = plain.inputs[s, i] + share[s, i] * ways
            partner = int((moved - mixed.inputs[s, i]).abs().flatten(1).amax(1).argmin())
            torch.testing.assert_close(moved[partner], mixed.inputs[s, i])
            assert plain.labels[s, partner] == mixed.blend.labels[s, i]


def test_blended_series_are_as_long_as_the_longer_one() -> None:
    plain, mixed = batch(Recipe(), unequal=True), batch(Recipe(mixup=0.3), unequal=True)
    assert plain.lengths is not None
    assert mixed.lengths is not None
    assert (mixed.lengths >= plain.lengths).all()
    assert (mixed.lengths > plain.lengths).any()


def test_the_loss_of_a_blend_is_the_blend_of_the_losses() -> None:
    family = find_family("sequences", "mlp")
    assert isinstance(family, Network)
    recipe = Recipe(mixup=0.4, optimizer="sgd", learning_rate=1e-9)
    model = family.build(Architecture(shape=(20, 4), num_classes=3)).double()
    mixed = batch(recipe)
    assert mixed.blend is not None
    logits = model(mixed.inputs[0])
    own, other = (F.cross_entropy(logits, y[0], reduction="none") for y in (mixed.labels, mixed.blend.labels))
    expected = ((1 - mixed.blend.share[0]) * own + mixed.blend.share[0] * other).mean()
    one = Batch(
        mixed.inputs[:1],
        mixed.labels[:1],
        None,
        None,
        replace(mixed.blend, labels=mixed.blend.labels[:1], share=mixed.blend.share[:1]),
    )
    group = Group((0,), [model], recipe, CLASSIFICATION, ReplicateRng((0,), CPU))
    (loss,) = group.take_step(one).tolist()
    assert loss == pytest.approx(expected.item(), rel=1e-6)


def test_without_a_recipe_nothing_is_changed() -> None:
    data = DeviceData(tiny_dataset(), CPU)
    index = torch.arange(8).expand(1, -1)
    torch.testing.assert_close(data.batch(index).inputs, data.features[index])
    assert batch_size(Recipe(), 100_000) == 64
