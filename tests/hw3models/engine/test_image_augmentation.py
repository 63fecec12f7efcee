"""Augmentation of images: what moves, what is mirrored or blanked, and what must stay as it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hw3models.data.dataset import Dataset
from hw3models.engine.batches import DeviceData
from hw3models.nn.rng import ReplicateRng
from hw3models.objectives.objective import Batch
from hw3models.specs import Recipe
from tests.tiny import tiny_dataset

CPU = torch.device("cpu")
SIZE = 10


def ramps(*, colour: bool) -> Dataset:
    """Pixel (h, w) is 10 h + w, the channels 0, 100 and 200 more (modulo 256): it says where it comes from."""
    dataset = tiny_dataset("images", num=40, size=SIZE, colour=colour)
    place = 10 * np.arange(SIZE)[:, None] + np.arange(SIZE)
    one = place[..., None] + np.array([0, 100, 200]) if colour else place
    channels = 3 if colour else 1
    features = np.broadcast_to((one % 256).astype(np.uint8), dataset.features.shape).copy()
    mean, std = np.arange(channels, dtype=np.float32) / 10, 1 + np.arange(channels, dtype=np.float32)
    return replace(dataset, features=features, mean=mean, std=std)


def batch(recipe: Recipe, *, colour: bool = False, seeds: tuple[int, ...] = (0, 1)) -> Batch:
    data = DeviceData(ramps(colour=colour), CPU, torch.float64)
    return data.batch(torch.arange(20).expand(len(seeds), -1), recipe, ReplicateRng(seeds, CPU))


def pixels(found: Batch, *, colour: bool = False) -> torch.Tensor:
    """(S, B, H, W) or (S, B, H, W, 3) as they were before scaling."""
    data = ramps(colour=colour)
    scaled = found.inputs * torch.tensor(data.std) + torch.tensor(data.mean)
    return (255 * scaled).round().long()


@pytest.mark.parametrize("colour", [False, True])
def test_images_are_standardised_channel_by_channel(colour: bool) -> None:
    data = ramps(colour=colour)
    expected = (data.features[:20].astype(np.float64) / 255 - data.mean) / data.std
    np.testing.assert_allclose(batch(Recipe(), colour=colour).inputs[1], expected, atol=1e-6)


@pytest.mark.parametrize("colour", [False, True])
def test_a_crop_is_the_image_moved_with_its_border_repeated(colour: bool) -> None:
    moved, plain = (pixels(batch(recipe, colour=colour), colour=colour) for recipe in (Recipe(crop=0.2), Recipe()))
    offsets = set()
    for image in moved.flatten(0, 1):
        match = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(
                image,
                plain[0, 0][(torch.arange(SIZE) + down).clamp(0, 9)][:, (torch.arange(SIZE) + right).clamp(0, 9)],
            )
        ]
        assert len(match) == 1
        offsets.add(match[0])
    assert len(offsets) > 10, "each image is moved in its own way"


@pytest.mark.parametrize("colour", [False, True])
def test_about_half_of_the_images_are_mirrored(colour: bool) -> None:
    found, plain = (pixels(batch(recipe, colour=colour), colour=colour) for recipe in (Recipe(flip="always"), Recipe()))
    images, one = found.flatten(0, 1), plain[0, 0]
    mirrored = [torch.equal(image, one.flip(1)) for image in images]
    assert all(m or torch.equal(image, one) for image, m in zip(images, mirrored, strict=True))
    assert 10 <= sum(mirrored) <= 30


def test_auto_mirrors_where_the_training_examples_allow_it() -> None:
    """All images are the same here, whatever their class: mirrored copies change nothing."""
    assert torch.equal(batch(Recipe(flip="auto")).inputs, batch(Recipe(flip="always")).inputs)
    sides = ramps(colour=False)
    sides.features[sides.labels == 1] = sides.features[0, :, ::-1]
    sides.features[sides.labels == 2] = 200
    sides.features[:] += np.random.default_rng(0).integers(0, 20, sides.features.shape, dtype=np.uint8)
    data = DeviceData(sides, CPU, torch.float64)
    index = torch.arange(20).expand(1, -1)
    kept = data.batch(index, Recipe(flip="auto"), ReplicateRng((0,), CPU)).inputs
    assert torch.equal(kept, data.batch(index).inputs)


@pytest.mark.parametrize("colour", [False, True])
def test_cutout_blanks_one_square_with_the_mean(colour: bool) -> None:
    found, plain = (batch(recipe, colour=colour).inputs for recipe in (Recipe(cutout=0.4), Recipe()))
    changed = found != plain
    assert (found[changed] == 0).all()
    rows = changed.any(-1).any(-1) if colour else changed.any(-1)
    assert rows.sum(-1).max() == 4
    assert rows.any(-1).float().mean() > 0.9


def test_colours_are_changed_by_a_gain_and_an_offset_for_each_channel() -> None:
    found, plain = (batch(recipe, colour=True).inputs for recipe in (Recipe(colour=0.3), Recipe()))
    for channel in range(3):
        x, y = plain[0, 0, ..., channel].flatten(), found[0, 0, ..., channel].flatten()
        gain = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
        torch.testing.assert_close(y, y.mean() + gain * (x - x.mean()))
        assert gain != 1
    assert not torch.equal(found[0], found[1])


def test_mixup_of_images_blends_with_another_of_the_batch() -> None:
    mixed, plain = batch(Recipe(mixup=0.4, crop=0.2)), batch(Recipe(crop=0.2))
    assert mixed.blend is not None
    share = mixed.blend.share
    assert 0.3 < share.max() <= 0.4
    for row in range(20):
        ways = plain.inputs[0] - plain.inputs[0, row]
        candidates = plain.inputs[0, row] + share[0, row] * ways
        assert (candidates - mixed.inputs[0, row]).abs().flatten(1).amax(1).min() < 1e-12


def test_what_a_seed_draws_does_not_depend_on_its_neighbours() -> None:
    recipe = Recipe(crop=0.2, flip="always", cutout=0.3, colour=0.2, mixup=0.3, shift_pixels=1)
    assert torch.equal(batch(recipe, seeds=(3, 7)).inputs[1], batch(recipe, seeds=(7,)).inputs[0])
