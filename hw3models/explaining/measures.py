"""Can a map be believed? Whether seeds agree on it, and whether the answer falls when what it ranks first is deleted.

S = members, n = examples, b = blocks of a map, F = shares that are deleted
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.explaining.maps import Asked
from hw3models.explaining.said import Said
from hw3models.serving.predictor import Member
from hw3models.stats.intervals import estimate, measure_mean

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of an example's blocks that are deleted together."""
ORDERS = 5
"""Random orders of blocks that each example is compared with."""
STABLE = 0.5
"""Correlation of two seeds' maps from which they are called stable: half of what one shows is in the other as well."""


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float


def mean_of(values: NDArray[np.floating], groups: NDArray[np.int64] | None) -> Interval:
    """Mean of (S, n) values, seeds crossed with examples or groups of them."""
    found = estimate(measure_mean(np.asarray(values, np.float64), groups=groups))
    return Interval(found.value, *found.interval())


def agreement(blocks: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Blocks (S, n, b) to (n,): the correlation of two seeds' maps, mean over all pairs; None with one seed.

    A map without any difference agrees with none.
    """
    if len(blocks) < 2:
        return None
    there = np.isfinite(blocks[0])
    counts = there.sum(axis=1)
    values = np.where(there, blocks, 0.0)
    centred = np.where(there, values - (values.sum(axis=2) / counts)[..., None], 0.0)
    norms = np.sqrt((centred**2).sum(axis=2, keepdims=True))
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 1e-9)
    return np.asarray(np.mean([(unit[i] * unit[j]).sum(axis=1) for i, j in combinations(range(len(unit)), 2)], axis=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Deletion:
    """What is left of the answer while blocks are deleted: the probability of what the model said of the whole, or of a
    number how far it has moved, as a negative number of standard deviations.
    """

    whole: float
    """Value for whole examples, mean over seeds."""
    ranked: tuple[float, ...]
    """After the blocks that the map ranks highest are gone, for each of `SHARES`."""
    random: tuple[float, ...]
    """After as many blocks at random."""
    gap: Interval
    """Random less ranked, mean over `SHARES`: above zero where the map knows what the answer rests on."""


def deletion(
    members: Sequence[Member],
    asked: Asked,
    said: Said,
    maps: NDArray[np.float64],
    blocks: NDArray[np.int64],
    blank: NDArray[np.float32],
    groups: NDArray[np.int64] | None,
) -> Deletion:
    """Each member by its own map: `maps` are block means (S, n, b), `blocks` says where blocks are (A, B).

    Values are replaced by the training mean, `blank`, for the ranked blocks as for the random ones.
    """
    rng = np.random.default_rng(0)
    there = np.isfinite(maps[0])
    counts = [np.maximum(1, np.rint(share * there.sum(axis=1)).astype(np.int64)) for share in SHARES]
    # Places in a random order of what is there: what is not comes last.
    orders = [_places(np.where(there, rng.random(there.shape), -np.inf)) for _ in range(ORDERS)]
    whole, ranked, at_random = [], [], []
    for member, own in zip(members, said.ranks(maps), strict=True):
        ask = _asker(member, asked, said, blocks, blank)
        whole.append(ask(np.zeros(there.shape, np.bool_)))
        own_places = _places(np.where(there, own, -np.inf))
        ranked.append([ask(own_places < count[:, None]) for count in counts])
        each = [[ask(places < count[:, None]) for count in counts] for places in orders]
        at_random.append(np.mean(each, axis=0))
    ranked_SFn, random_SFn = np.array(ranked), np.array(at_random)
    return Deletion(
        whole=float(np.mean(whole)),
        ranked=tuple(ranked_SFn.mean(axis=(0, 2)).tolist()),
        random=tuple(random_SFn.mean(axis=(0, 2)).tolist()),
        gap=mean_of((random_SFn - ranked_SFn).mean(axis=1), groups),
    )


def _places(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, b): how many of a row are larger."""
    return np.asarray(np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1, kind="stable"))


def _asker(
    member: Member,
    asked: Asked,
    said: Said,
    blocks: NDArray[np.int64],
    blank: NDArray[np.float32],
) -> Callable[[NDArray[np.bool_]], NDArray[np.float64]]:
    examples, lengths = asked
    whole = member(examples, lengths)

    def ask(gone: NDArray[np.bool_]) -> NDArray[np.float64]:
        hidden = gone[:, blocks]
        hidden = hidden if examples.ndim == hidden.ndim else hidden[..., None]
        return said.left(member(np.where(hidden, blank, examples), lengths), whole)

    return ask
