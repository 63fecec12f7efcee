"""What a trial is judged on: validation examples. The test split is taken away before anything is trained."""

from dataclasses import replace

import numpy as np

from hw3models.data.blocks import is_on_disk
from hw3models.data.dataset import Dataset
from hw3models.data.grouped import FEW_GROUPS, draw_groups, group_folds
from hw3models.data.scaling import learn_scaling
from hw3models.data.splits import draw_share

ENOUGH = 200
"""Validation examples with which one split tells recipes apart to a few points."""
FOLDS = 3
_STREAM = 20_261_128


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


def judging_splits(dataset: Dataset, folds: int, search: int = 0) -> tuple[Dataset, ...]:
    """One data set for each fold, whose validation split is the fold; never with a test split.

    Folds are stratified blocks of a class's examples in their order in the file: neighbours there are often of one
    person or one session, and a fold that holds them all is as new to the network as a test split will be. Where
    groups are known, folds hold whole groups. Of several searches for the same each but the first has folds that begin
    elsewhere, or draws other validation examples: which recipe wins depends on them, too. (Data in a file of their own
    keep theirs: their examples are read in the order in which they stand.)

    Raises:
        SpecError: there are too few groups.
    """
    known = without_test(dataset)
    rng = np.random.default_rng([search, _STREAM]) if search else None
    if folds == 1:
        return (known if rng is None or is_on_disk(known.features) else _redrawn(known, rng),)
    pool = np.sort(np.concatenate([known.train, known.validation]))
    labels = known.labels[pool]
    if known.groups is not None:
        fold = group_folds(labels, known.groups[pool], folds, rng)
        return tuple(_fold(known, pool[fold != k], pool[fold == k]) for k in range(fold.max() + 1))
    fold = np.empty(len(pool), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if rng is not None:
            members = np.roll(members, rng.integers(len(members)))
        # Each class begins with another fold, so that what is left over does not all go to the first.
        fold[members] = (np.arange(len(members)) * folds // len(members) + label) % folds
    return tuple(_fold(known, pool[fold != k], pool[fold == k]) for k in range(folds) if (fold == k).any())


def _redrawn(known: Dataset, rng: np.random.Generator) -> Dataset:
    """The same with other validation examples, drawn as those of the data are."""
    pool, num = np.sort(np.concatenate([known.train, known.validation])), len(known.validation)
    if known.groups is None:
        return _fold(known, *draw_share(pool, known.labels, num / len(pool), rng=rng))
    return _fold(known, *draw_groups(pool, known.labels, known.groups, num, rng=rng))


def _fold(known: Dataset, train: np.ndarray, validation: np.ndarray) -> Dataset:
    mean, std = learn_scaling(known.features, known.lengths, train)
    return replace(known, train=train, validation=validation, mean=mean, std=std)
