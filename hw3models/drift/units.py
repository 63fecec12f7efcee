"""What the sides of a look are drawn from: groups of examples, where they are known, each of which counts the same.

Examples of a group are alike. Twenty windows of a person say of the next person little more than one does, and a test
that takes them for independent calls every new person drift.

N examples of both sides together, U units, Q places
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hw3models.drift.permuting import ENOUGH_CLOSER, p_value

PLACES = 200
"""Quantiles at which distributions are compared under permuted sides."""
_AT_ONCE = 2000
"""Permutations that are held in memory together."""
Grouped = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Groups (n,) of the examples of both sides, in one numbering."""


@dataclass(frozen=True)
class Units:
    """The units of both sides, the reference's first. A group that both sides have is one unit on each."""

    of: NDArray[np.int64]
    """(N,) the unit of each example."""
    names: NDArray[np.int64]
    """(U,) the group that a unit is of."""
    counts: tuple[int, int]
    """Units of the reference, and of the new data."""

    @classmethod
    def of_examples(cls, ours: int, theirs: int) -> "Units":
        """Each example is a unit."""
        every = np.arange(ours + theirs)
        return cls(every, every, (ours, theirs))

    @classmethod
    def of_groups(cls, groups: Grouped) -> "Units":
        """Each group of a side is a unit."""
        ours, theirs = (np.unique(side, return_inverse=True) for side in groups)
        of = np.concatenate([ours[1], len(ours[0]) + theirs[1]])
        return cls(of, np.concatenate([ours[0], theirs[0]]), (len(ours[0]), len(theirs[0])))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(N,) an example's share of its unit."""
        return np.asarray(1 / np.bincount(self.of, minlength=len(self.names))[self.of])

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(U, Q) the mean of values (N, Q) in each unit."""
        sums = np.stack([np.bincount(self.of, column, minlength=len(self.names)) for column in values.T], 1)
        return np.asarray(sums / np.bincount(self.of, minlength=len(self.names))[:, None])


def smallest_p_value(counts: tuple[int, int]) -> float:
    """The smallest that a permutation of so many units can give."""
    return 1 / math.comb(sum(counts), counts[0])


@dataclass(frozen=True)
class Permuting:
    """The sides of whole units, as they are and permuted."""

    units: Units
    permutations: int
    rng: np.random.Generator

    def distance(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """Kolmogorov and Smirnov's distance of the distributions of values (N,), units weighing the same; its p."""
        places = np.unique(np.quantile(values, np.linspace(0, 1, PLACES + 1)[:-1]))
        below = (values[:, None] <= places).astype(np.float64)
        return self._judged(below, lambda changes: np.asarray(np.abs(changes).max(1)))

    def shares(self, classes: NDArray[np.int64], num: int) -> tuple[float, float]:
        """Total variation between the shares of `num` classes (N,), and its p-value."""
        return self._judged(np.eye(num)[classes], lambda changes: np.asarray(np.abs(changes).sum(1) / 2))

    def change(self, hits: NDArray[np.bool_]) -> tuple[float, float]:
        """How far the share of hits (N,) is from that of the reference, and its p-value."""
        return self._judged(hits[:, None].astype(np.float64), lambda changes: np.abs(changes[:, 0]))

    def _judged(
        self, values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> tuple[float, float]:
        """The statistic (n,) of changes (n, Q) of the units' means of values (N, Q), and its p-value."""
        means = self.units.means(values)
        first, second = self.units.counts
        # They take the mean of the new units less that of the reference.
        sides = np.repeat([-1 / first, 1 / second], self.units.counts)
        observed = float(statistic(sides[None] @ means)[0])

        def reaches(num: int) -> NDArray[np.bool_]:
            shuffled = self.rng.permuted(np.repeat(sides[None], num, axis=0), axis=1)
            return np.asarray(statistic(shuffled @ means) >= observed - ENOUGH_CLOSER)

        return observed, p_value(reaches, self.permutations, _AT_ONCE)


def number_groups(sides: Sequence[Sequence[str]]) -> list[NDArray[np.int64]]:
    """The groups of each side in one numbering: the same text is the same group."""
    numbers = {name: number for number, name in enumerate(sorted({name for side in sides for name in side}))}
    return [np.array([numbers[name] for name in side], dtype=np.int64) for side in sides]
