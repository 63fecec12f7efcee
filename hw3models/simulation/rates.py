"""Figures of a simulation with their 95% Monte Carlo intervals."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hw3models.specs import Report

_Z = float(norm.ppf(0.975))


class Rate(Report):
    """A share of the repeats (or a mean over them), with its 95% interval."""

    share: float
    low: float
    high: float


def rate(hits: int, repeats: int) -> Rate:
    """Share and Wilson's interval (1927)."""
    share, z = hits / repeats, _Z
    centre = (share + z**2 / (2 * repeats)) / (1 + z**2 / repeats)
    half = z / (1 + z**2 / repeats) * math.sqrt(share * (1 - share) / repeats + z**2 / (4 * repeats**2))
    return Rate(share=share, low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))


def mean(values: NDArray[np.float64]) -> Rate:
    """Mean of many values and its normal interval."""
    centre, half = float(values.mean()), _Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Rate(share=centre, low=centre - half, high=centre + half)


def ratio(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> Rate:
    """How often one happens for each time the other does, on the same repeats (delta method on the logarithm)."""
    first, second = (max(float(hits.mean()), 0.5 / len(hits)) for hits in (one, other))
    spread = one / first - other / second
    half = _Z * float(spread.std(ddof=1)) / math.sqrt(len(one))
    share = first / second
    return Rate(share=share, low=share * math.exp(-half), high=share * math.exp(half))
