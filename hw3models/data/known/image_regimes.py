"""Synthetic families of 28 x 28 images, each built so that a claim about CNNs on images (homework 5B) can fail.

Digits are scikit-learn's (`digits.py`): examples of test are drawn from others than those of train. The noise is white,
of standard deviation 40 in units of a pixel's 255, times the spec's `difficulty`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hw3models.data.known.digits import cubic_weights
from hw3models.data.known.synthetic import PREFIX
from hw3models.data.raw import Raw
from hw3models.data.source import Source, made
from hw3models.specs import DataSpec

SIZE = 28
IMAGE_REGIMES = ("shifted-digits", "shuffled-digits", "locked-image")
IMAGE_REGIME_VERSION = 1
"""Part of the source's digest. Raise it when a spec would give other images."""
NOISE = 40.0
SMALL = 12
"""Side of a shifted digit, which has 17 x 17 places."""

Floats = NDArray[np.float64]
Drawn = tuple[Floats, NDArray[np.int64]]
"""Images before the noise, and their labels."""


def make_image_regime(spec: DataSpec) -> Raw:
    """The images of `spec.source` = `regime:NAME`: `num_train` for train, then `num_test` for test.

    Train and test come from independent streams of `spec.seed`; a spec gives the same images on every machine.
    """
    name = spec.source.removeprefix(PREFIX)
    parts = []
    for stream, size in enumerate((spec.num_train, spec.num_test)):
        rng, shared = _generator(spec.seed, name, stream), _generator(spec.seed, name, 2)
        images, labels = _MAKERS[name](rng, shared, size, is_test=stream == 1)
        images = images + NOISE * spec.difficulty * rng.standard_normal(images.shape)
        # Rounded twice: an exact half must not fall by the last bit of a product, which differs between machines.
        parts.append((np.clip(np.round(np.round(images, 6)), 0, 255).astype(np.uint8), labels))
    labels = np.concatenate([labels for _, labels in parts])
    return Raw(
        name=name,
        kind="images",
        features=np.concatenate([images for images, _ in parts]),
        labels=labels,
        class_names=tuple(map(str, range(int(labels.max()) + 1))),
        test=np.arange(len(labels)) >= spec.num_train,
    )


def shifted_digits(rng: np.random.Generator, shared: np.random.Generator, num: int, *, is_test: bool) -> Drawn:  # noqa: ARG001
    """Digits of 12 x 12 anywhere: what a CNN is for, which sees the same strokes wherever they stand."""
    digits, labels = _digits(rng, num, is_test=is_test)
    weights = cubic_weights(8, SMALL)
    small = np.clip(weights @ digits @ weights.T * (200 / 16), 0, 200)
    images = np.full((num, SIZE, SIZE), 25.0)
    places = rng.integers(0, SIZE - SMALL + 1, (num, 2))
    for image, digit, (row, column) in zip(images, small, places, strict=True):
        image[row : row + SMALL, column : column + SMALL] += digit
    return images, labels


def shuffled_digits(rng: np.random.Generator, shared: np.random.Generator, num: int, *, is_test: bool) -> Drawn:
    """Digits of 28 x 28 in their place, all pixels in one random order: neighbours mean nothing any more."""
    digits, labels = _digits(rng, num, is_test=is_test)
    weights = cubic_weights(8, SIZE)
    images = 25 + np.clip(weights @ digits @ weights.T * (200 / 16), 0, 200)
    order = shared.permutation(SIZE * SIZE)
    return images.reshape(num, -1)[:, order].reshape(num, SIZE, SIZE), labels


def locked_image(rng: np.random.Generator, shared: np.random.Generator, num: int, *, is_test: bool) -> Drawn:  # noqa: ARG001
    """A weak pattern locked to its place: 127 + (2y - 1) a U, with one U of random signs, the same in train and test.

    The matched filter sign(<x - 127, U>) reaches the Bayes accuracy Phi(a sqrt(784) / s) but for rounding:
    a = 6, s = 40 x difficulty: Phi(4.2).
    """
    labels = rng.permutation(np.arange(num) % 2)
    signs = shared.choice((-1.0, 1.0), (SIZE, SIZE))
    return 127 + (2 * labels - 1)[:, None, None] * 6 * signs, labels


def _digits(rng: np.random.Generator, num: int, *, is_test: bool) -> Drawn:
    """(num, 8, 8) of ink 0 to 16, the classes as equal in number as can be; the last third is for test."""
    from sklearn.datasets import load_digits  # imported here: only this needs scikit-learn

    images, codes = load_digits(return_X_y=True)
    first = 2 * len(images) // 3
    images, codes = (images[first:], codes[first:]) if is_test else (images[:first], codes[:first])
    labels = rng.permutation(np.arange(num) % 10)
    chosen = np.array([rng.choice(np.flatnonzero(codes == label)) for label in labels])
    return images[chosen].reshape(-1, 8, 8), labels.astype(np.int64)


_MAKERS: dict[str, Callable[..., Drawn]] = {
    "shifted-digits": shifted_digits,
    "shuffled-digits": shuffled_digits,
    "locked-image": locked_image,
}


def _generator(seed: int, name: str, stream: int) -> np.random.Generator:
    words = [seed, 100 + IMAGE_REGIMES.index(name), stream]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


IMAGES = Source(
    name="image-regime",
    forms=tuple(f"{PREFIX}{name}" for name in IMAGE_REGIMES),
    text="synthetic images of 28 x 28",
    kinds=("images",),
    matches=lambda source: source.removeprefix(PREFIX) in IMAGE_REGIMES and source.startswith(PREFIX),
    fetch=lambda spec, _: made(spec.source, "images", IMAGE_REGIME_VERSION),
    read=lambda spec, *_: make_image_regime(spec),
    licence="CC BY 4.0 (digits by Alpaydin and Kaynak, UCI), changed; else synthetic, made by this project (MIT)",
)
