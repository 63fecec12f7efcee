"""Image regimes are what their formulas say."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.data.known.image_regimes import IMAGE_REGIMES
from hw3models.data.sources import find_source
from hw3models.specs import DataSpec


def made(name: str, cache: Path, **changes: object) -> Dataset:
    options = {"source": f"regime:{name}", "num_train": 600, "num_test": 400} | changes
    spec = DataSpec.model_validate(options)
    return load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))


def accuracy(dataset: Dataset) -> float:
    """Of logistic regression on the pixels."""
    rows = dataset.features.reshape(len(dataset.features), -1) / 255
    model = LogisticRegression(max_iter=300).fit(rows[dataset.train], dataset.labels[dataset.train])
    return float(model.score(rows[dataset.test], dataset.labels[dataset.test]))


@pytest.mark.parametrize("name", IMAGE_REGIMES)
def test_a_spec_gives_the_same_images_and_another_seed_others(name: str, tmp_path: Path) -> None:
    first, again, other = (made(name, tmp_path, seed=seed) for seed in (0, 0, 1))
    assert first.kind == "images"
    assert first.features.shape == (1000, 28, 28)
    assert first.digest == again.digest != other.digest
    counts = np.bincount(first.labels)
    assert counts.max() - counts.min() <= 2
    assert find_source(f"regime:{name}").licence


def test_pixels_alone_tell_shuffled_digits_and_locked_images_and_not_shifted_digits(tmp_path: Path) -> None:
    found = {name: accuracy(made(name, tmp_path)) for name in IMAGE_REGIMES}
    assert found["shuffled-digits"] > 0.85
    assert found["locked-image"] > 0.95
    assert found["shifted-digits"] < 0.3, "chance is 0.1"


def test_a_locked_image_is_told_by_its_pattern(tmp_path: Path) -> None:
    dataset = made("locked-image", tmp_path, difficulty=2.0, num_train=4000, num_test=2000)
    centred = dataset.features.astype(float) - 127
    signs = np.sign(centred[dataset.train][dataset.labels[dataset.train] == 1].mean(0))
    right = ((centred[dataset.test] * signs).sum((1, 2)) > 0) == dataset.labels[dataset.test]
    # Phi(6 x 28 / 80) = 0.982; the standard error is 0.003.
    assert 0.97 < right.mean() < 0.994


def test_series_and_images_have_regimes_of_their_own() -> None:
    assert find_source("regime:motif").kinds == ("sequences",)
    assert find_source("regime:shifted-digits").kinds == ("images",)
