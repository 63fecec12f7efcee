"""Which images may be mirrored is seen in the training examples."""

from dataclasses import replace

import numpy as np
import pytest

from hw3models.data.dataset import Dataset
from hw3models.data.mirroring import looks_alike_mirrored
from tests.tiny import tiny_dataset


def arrows(*, colour: bool, directed: bool) -> Dataset:
    """Bars at a height that tells the class; `directed`: at a side that does."""
    dataset = tiny_dataset("images", num=400, num_classes=2, size=12, colour=colour)
    rng = np.random.default_rng(1)
    features = rng.integers(0, 120, dataset.features.shape).astype(np.uint8)
    for image, label in zip(features, dataset.labels, strict=True):
        part = (slice(2, 10), slice(7 * label, 7 * label + 5)) if directed else slice(6 * label, 6 * label + 5)
        image[part] += 100
    return replace(dataset, features=features)


@pytest.mark.parametrize("colour", [False, True])
def test_what_a_side_tells_is_not_mirrored(colour: bool) -> None:
    assert not looks_alike_mirrored(arrows(colour=colour, directed=True))
    assert looks_alike_mirrored(arrows(colour=colour, directed=False))


def test_only_training_examples_are_asked() -> None:
    dataset = arrows(colour=False, directed=False)
    features = dataset.features.copy()
    features[dataset.test] = 255
    features[dataset.validation] = 0
    assert looks_alike_mirrored(replace(dataset, features=features))


def test_one_class_is_never_mirrored() -> None:
    dataset = arrows(colour=False, directed=False)
    assert not looks_alike_mirrored(replace(dataset, labels=np.zeros_like(dataset.labels)))
