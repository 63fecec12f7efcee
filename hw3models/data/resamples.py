"""Other splits of the same examples: stratified resamples, as the 30 of the UEA archive (Bagnall et al. 2017, 2018).

Train and test are pooled and divided again, at random, with as many examples of each class in every part as before.
Resample 0 is the data set's own split.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.data.scaling import learn_scaling
from hw3models.specs import Resampling

_STREAM = 3
"""`splits` uses 0 to 2."""


def resample(dataset: Dataset, number: int) -> Dataset:
    """The `number`-th resample, the same on every machine; scaling is learnt anew from its own training part."""
    if number == 0:
        return dataset
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([number, _STREAM])))
    parts: list[list[NDArray[np.int64]]] = [[], [], []]
    own = (dataset.train, dataset.validation, dataset.test)
    for label in range(len(dataset.class_names)):
        members = [part[dataset.labels[part] == label] for part in own]
        # Sorted first: the draw depends on which examples there are, not on how they were split.
        mixed = rng.permutation(np.sort(np.concatenate(members)))
        ends = np.cumsum([len(part) for part in members])
        for part, drawn in zip(parts, np.split(mixed, ends[:-1]), strict=True):
            part.append(drawn)
    train, validation, test = (np.sort(np.concatenate(part)).astype(np.int64) for part in parts)
    mean, std = learn_scaling(dataset.features, dataset.lengths, train)
    return replace(dataset, train=train, validation=validation, test=test, mean=mean, std=std)


def drawn_from(resampling: Resampling, seed: int) -> int:
    """The seed that the replicate of `seed` draws its initialisation, order and noise from."""
    return 0 if resampling == "split" else seed


def split_of(dataset: Dataset, resampling: Resampling, seed: int) -> Dataset:
    """The data as they are split for the replicate of `seed`."""
    return resample(dataset, seed) if tests_on_splits(resampling) else dataset


def tests_on_splits(resampling: Resampling) -> bool:
    """Has each replicate a test split of its own?"""
    return resampling in ("split", "both")
