"""scikit-learn's digits in the form of MNIST: what `auto` takes where MNIST cannot be had."""

import numpy as np
from numpy.typing import NDArray

from hw3models.data.raw import Raw
from hw3models.data.source import Source, made

DIGITS_VERSION = 1
"""Part of the source's digest. Raise it when the same digits would give other images."""


def read_digits() -> Raw:
    """scikit-learn's 1,797 digits (8 x 8, ink 0 to 16) in the form of MNIST: uint8 (1797, 28, 28).

    As in MNIST, a digit fills 20 x 20 pixels and its centre of mass stands in the middle of 28 x 28
    (LeCun et al. 1998). 8 x 8 becomes 20 x 20 by cubic convolution with a = -1/2 (Keys 1981), separable, with
    the weights at the edge brought to sum 1; ink 16 becomes 255, overshoot is clipped.
    """
    from sklearn.datasets import load_digits  # imported here: only this source needs scikit-learn

    images, labels = load_digits(return_X_y=True)
    weights = cubic_weights(8, 20)
    large = weights @ images.reshape(-1, 8, 8) @ weights.T * (255 / 16)
    # Rounded twice: an exact half must not fall by the last bit of a product, which differs between machines.
    ink = np.round(np.clip(np.round(large, 6), 0, 255)).astype(np.uint8)
    return Raw(
        name="digits",
        kind="images",
        features=np.stack([_centred(image) for image in ink]),
        labels=labels.astype(np.int64),
        class_names=tuple("0123456789"),
    )


def cubic_weights(small: int, large: int) -> NDArray[np.float64]:
    """(large, small): each row interpolates one of `large` points from `small` (Keys 1981, a = -1/2)."""
    centres = (np.arange(large) + 0.5) * small / large - 0.5
    d = np.abs(centres[:, None] - np.arange(small))
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    weights = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _centred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Place (20, 20) on (28, 28) with the centre of mass in the middle, as near as whole pixels and the edge allow."""
    size, ink = len(image), image.astype(np.int64)
    placed = np.zeros((28, 28), np.uint8)
    starts = []
    for axis in (0, 1):
        profile = ink.sum(axis=1 - axis)
        mass = (profile * np.arange(size)).sum() / profile.sum()
        starts.append(int(np.clip(np.floor(13.5 - mass + 0.5), 0, 28 - size)))
    placed[starts[0] : starts[0] + size, starts[1] : starts[1] + size] = image
    return placed


DIGITS = Source(
    name="digits",
    forms=("digits",),
    text="scikit-learn's 1,797 digits, brought to 28 x 28",
    kinds=("images",),
    matches=lambda source: source == "digits",
    fetch=lambda spec, _: made(spec.source, "images", DIGITS_VERSION),
    read=lambda *_: read_digits(),
    licence="CC BY 4.0 (Alpaydin and Kaynak, UCI; comes with scikit-learn)",
)
