"""Can a classifier tell one sample from the other? (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests")

N examples of both sides together, D features
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

FOLDS = 5
RIDGE = 1e-3
"""Ridge penalty, as a share of the features' own scale: constant and repeated features do no harm."""
_AT_ONCE = 500
"""Permutations whose predictions are held in memory together."""


def tell_apart(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], *, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Held-out accuracy of a linear discriminant on ranks, in `FOLDS` folds, and its p-value by permutation.

    Both sides (n, D) are as large. Hits in folds depend on each other, as each example trains the classifier of the
    others: the binomial test, which takes them for coin flips, is wrong two to three times as often as it says at 0.5%.
    Under permuted sides the same accuracy is computed with the same folds, which is exact (Golland and Fischl 2003).
    Ranks and folds do not know the sides, so what a fold makes of them is one matrix for all permutations.
    """
    features = _normal_ranks(np.concatenate([ours, theirs]))
    sides = np.repeat([-1.0, 1.0], len(ours))
    folds = np.array_split(rng.permutation(len(sides)), FOLDS)
    observed = _hits(features, sides[:, None], folds)[0]
    as_many = 0
    for start in range(0, permutations, _AT_ONCE):
        num = min(_AT_ONCE, permutations - start)
        shuffled = rng.permuted(np.repeat(sides[:, None], num, axis=1), axis=0)
        as_many += int((_hits(features, shuffled, folds) >= observed).sum())
    return float(observed / len(sides)), (1 + as_many) / (1 + permutations)


def _hits(
    features: NDArray[np.float64], sides: NDArray[np.float64], folds: list[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """How many held-out examples are told rightly, for each column of `sides` (N, P) of -1 and 1."""
    hits = np.zeros(sides.shape[1], np.int64)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(sides)), fold)
        known = features[rest]
        normal = known.T @ known
        normal[np.diag_indices_from(normal)] += RIDGE * len(rest)
        weights = np.linalg.solve(normal, known.T @ sides[rest])
        hits += ((features[fold] @ weights > 0) == (sides[fold] > 0)).sum(0)
    return hits


def _normal_ranks(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each feature's ranks as quantiles of a normal distribution, and a constant: whatever scale a feature has."""
    ranks = rankdata(np.nan_to_num(features), axis=0)
    scores = norm.ppf(ranks / (len(features) + 1))
    return np.concatenate([scores, np.ones((len(features), 1))], 1)
