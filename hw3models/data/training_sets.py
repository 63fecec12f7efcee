"""What a replicate is trained on where each has a training set of its own: a bootstrap of the training part.

N examples are drawn with replacement from the N of the training part, class by class, so that every class stays as
frequent: what N other examples of the same problem would give (Efron 1979; for comparisons of learning algorithms
Bouthillier et al. 2021). Examples of a group (a subject, a recording) come together or not at all. Test and validation
examples stay what they are, and so does the scaling, which is that of the whole training part.

A seed draws the same set for every family: what the set does to both cancels in their difference.

N = training examples, S = replicates
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.specs import Resampling

_STREAM = 4
"""`splits` uses 0 to 2, `resamples` 3."""

Indices = NDArray[np.int64]
Redraw = Callable[[Dataset, int], Indices]
"""The training set (N,) of the replicate of a seed."""


def bootstrap(train: Indices, labels: Indices, seed: int, groups: Indices | None = None) -> Indices:
    """Draw as many examples as `train` has from it, with replacement: (N,), ascending, the same on every machine.

    With groups, whole groups are drawn, from those of each class apart (a group belongs to its most frequent class),
    as many as there are; then more of all, or less of the last, until there are N examples.

    Args:
        train: positions of the training examples.
        labels: classes of all examples of the data set, by position.
        seed: what the draw depends on.
        groups: which group each example of the data set is of, by position.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM])))
    if groups is None:
        by_class = train[np.argsort(labels[train], kind="stable")]
        _, first, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
        low, high = np.repeat(first, counts), np.repeat(first + counts, counts)
        return np.sort(by_class[rng.integers(low, high)])
    whole = [train[groups[train] == group] for group in np.unique(groups[train])]
    classes = np.array([np.bincount(labels[own]).argmax() for own in whole])
    strata = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    drawn = rng.permutation(np.concatenate([rng.choice(own, len(own)) for own in strata]))
    # All replicates train in steps of one size, so all have as many examples.
    while sum(len(whole[number]) for number in drawn) < len(train):
        drawn = np.append(drawn, rng.integers(len(whole)))
    return np.sort(np.concatenate([whole[number] for number in drawn])[: len(train)])


def training_set(dataset: Dataset, seed: int) -> Indices:
    """What the replicate of `seed` is trained on."""
    return bootstrap(dataset.train, dataset.labels, seed, dataset.groups)


def training_sets(
    dataset: Dataset, resampling: Resampling, seeds: Sequence[int], redraw: Redraw = training_set
) -> Indices:
    """Where all are trained on the same, (N,); where each has a set of its own, (S, N)."""
    if resampling != "training":
        return dataset.train
    return np.stack([redraw(dataset, seed) for seed in seeds])


def with_training_set(dataset: Dataset, rows: Indices) -> Dataset:
    """The data as a replicate sees them that is trained on `rows`; still the same data, by their digest."""
    seen = replace(dataset, train=rows)
    vars(seen)["digest"] = dataset.digest  # as `cached_property` keeps it
    return seen
