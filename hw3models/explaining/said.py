"""What a model says of an example, as maps and the deletion test see it.

Of a classifier that is the class that its seeds together name: maps are of its log-odds, and the deletion test watches
its probability. Of a number it is the number, in standard deviations of the training examples: maps say by how much a
cell raises it, and the deletion test watches how far it moves.

S = members, n = examples, K = classes
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.specs import TargetReport

LEAST = 1e-6
"""Probabilities are taken to lie this far from 0 and 1 at least, so that log-odds are numbers."""

Columns = Mapping[str, NDArray[Any]]
"""What a member says, by name."""


@dataclass(frozen=True, eq=False)
class ClassSaid:
    """The class of each example that maps are about."""

    codes: NDArray[np.int64]
    """(n,)."""
    is_number = False

    def of(self, places: NDArray[np.int64] | slice) -> "ClassSaid":
        """Some of the examples."""
        return ClassSaid(self.codes[places])

    def keys(self) -> NDArray[np.int64]:
        """(n,): what `score` and `output` need to know of each example."""
        return self.codes

    def score(self, columns: Columns, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,): what maps are of, log-odds."""
        p = np.clip(_chosen(columns, keys), LEAST, 1 - LEAST)
        return np.asarray(np.log(p / (1 - p)))

    def output(self, outputs: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """(n,): the same of a network's outputs (n, K)."""
        return margin(outputs, keys)

    def left(self, columns: Columns, whole: Columns) -> NDArray[np.float64]:  # noqa: ARG002
        """(n,): what is left of the answer to the whole example: its probability."""
        return _chosen(columns, self.codes)

    def ranks(self, maps: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is deleted first has the highest: what speaks most for the class."""
        return maps


@dataclass(frozen=True, eq=False)
class NumberSaid:
    """The number that is said of each example."""

    numbers: NDArray[np.float64]
    """(n,): mean over members, in the numbers' own units."""
    target: TargetReport
    is_number = True

    def of(self, places: NDArray[np.int64] | slice) -> "NumberSaid":
        """Some of the examples."""
        return NumberSaid(self.numbers[places], self.target)

    def keys(self) -> NDArray[np.int64]:
        """(n,): nothing is needed."""
        return np.zeros(len(self.numbers), np.int64)

    def score(self, columns: Columns, keys: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ARG002
        """(n,): standard deviations above the training mean."""
        return (np.asarray(columns["prediction"], np.float64) - self.target.mean) / self.target.std

    def output(self, outputs: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """(n,): the same of a network's outputs (n, 1), which are standardised."""
        return outputs[..., 0]

    def left(self, columns: Columns, whole: Columns) -> NDArray[np.float64]:
        """(n,): less the distance from what is said of the whole example."""
        moved: NDArray[np.float64] = np.abs(self.score(columns, self.keys()) - self.score(whole, self.keys()))
        return -moved

    def ranks(self, maps: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is deleted first has the highest: what moves the number most, up or down."""
        return np.abs(maps)


Said = ClassSaid | NumberSaid


def said_by(members: list[Columns], target: TargetReport | None) -> Said:
    """What the members' columns say together.

    Raises:
        SpecError: they name neither classes nor numbers.
    """
    if target is not None:
        return NumberSaid(np.mean([np.asarray(one["prediction"], np.float64) for one in members], axis=0), target)
    if "probabilities" not in members[0]:
        raise SpecError("only answers that are classes or numbers are explained.")
    return ClassSaid(np.stack([one["probabilities"] for one in members]).mean(axis=0).argmax(axis=1))


def margin(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """(B,): log-odds of the targets, of logits (B, K)."""
    is_target = torch.nn.functional.one_hot(targets, logits.shape[-1]).bool()
    others = logits.masked_fill(is_target, -torch.inf)
    return logits.gather(-1, targets[:, None])[:, 0] - others.logsumexp(-1)


def _chosen(columns: Columns, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array(columns["probabilities"][np.arange(len(codes)), codes], np.float64)
