"""scikit-learn's digits in MNIST's form, against Pillow's resize and MNIST's own description."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from hw3models.data.known.digits import cubic_weights, read_digits


def test_interpolation_is_cubic_convolution_as_pillow_does_it() -> None:
    small = load_digits().images[7].astype(np.float32)
    expected = np.asarray(Image.fromarray(small).resize((20, 20), Image.Resampling.BICUBIC))
    weights = cubic_weights(8, 20)
    np.testing.assert_allclose(weights @ small @ weights.T, expected, atol=1e-4)


def test_digits_look_like_mnist_images() -> None:
    raw = read_digits()
    assert (raw.features.dtype, raw.features.shape) == (np.uint8, (1797, 28, 28))
    assert raw.features.max() == 255
    np.testing.assert_array_equal(raw.labels, load_digits().target)
    # MNIST's mean ink is 0.1307.
    assert 0.1 < raw.features.mean() / 255 < 0.2
    # The centre of mass is in the middle, 13.5, as near as whole pixels allow.
    ink = raw.features.astype(np.float64)
    for axis in (1, 2):
        profile = ink.sum(axis=3 - axis)
        centres = (profile * np.arange(28)).sum(axis=1) / profile.sum(axis=1)
        assert np.abs(centres - 13.5).max() <= 0.5 + 1e-9


def test_every_image_is_its_original_moved_by_whole_pixels() -> None:
    raw = read_digits()
    for image, original in zip(raw.features[:100], load_digits().images[:100], strict=True):
        large = Image.fromarray(original.astype(np.float32)).resize((20, 20), Image.Resampling.BICUBIC)
        expected = np.clip(np.asarray(large) * 255 / 16, 0, 255)
        # All 81 places where 20 x 20 fits; one of them must match but for rounding.
        errors = [np.abs(image[r : r + 20, c : c + 20] - expected).max() for r in range(9) for c in range(9)]
        assert min(errors) <= 0.51
        assert image.sum() == pytest.approx(expected.sum(), rel=0.01), "nothing beside the digit"
