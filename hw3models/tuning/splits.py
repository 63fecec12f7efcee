"""What a trial is judged on: validation examples. The test split is taken away before anything is trained."""

from dataclasses import replace

import numpy as np

from hw3models.data.blocks import is_on_disk
from hw3models.data.dataset import Dataset
from hw3models.data.grouped import FEW_GROUPS, group_folds
from hw3models.data.scaling import learn_scaling

ENOUGH = 200
"""Validation examples with which one split tells recipes apart to a few points."""
FOLDS = 3


def num_folds(num_validation: int, num_groups: int | None = None) -> int:
    """1: the data's own validation split; more: so many folds of the training part, validation included.

    Examples of few groups tell as little as few examples.
    """
    is_few = num_validation < ENOUGH or (num_groups is not None and num_groups < FEW_GROUPS)
    return FOLDS if is_few else 1


def without_test(dataset: Dataset) -> Dataset:
    """The same data without their test examples. (Features in a file of their own stay there: nobody asks for them.)"""
    nothing = dataset.test[:0]
    if is_on_disk(dataset.features):
        return replace(dataset, test=nothing)
    kept = np.sort(np.concatenate([dataset.train, dataset.validation]))
    return replace(
        dataset,
        features=dataset.features[kept],
        labels=dataset.labels[kept],
        targets=None if dataset.targets is None else dataset.targets[kept],
        lengths=None if dataset.lengths is None else dataset.lengths[kept],
        groups=None if dataset.groups is None else dataset.groups[kept],
        train=np.searchsorted(kept, dataset.train),
        validation=np.searchsorted(kept, dataset.validation),
        test=nothing,
    )


def judging_splits(dataset: Dataset, folds: int) -> tuple[Dataset, ...]:
    """One data set for each fold, whose validation split is the fold; never with a test split.

    Folds are stratified blocks of a class's examples in their order in the file: neighbours there are often of one
    person or one session, and a fold that holds them all is as new to the network as a test split will be. Where
    groups are known, folds hold whole groups.

    Raises:
        SpecError: there are too few groups.
    """
    known = without_test(dataset)
    if folds == 1:
        return (known,)
    pool = np.sort(np.concatenate([known.train, known.validation]))
    labels = known.labels[pool]
    if known.groups is not None:
        fold = group_folds(labels, known.groups[pool], folds)
        return tuple(_fold(known, pool[fold != k], pool[fold == k]) for k in range(fold.max() + 1))
    fold = np.empty(len(pool), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        # Each class begins with another fold, so that what is left over does not all go to the first.
        fold[members] = (np.arange(len(members)) * folds // len(members) + label) % folds
    return tuple(_fold(known, pool[fold != k], pool[fold == k]) for k in range(folds) if (fold == k).any())


def _fold(known: Dataset, train: np.ndarray, validation: np.ndarray) -> Dataset:
    mean, std = learn_scaling(known.features, known.lengths, train)
    return replace(known, train=train, validation=validation, mean=mean, std=std)
