"""Other splits of the same examples: stratified resamples, as the 30 of the UEA archive (Bagnall et al. 2017, 2018).

Train and test are pooled and divided again, at random, with as many examples of each class in every part as before.
Where examples are of groups, whole groups are drawn, with as many test examples as before and the classes as near as
groups allow; what a drawn group has beyond that is left out. Resample 0 is the data set's own split.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.data.grouped import draw_groups
from hw3models.data.scaling import learn_scaling
from hw3models.data.splits import allocate
from hw3models.specs import Resampling

Indices = NDArray[np.int64]

_STREAM = 3
"""`splits` uses 0 to 2."""


def resample(dataset: Dataset, number: int) -> Dataset:
    """The `number`-th resample, the same on every machine; scaling is learnt anew from its own training part.

    Raises:
        SpecError: there are too few groups.
    """
    if number == 0:
        return dataset
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([number, _STREAM])))
    train, validation, test = _stratified(dataset, rng) if dataset.groups is None else _grouped(dataset, rng)
    mean, std = learn_scaling(dataset.features, dataset.lengths, train)
    return replace(dataset, train=train, validation=validation, test=test, mean=mean, std=std)


def _stratified(dataset: Dataset, rng: np.random.Generator) -> tuple[Indices, ...]:
    parts: list[list[Indices]] = [[], [], []]
    own = (dataset.train, dataset.validation, dataset.test)
    for label in range(len(dataset.class_names)):
        members = [part[dataset.labels[part] == label] for part in own]
        # Sorted first: the draw depends on which examples there are, not on how they were split.
        mixed = rng.permutation(np.sort(np.concatenate(members)))
        ends = np.cumsum([len(part) for part in members])
        for part, drawn in zip(parts, np.split(mixed, ends[:-1]), strict=True):
            part.append(drawn)
    return tuple(np.sort(np.concatenate(part)).astype(np.int64) for part in parts)


def _grouped(dataset: Dataset, rng: np.random.Generator) -> tuple[Indices, ...]:
    """Every resample has the same number of test examples: its predictions are a row of one table."""
    assert dataset.groups is not None
    labels, groups, size = dataset.labels, dataset.groups, len(dataset.test)
    pool = np.sort(np.concatenate([dataset.train, dataset.validation, dataset.test]))
    leave = 2 if len(dataset.validation) else 1
    # The first draw that has all classes: the best of many would be nearly the same groups every time.
    how = {"leave": leave, "at_least": size, "best_of": 1}
    rest, drawn = draw_groups(pool, labels, groups, size, rng=rng, complete=True, **how)
    counts = np.bincount(labels[drawn], minlength=len(dataset.class_names))
    taken = allocate(counts, size, np.minimum(counts, 1), counts)
    members = [rng.permutation(drawn[labels[drawn] == k])[:number] for k, number in enumerate(taken)]
    test = np.sort(np.concatenate(members)).astype(np.int64)
    if not len(dataset.validation):
        return rest, rest[:0], test
    return *draw_groups(rest, labels, groups, len(dataset.validation), rng=rng, best_of=1), test


def drawn_from(resampling: Resampling, seed: int) -> int:
    """The seed that the replicate of `seed` draws its initialisation, order and noise from."""
    return 0 if resampling == "split" else seed


def split_of(dataset: Dataset, resampling: Resampling, seed: int) -> Dataset:
    """The data as they are split for the replicate of `seed`."""
    return resample(dataset, seed) if tests_on_splits(resampling) else dataset


def num_train(splits: Sequence[Dataset]) -> int:
    """Examples that a replicate is trained on in the mean, validation included: with groups their number differs."""
    return round(sum(len(one.train) + len(one.validation) for one in splits) / len(splits))


def tests_on_splits(resampling: Resampling) -> bool:
    """Has each replicate a test split of its own?"""
    return resampling in ("split", "both")
