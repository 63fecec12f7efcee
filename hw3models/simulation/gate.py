"""How often the promotion gate is wrong, and how often it finds what is there, in worlds whose truth is known.

Predictions follow a crossed probit model (McCulloch 1994). Which examples are hard for a network
is the same every night; its seeds are new.

S = seeds of each network, n = test examples
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hw3models.evaluation.gate import FIRST, Turn, grounds_for
from hw3models.simulation.rates import Rate, rate
from hw3models.stats.intervals import Estimate, difference, measure_mean

Array = NDArray[np.float64]
MARGIN = 0.005
SHARE = 0.85
"""Accuracy of the first champion."""
_SEED = 20_261_128


@dataclass(frozen=True)
class World:
    """One kind of study, and what varies in it."""

    seeds: int = 5
    examples: int = 1000
    networks: int = 4
    """Networks that a challenger is picked from, by the best mean."""
    luck: float = 0.1
    """Standard deviation of the luck of a seed, where that of an example's difficulty is 1."""
    own: float = 0.5
    """The same of what makes an example hard for one network alone."""
    margin: float = MARGIN


class _Nights:
    """Test examples that networks are asked about again and again. Network 0 is the first champion."""

    def __init__(self, world: World, rng: np.random.Generator, networks: int) -> None:
        self.world, self.rng = world, rng
        hard = rng.standard_normal(world.examples)
        self.base = hard + world.own * rng.standard_normal((networks, world.examples))
        self.scale = float(np.sqrt(2 + world.own**2 + world.luck**2))

    def right(self, network: int, share: float) -> Array:
        """Which examples S new seeds of a network name rightly, (S, n); `share` is what is to be expected."""
        shape = (self.world.seeds, self.world.examples)
        noise = self.rng.standard_normal(shape) + self.world.luck * self.rng.standard_normal((shape[0], 1))
        found: Array = (self.base[network] + noise + norm.ppf(share) * self.scale > 0).astype(np.float64)
        return found


def changes(world: World, gain: float, *, repeats: int, number: int = 1, halves: bool = False) -> Rate:
    """How often the best of several networks that are all better by `gain` takes over, at the decision of this number.

    `halves`: it is picked on one half of the examples and judged on the other, at an undivided level, which is the
    alternative that was rejected (docs/decisions/0024).
    """
    rng, hits = np.random.default_rng([_SEED, number, halves]), 0
    level = Turn(number=number, picked_from=1 if halves else world.networks).level
    middle = world.examples // 2 if halves else 0
    for _ in range(repeats):
        nights = _Nights(world, rng, world.networks + 1)
        champion = nights.right(0, SHARE)
        tries = [nights.right(one, SHARE + gain) for one in range(1, world.networks + 1)]
        picked = max(tries, key=lambda one: float(one[:, : middle or None].mean()))
        hits += _takes_over(picked[:, middle:], champion[:, middle:], world.margin, level)
    return rate(hits, repeats)


def false_changes(world: World, *, nights: int, repeats: int, spend: bool = True) -> Rate:
    """How often there is one false change or more, where all networks are equal and trained anew every night.

    `spend`: the level is shared among the nights; otherwise each of them has it all.
    """
    rng, hits = np.random.default_rng([_SEED, nights]), 0
    for _ in range(repeats):
        asked = _Nights(world, rng, world.networks)
        champion = asked.right(0, SHARE)
        for night in range(1, nights + 1):
            picked = max((asked.right(one, SHARE) for one in range(world.networks)), key=np.mean)
            level = Turn(number=night, picked_from=world.networks).level if spend else FIRST.level
            if _takes_over(picked, champion, world.margin, level):
                hits += 1
                break
    return rate(hits, repeats)


def downhill(world: World, loss: float, *, steps: int, repeats: int, anchored: bool = True) -> tuple[Rate, float]:
    """Challengers that are each cheaper, and worse than the champion of that day by `loss`.

    Returns:
        How often the last champion is worse than the first by more than the margin; by how much it is on average.
    """
    rng, lost = np.random.default_rng([_SEED, steps]), []
    for _ in range(repeats):
        nights = _Nights(world, rng, steps + 1)
        champion = anchor = nights.right(0, SHARE)
        share = SHARE
        for step in range(1, steps + 1):
            challenger = nights.right(step, share - loss)
            found = grounds_for(
                _gain(challenger, champion),
                world.margin,
                Turn(number=step).level,
                is_cheaper=True,
                from_anchor=_gain(challenger, anchor) if anchored else None,
            )
            if found is not None:
                champion, share = challenger, share - loss
        lost.append(SHARE - share)
    return rate(sum(one > world.margin for one in lost), repeats), float(np.mean(lost))


def _takes_over(challenger: Array, champion: Array, margin: float, level: float) -> bool:
    # A limit is below its value: most of the work of most nights is not needed.
    if challenger.mean() - champion.mean() <= margin:
        return False
    return grounds_for(_gain(challenger, champion), margin, level) is not None


def _gain(challenger: Array, champion: Array) -> Estimate:
    return difference(measure_mean(challenger, is_share=True), measure_mean(champion, is_share=True))
