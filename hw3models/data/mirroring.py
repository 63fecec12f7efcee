"""Does an image keep its class when it is mirrored? Asked of the training examples alone.

Two simple classifiers learn one half of them, without and with their mirrored copies, and name those of the other half.
Where the copies make neither worse, mirrored images are at most unusual ones of their class: clothes, animals,
textures. Of digits, letters and patterns that are locked to a place some are taken for another class.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset

MAX_EXAMPLES = 4_000
"""Enough to see a loss of a few points, in a second or two."""
MAX_SIDE = 32
"""Larger images are thinned out: what tells left from right is large."""
LARGEST_LOSSES = (0.01, 0.03)
"""Accuracy that the copies may cost the nearest neighbour and the linear classifier. On training parts they cost 0.2
and 1.9 points of Fashion-MNIST; 1.0 and 6.0 of MNIST, 1.1 and 7.0 of sign digits, 12 and 0.1 of `locked-image`."""


def looks_alike_mirrored(dataset: Dataset) -> bool:
    """May images of these data be mirrored left to right while a network trains?"""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(dataset.train)[:MAX_EXAMPLES])
    images, labels = _small(take(dataset.features, rows)), dataset.labels[rows]
    order = rng.permutation(len(rows))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    if len(np.unique(labels[first])) < 2:
        return False
    copies = np.concatenate([images[first], images[first, :, ::-1]])
    asked, expected = images[second], labels[second]
    for model, largest in zip(
        (KNeighborsClassifier(1), RidgeClassifier(alpha=float(images[0].size))), LARGEST_LOSSES, strict=True
    ):
        without = _accuracy(model, images[first], labels[first], asked, expected)
        if without - _accuracy(model, copies, np.tile(labels[first], 2), asked, expected) >= largest:
            return False
    return True


def _accuracy(model: Any, images: Any, labels: Any, asked: Any, expected: Any) -> float:
    model.fit(images.reshape(len(images), -1), labels)
    return float((model.predict(asked.reshape(len(asked), -1)) == expected).mean())


def _small(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Every k-th pixel, centred."""
    step = max(1, -(-max(images.shape[1:3]) // MAX_SIDE))
    small = images[:, ::step, ::step].astype(np.float32) / 255
    return np.asarray(small - small.mean(axis=0))
