"""Does an image keep its class when it is mirrored? Asked of the training examples alone.

A linear classifier learns one half of them, and names those of the other half as they are and mirrored. Where it is no
worse on the mirrored ones, mirroring is no harm: clothes, animals, textures. Of digits and letters it is far worse.
"""

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset

MAX_EXAMPLES = 4_000
"""Enough to see a loss of a few points, in about a second."""
MAX_SIDE = 32
"""Larger images are thinned out: what tells left from right is large."""
LARGEST_LOSS = 0.05
"""Share of the examples that may be named wrong when mirrored, beside the rounding of small numbers (two standard
errors)."""


def looks_alike_mirrored(dataset: Dataset) -> bool:
    """May images of these data be mirrored left to right while a network trains?"""
    rng = np.random.default_rng(0)
    rows = rng.permutation(dataset.train)[:MAX_EXAMPLES]
    images, labels = _small(take(dataset.features, np.sort(rows))), dataset.labels[np.sort(rows)]
    order = rng.permutation(len(rows))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    if len(np.unique(labels[first])) < 2:
        return False
    from sklearn.linear_model import RidgeClassifier

    model = RidgeClassifier(alpha=float(images[0].size)).fit(images[first].reshape(len(first), -1), labels[first])
    as_they_are, mirrored = (
        model.predict(one.reshape(len(second), -1)) == labels[second]
        for one in (images[second], images[second, :, ::-1])
    )
    lost = as_they_are.astype(float) - mirrored
    return bool(lost.mean() <= LARGEST_LOSS + 2 * lost.std() / np.sqrt(len(lost)))


def _small(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Every k-th pixel, centred."""
    step = max(1, -(-max(images.shape[1:3]) // MAX_SIDE))
    small = images[:, ::step, ::step].astype(np.float32) / 255
    return np.asarray(small - small.mean(axis=0))
