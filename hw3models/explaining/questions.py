"""The examples that a model is explained on.

n = examples, T = time steps, C = channels, H x W pixels; a map has a cell for each (T, C), or for each (H, W)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions:
    """Raw examples with what is known of them."""

    name: str
    """What the data are called."""
    examples: NDArray[np.float32]
    """(n, T, C), NaN after the end of a shorter series; images (n, H, W) or (n, H, W, 3) in 0..255."""
    rows: NDArray[np.int64]
    """(n,): their places in the data."""
    labels: NDArray[np.int64] | None = None
    """(n,), as the model counts its classes; None where nobody knows."""
    targets: NDArray[np.float64] | None = None
    """(n,): the numbers to predict, in their own units; `labels` are then ranges of them."""
    groups: NDArray[np.int64] | None = None
    """(n,): examples of one group are not independent."""
    is_images: bool = False
    is_test: bool = True
    """They are of the test part of the model's own data."""

    def of(self, places: NDArray[np.int64]) -> "Questions":
        """Some of them."""
        return Questions(
            name=self.name,
            examples=self.examples[places],
            rows=self.rows[places],
            labels=None if self.labels is None else self.labels[places],
            targets=None if self.targets is None else self.targets[places],
            groups=None if self.groups is None else self.groups[places],
            is_images=self.is_images,
            is_test=self.is_test,
        )


def questions_of(dataset: Dataset, rows: NDArray[np.int64] | None = None) -> Questions:
    """Examples of prepared data: the test part, or those of `rows`."""
    index = dataset.test if rows is None else rows
    examples = np.array(take(dataset.features, index), np.float32)
    if dataset.lengths is not None:
        examples[np.arange(examples.shape[1]) >= dataset.lengths[index][:, None]] = np.nan
    return Questions(
        name=dataset.name,
        examples=examples,
        rows=index,
        labels=dataset.labels[index],
        targets=None if dataset.targets is None else dataset.targets[index],
        groups=None if dataset.groups is None else dataset.groups[index],
        is_images=dataset.kind == "images",
        is_test=rows is None,
    )
