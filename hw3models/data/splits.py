"""Train, validation and test indices: stratified by class, the same on every machine.

Only numpy's PCG64 draws here, each purpose from its own stream, so the test split depends neither on
`max_train` nor on `validation_fraction`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import MIN_TRAIN_PER_CLASS
from hw3models.data.grouped import draw_groups, first_groups
from hw3models.errors import SpecError
from hw3models.specs import DataSpec

MAX_VALIDATION = 5000
"""More validation examples cost time in every epoch and hardly sharpen the choice of an epoch."""
_STREAMS = {"test": 0, "subsample": 1, "validation": 2, "groups": 3}

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """Disjoint, ascending indices into the examples."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    labels: Indices,
    test: NDArray[np.bool_] | None,
    spec: DataSpec,
    groups: Indices | None = None,
    validation: NDArray[np.bool_] | None = None,
) -> Splits:
    """Split N examples: the source's own test split, or a stratified share of `spec.test_fraction`.

    Of the rest, at most `spec.max_train_groups` groups and `spec.max_train` examples are kept, and
    `spec.validation_fraction` of those go to validation: at least one of each class with 4 examples or more, at most
    `MAX_VALIDATION` in all. Where groups are known, whole groups are drawn instead, so that none is on two sides, and
    the shares are as near as groups allow.

    Args:
        labels: int64 (N,), class codes; every class has at least 3 examples, or 2 in a given train split.
        test: bool (N,), True for the source's own test examples, or None.
        spec: its seed, fractions, `max_train` and `max_train_groups`.
        groups: int64 (N,), whose examples they are, or None.
        validation: bool (N,), True for the source's own validation part, which it has beside a test split; or None.

    Raises:
        SpecError: `max_train` is too small for the number of classes, or there are too few groups.
    """
    own = np.zeros(len(labels), bool) if validation is None else validation
    everything = np.flatnonzero(~own)
    rng = _generator(spec.seed, "test")
    if test is not None:
        pool, held_out = np.flatnonzero(~test & ~own), np.flatnonzero(test)
    elif groups is None:
        pool, held_out = draw_share(everything, labels, spec.test_fraction, at_least=1, rng=rng)
    else:
        total, leave = round(spec.test_fraction * len(everything)), 2 if spec.validation_fraction else 1
        pool, held_out = draw_groups(everything, labels, groups, total, rng=rng, leave=leave, complete=True)
    if spec.max_train_groups is not None:
        if groups is None:
            raise SpecError("`max_train_groups` is given, but these data name no groups. Say `max_train` instead.")
        pool = first_groups(pool, labels, groups, spec.max_train_groups, rng=_generator(spec.seed, "groups"))
    if spec.max_train is not None and spec.max_train < len(pool):
        pool = _subsample(pool, labels, spec.max_train, rng=_generator(spec.seed, "subsample"))
    if validation is not None:
        return Splits(pool, np.flatnonzero(validation), held_out)
    if spec.validation_fraction == 0:
        return Splits(pool, pool[:0], held_out)
    rng = _generator(spec.seed, "validation")
    if groups is None:
        train, drawn = draw_share(pool, labels, spec.validation_fraction, at_least=0, cap=MAX_VALIDATION, rng=rng)
    else:
        total = min(round(spec.validation_fraction * len(pool)), MAX_VALIDATION)
        train, drawn = draw_groups(pool, labels, groups, total, rng=rng)
    return Splits(train, drawn, held_out)


def allocate(counts: Indices, total: int, low: Indices, high: Indices) -> Indices:
    """Spread `total` over K classes in proportion to `counts`: largest remainders (Hamilton), within bounds.

    The result sums to `total` where `low` and `high` allow it.
    """
    shares = counts * (total / max(1, int(counts.sum())))
    taken = np.clip(np.floor(shares).astype(np.int64), low, high)
    while taken.sum() < total and (taken < high).any():
        taken[np.where(taken < high, shares - taken, -np.inf).argmax()] += 1
    while taken.sum() > total and (taken > low).any():
        taken[np.where(taken > low, taken - shares, -np.inf).argmax()] -= 1
    return np.asarray(taken)


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAMS[purpose]])))


def draw_share(
    pool: Indices,
    labels: Indices,
    fraction: float,
    *,
    rng: np.random.Generator,
    at_least: int = 0,
    cap: int | None = None,
) -> tuple[Indices, Indices]:
    """(rest, drawn): the drawn have `at_least` per class, one more of each class that has 4 or more examples."""
    counts = np.bincount(labels[pool])
    total = round(fraction * len(pool))
    low = np.maximum(np.where(counts >= 4, 1, 0), np.minimum(at_least, counts))
    high = np.maximum(counts - MIN_TRAIN_PER_CLASS, 0)
    taken = allocate(counts, min(total, cap) if cap is not None else total, np.minimum(low, high), high)
    return _draw(pool, labels, taken, rng)


def _subsample(pool: Indices, labels: Indices, size: int, *, rng: np.random.Generator) -> Indices:
    counts = np.bincount(labels[pool])
    low = np.minimum(counts, MIN_TRAIN_PER_CLASS)
    if size < low.sum():
        raise SpecError(
            f"`max_train` ({size}) is too small for {int((counts > 0).sum())} classes with "
            f"{MIN_TRAIN_PER_CLASS} training examples each. Set it to {low.sum()} or more."
        )
    return _draw(pool, labels, allocate(counts, size, low, counts), rng)[1]


def _draw(pool: Indices, labels: Indices, taken: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """(rest, drawn), ascending: `taken[k]` examples of class k drawn without replacement."""
    drawn = [rng.permutation(pool[labels[pool] == k])[:number] for k, number in enumerate(taken)]
    chosen = np.sort(np.concatenate(drawn)).astype(np.int64)
    return np.setdiff1d(pool, chosen, assume_unique=True), chosen
