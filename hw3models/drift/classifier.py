"""Can a classifier tell one sample from the other? (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests")

N examples of both sides together, D features, U units: what the sides are drawn from (examples, or groups of them)
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from hw3models.drift.permuting import ENOUGH_CLOSER, p_value
from hw3models.drift.units import Units

FOLDS = 5
RIDGE = 1e-3
"""Ridge penalty, as a share of the features' own scale: constant and repeated features do no harm."""
_AT_ONCE = 500
"""Permutations whose predictions are held in memory together."""


def tell_apart(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    *,
    permutations: int,
    rng: np.random.Generator,
    units: Units | None = None,
) -> tuple[float, float]:
    """Held-out accuracy of a linear discriminant on ranks, in `FOLDS` folds, and its p-value by permutation.

    Both sides have as many units, which are the examples (n, D) themselves where no groups are known. Hits in folds
    depend on each other, as each example trains the classifier of the others: the binomial test, which takes them for
    coin flips, is wrong two to three times as often as it says at 0.5%. Under permuted sides the same accuracy is
    computed with the same folds, which is exact (Golland and Fischl 2003). Ranks and folds do not know the sides, so
    what a fold makes of them is one matrix for all permutations.

    Examples of a group are in one fold and change sides together, and each group counts the same.
    """
    features = _normal_ranks(np.concatenate([ours, theirs]))
    units = units or Units.of_examples(len(ours), len(theirs))
    sides = np.repeat([-1.0, 1.0], units.counts)
    folds = _folds(units, rng)
    observed = _hits(features, sides[:, None], folds, units)[0]

    def reaches(num: int) -> NDArray[np.bool_]:
        shuffled = rng.permuted(np.repeat(sides[:, None], num, axis=1), axis=0)
        return np.asarray(_hits(features, shuffled, folds, units) >= observed - ENOUGH_CLOSER)

    return float(observed / len(sides)), p_value(reaches, permutations, _AT_ONCE)


def _folds(units: Units, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Examples of each fold; a group that both sides have is in one fold."""
    names = np.unique(units.names)
    held = np.array_split(rng.permutation(len(names)), min(FOLDS, len(names)))
    name_of_example = np.searchsorted(names, units.names[units.of])
    return [np.flatnonzero(np.isin(name_of_example, part)) for part in held]


def _hits(
    features: NDArray[np.float64], sides: NDArray[np.float64], folds: list[NDArray[np.int64]], units: Units
) -> NDArray[np.float64]:
    """How many held-out units are told rightly, for each column of `sides` (U, P) of -1 and 1.

    Of a group it is the share of its examples.
    """
    hits = np.zeros(sides.shape[1])
    weights = units.weights
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(features)), fold)
        known = features[rest]
        weighted = known * weights[rest, None]
        normal = weighted.T @ known
        normal[np.diag_indices_from(normal)] += RIDGE * weights[rest].sum()
        learnt = np.linalg.solve(normal, weighted.T @ sides[units.of[rest]])
        is_right = (features[fold] @ learnt > 0) == (sides[units.of[fold]] > 0)
        hits += weights[fold] @ is_right
    return hits


def _normal_ranks(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each feature's ranks as quantiles of a normal distribution, and a constant: whatever scale a feature has."""
    ranks = rankdata(np.nan_to_num(features), axis=0)
    scores = norm.ppf(ranks / (len(features) + 1))
    return np.concatenate([scores, np.ones((len(features), 1))], 1)
