"""How much examples in groups of unequal sizes say."""

import numpy as np
from numpy.typing import ArrayLike


def equal_groups(groups: ArrayLike) -> float:
    """Number of groups of one size that would say as much about what differs between groups, (sum n)^2 / sum(n^2).

    The effective sample size of Kish (1965, Survey Sampling, ch. 8), with the number n of a group's examples as its
    weight. As many as there are groups where all are of one size, and nearly 1 where one group has nearly all.

    Args:
        groups: (N,) the group of each example, N > 0.
    """
    sizes = np.unique(np.asarray(groups), return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / np.square(sizes).sum())
