"""Baselines on images: histograms of gradients by a slow formula, and any size and colour."""

import numpy as np
import pytest

from hw3models.families import FAMILIES, Baseline
from hw3models.families.image_baselines import hog, shrunk
from tests.tiny import tiny_dataset


def slowly(image: np.ndarray) -> np.ndarray:
    """(7, 7, 9) of a grey image of 28 x 28, pixel by pixel (Dalal and Triggs 2005, section 6)."""
    cells = np.zeros((7, 7, 9))
    for row in range(28):
        for column in range(28):
            down = image[row + 1, column] - image[row - 1, column] if 0 < row < 27 else 0.0
            across = image[row, column + 1] - image[row, column - 1] if 0 < column < 27 else 0.0
            angle = np.degrees(np.arctan2(down, across)) % 180
            place = angle / 20 - 0.5
            lower = int(np.floor(place))
            for bin_, share in ((lower % 9, lower + 1 - place), ((lower + 1) % 9, place - lower)):
                cells[row // 4, column // 4, bin_] += share * np.hypot(down, across)
    return cells


def test_histograms_of_gradients_are_those_of_the_formula() -> None:
    image = np.random.default_rng(0).random((28, 28))
    cells, blocks = slowly(image), []
    for row in range(6):
        for column in range(6):
            block = np.concatenate([cells[row + r, column + c] for r in (0, 1) for c in (0, 1)])
            block = np.minimum(block / np.sqrt((block**2).sum() + 1e-6), 0.2)
            blocks.append(block / np.sqrt((block**2).sum() + 1e-6))
    np.testing.assert_allclose(hog(image[None].astype(np.float32))[0], np.concatenate(blocks), atol=1e-4)


def test_of_colours_the_steepest_counts() -> None:
    image = np.random.default_rng(1).random((1, 28, 28)).astype(np.float32)
    colour = np.stack([image, 0.2 * image, np.full_like(image, 0.5)], axis=-1)
    np.testing.assert_allclose(hog(colour), hog(image), atol=1e-5)


def test_large_images_are_averaged_over_squares() -> None:
    image = np.random.default_rng(2).integers(0, 256, (2, 130, 90, 3)).astype(np.uint8)
    small = shrunk(image)
    assert small.shape == (2, 43, 30, 3)
    np.testing.assert_allclose(small[1, 4, 7], image[1, 12:15, 21:24].mean((0, 1)) / 255, rtol=1e-5)
    assert shrunk(image[:, :64, :60]).shape == (2, 64, 60, 3)


@pytest.mark.parametrize("name", ["forest", "hog", "logistic", "majority"])
@pytest.mark.parametrize(("size", "colour"), [(14, False), (9, True)])
def test_baselines_take_images_of_any_size_and_colour(name: str, size: int, colour: bool) -> None:
    family, dataset = FAMILIES["images"][name], tiny_dataset("images", num=120, size=size, colour=colour)
    assert isinstance(family, Baseline)
    found = family.fit(dataset, 0, 2).probabilities
    assert found is not None
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    if name != "majority":
        assert (found.argmax(1) == dataset.labels[dataset.test]).mean() > 0.6, "chance is 1/3"
