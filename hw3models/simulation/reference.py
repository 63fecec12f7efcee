"""The test of version 0.1 for a difference of two accuracies: what power is measured against.

Crossed variance components, Student's t, and the degrees of freedom (sum V_i)^2 / sum(V_i^2 / (d_i + 1)) - 1 of Welch.
It is a little stronger than today's, and cries wolf more often where seeds vary unlike.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Array = NDArray[np.float64]


def plain_t(a: Array, b: Array) -> float:
    """Two-sided p of the difference of two families' right answers (S, n), as 0 and 1, several seeds each."""
    parts = [(float(one.mean(axis=1).var(ddof=1)) / len(one), len(one) - 1.0) for one in (a, b)]
    twice = sum(
        max(0.0, _of_examples(one).mean() - float(_of_examples(one.mean(axis=0)))) / (len(one) - 1) for one in (a, b)
    )
    apart = a.mean(axis=0) - b.mean(axis=0)
    parts.append((max(float(_of_examples(apart)) - twice, 0.0), len(apart) - 1.0))
    total = sum(variance for variance, _ in parts)
    df = max(1.0, total**2 / sum(variance**2 / (own + 1) for variance, own in parts) - 1)
    return float(2 * stdtr(df, -abs(apart.mean()) / total**0.5))


def _of_examples(values: Array) -> Array:
    result: Array = values.var(axis=-1, ddof=1) / values.shape[-1]
    return result
