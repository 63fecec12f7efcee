"""Many comparisons and many looks: Holm's correction, and how looks share the level."""

import math
from collections.abc import Sequence

LEVEL = 0.05
"""Chance of one or more false alarms among all pairs, at most."""


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which hypotheses are rejected, by the step-down procedure of Holm (1979).

    The smallest p of m is compared with level / m, the next with level / (m - 1), ...; the first that fails ends it.
    """
    rejected = [False] * len(p_values)
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > level / (len(p_values) - step):
            break
        rejected[index] = True
    return rejected


def plan(seeds: int, max_seeds: int) -> tuple[int, ...]:
    """Seeds per family at each look, the last of them `max_seeds`."""
    looks = [seeds]
    while looks[-1] < max_seeds:
        looks.append(min(2 * looks[-1], max_seeds))
    return tuple(looks)


def spent(fraction: float, level: float = LEVEL) -> float:
    """What may have been spent of `level` when a `fraction` of the seeds is there (Lan and DeMets 1983)."""
    return level * math.log(1 + (math.e - 1) * fraction)


def levels(looks: tuple[int, ...], level: float = LEVEL) -> tuple[float, ...]:
    """The level of each look's own tests; they sum to `level`."""
    totals = [spent(seeds / looks[-1], level) for seeds in looks]
    return tuple(total - before for total, before in zip(totals, [0.0, *totals], strict=False))
