"""Images of any size, grey and in colour, from the raw arrays to what a model is asked."""

import numpy as np
import pytest

from hw3models.checking import check_data
from hw3models.data.checks import check
from hw3models.data.raw import Raw
from hw3models.data.scaling import learn_scaling
from hw3models.data.splits import split
from hw3models.drift.summaries import summaries
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from hw3models.specs.model import ModelManifest

RNG = np.random.default_rng(0)


def colour(num: int = 60, size: tuple[int, int] = (6, 9)) -> np.ndarray:
    images = RNG.integers(0, 100, (num, *size, 3)).astype(np.uint8)
    images[..., 2] += 120
    return images


def raw(images: np.ndarray, **fields: object) -> Raw:
    labels = np.arange(len(images)) % 3
    return Raw(name="made", kind="images", features=images, labels=labels, class_names=("a", "b", "c"), **fields)  # type: ignore[arg-type]


def test_each_colour_has_a_mean_and_a_deviation_of_its_own() -> None:
    images, train = colour(), np.arange(0, 60, 2)
    mean, std = learn_scaling(images, None, train)
    pixels = (images[train] / 255).reshape(-1, 3)
    np.testing.assert_allclose(mean, pixels.mean(0), rtol=1e-6)
    np.testing.assert_allclose(std, pixels.std(0), rtol=1e-6)


def test_images_that_are_neither_grey_nor_of_three_colours_are_refused_with_their_shape() -> None:
    check(raw(colour()), "made")
    with pytest.raises(DataError, match=r"images are uint8 \(60, 6, 9, 2\); uint8 \(images, height, width\) or"):
        check(raw(colour()[..., :2]), "made")


def test_a_validation_part_of_the_source_stays_what_it_is() -> None:
    part = RNG.permutation(np.repeat([0, 1, 2], 20))
    labels = np.arange(60) % 3
    found = split(labels, part == 2, DataSpec(max_train=20), validation=part == 1)
    assert len(found.train) == 20
    assert set(found.train) <= set(np.flatnonzero(part == 0))
    assert found.validation.tolist() == np.flatnonzero(part == 1).tolist()
    assert found.test.tolist() == np.flatnonzero(part == 2).tolist()


def test_drift_of_colours_is_seen_in_the_summaries_of_that_colour() -> None:
    images = colour().astype(np.float32)
    found = summaries(images, "images")
    np.testing.assert_allclose(found["mean of blue"], images[..., 2].mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found["mean brightness"], images.mean((1, 2, 3)), rtol=1e-6)
    grey = summaries(images[..., 0], "images")
    assert list(grey) == ["mean brightness", "share of ink", "height of the centre", "side of the centre"]


def test_a_look_at_colour_images_keeps_them_as_they_are() -> None:
    images = colour()
    found, sample = check_data(raw(images), DataSpec())
    assert (found.shape, found.num_missing, found.lengths) == ((6, 9, 3), 0, None)
    assert sample.values.dtype == np.uint8
    np.testing.assert_array_equal(sample.values, images)


def manifest(shape: tuple[int, ...], numbers: int, kind: str = "images") -> ModelManifest:
    return ModelManifest.model_validate(
        {
            "family": "mlp", "kind": kind, "shape": shape, "class_names": ["a"], "mean": [0.5] * numbers,
            "std": [1.0] * numbers, "unequal_lengths": False, "latent_dim": 1, "dropout": 0, "seeds": [0],
            "best_seed": 0, "data_digest": "d", "data_name": "n",
        }
    )  # fmt: skip


def test_a_model_of_colour_images_has_three_means_and_one_of_grey_images_one() -> None:
    manifest((6, 9, 3), 3)
    manifest((6, 9), 1)
    with pytest.raises(ValueError, match="`mean` has 1 numbers for 3 channels"):
        manifest((6, 9, 3), 1)
    for shape, kind in (((6, 9, 2), "images"), ((6, 9, 3), "sequences")):
        with pytest.raises(ValueError, match=r"`shape` is \(6, 9, \d\), where three numbers are height, width and 3"):
            manifest(shape, 3, kind)
