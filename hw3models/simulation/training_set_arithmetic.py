"""The designs of `training_sets` on paper: what each test finds where the parts of the variance are known.

The difference of two families has the variance tau^2 over training parts; that over test examples is the unit, sigma^2
that over the seeds of one replicate of each, and a resample adds r tau^2. With many degrees of freedom a test whose
standard error is k times the true one finds a difference of zero in 2 Phi(-1.96 k) of the studies.

S = seeds
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

LEVEL, POWER = 0.05, 0.8
_Z = NormalDist()

Test = Literal["as seeds", "corrected", "with fixed"]


@dataclass(frozen=True)
class Parts:
    """Variances of the difference of two families, in units of that over test examples."""

    training: float
    """tau^2: over training parts."""
    seeds: float
    """sigma^2: over the seeds of one replicate of each."""


def variances(parts: Parts, seeds: int, test: Test, moves: float) -> tuple[float, float]:
    """The variance about the mean over training parts, and the expectation of what the test takes for it.

    `moves` is r: 0 where all replicates are trained on the whole training part.
    """
    whole = 1 + parts.training + parts.seeds / seeds
    if test == "with fixed":
        return whole, whole
    one = parts.seeds + moves * parts.training
    true = 1 + parts.training + one / seeds
    return true, 1 + one / seeds + (one / moves if test == "corrected" else 0)


def rates(parts: Parts, seeds: int, test: Test, moves: float) -> tuple[float, float]:
    """How often there is a difference where there is none, and where there is one.

    That is of the size which 80% of the studies find whose variance on the whole training part is known.
    """
    true, taken = variances(parts, seeds, test, moves)
    border = -_Z.inv_cdf(LEVEL / 2) * (taken / true) ** 0.5
    whole, _ = variances(parts, seeds, "with fixed", moves)
    wanted = (_Z.inv_cdf(POWER) - _Z.inv_cdf(LEVEL / 2)) * (whole / true) ** 0.5
    return 2 * _Z.cdf(-border), _Z.cdf(wanted - border)
