"""scikit-learn's digits in MNIST's form, against Pillow's resize and MNIST's own description."""

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from hw3models.data.digits import cubic_weights, read_digits


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


def test_digits_are_where_their_originals_were() -> None:
    raw = read_digits()
    original = load_digits().images
    # Averaged back to 8 x 8, a resized digit is nearer to its own original than to any other's.
    boxes = [image[np.ix_(image.any(axis=1), image.any(axis=0))] for image in raw.features[:50]]
    shrunk = np.stack([np.asarray(Image.fromarray(box).resize((8, 8), Image.Resampling.BOX)) for box in boxes])
    filled = [image[np.ix_(image.any(axis=1), image.any(axis=0))].astype(np.uint8) * 15 for image in original[:50]]
    targets = np.stack([np.asarray(Image.fromarray(image).resize((8, 8))) for image in filled])
    distance = ((shrunk[:, None].astype(float) - targets[None].astype(float)) ** 2).sum(axis=(2, 3))
    assert (distance.argmin(axis=1) == np.arange(50)).mean() > 0.9
