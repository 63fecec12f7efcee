"""Ensembles of a family's seeds, as entries of their own: `inception*5` has the mean probabilities of five networks, or
the mean of the numbers that they predict.

InceptionTime and LITETime are such ensembles. Of S seeds there are floor(S / M) ensembles that have no network in
common; with S = M that is one, and how lucky its seeds were is seen by leaving out one member at a time
(`hw3models.stats.intervals.of_ensembles`).

S = ensembles, M = members, n = test examples, K = classes (1 of numbers)
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.evaluation.prediction_table import PredictionTable

MOST_MEMBERS = 100


class Ensemble(NamedTuple):
    """A name such as `inception*5`, taken apart."""

    family: str
    members: int


def ensemble_of(name: str) -> Ensemble | None:
    """What an entry is an ensemble of; None where it is a family.

    Raises:
        SpecError: what stands behind the asterisk is no number of members.
    """
    family, star, number = name.rpartition("*")
    if not star:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", number) or not 2 <= int(number) <= MOST_MEMBERS or not family:
        raise SpecError(
            f"`families`: {name!r} is no ensemble. Write a network, an asterisk and a number of members from 2 to "
            f"{MOST_MEMBERS}, as in `inception*5`."
        )
    return Ensemble(family, int(number))


def named_ensemble(name: str) -> Ensemble | None:
    """The same for names that anybody may have given: what is no ensemble is a family."""
    try:
        return ensemble_of(name)
    except SpecError:
        return None


def family_of(entry: str) -> str:
    """The family whose seeds an entry of a comparison is made of: `cnn` of `cnn` and of `cnn*5`."""
    ensemble = named_ensemble(entry)
    return entry if ensemble is None else ensemble.family


def ensemble_table(table: PredictionTable, name: str, members: int) -> PredictionTable:
    """The table of ensembles of `members` seeds each, one after another; what is left over of the seeds stays out.

    Raises:
        SpecError: there are fewer seeds, replicates were tested on splits of their own, or have no probabilities.
    """
    said = table.probabilities if table.predicted is None else table.predicted[:, :, None]
    if said is None or table.hard:
        raise SpecError(f"`families`: {name} needs probabilities, and {table.family} has none. Leave the ensemble out.")
    if table.is_resampled or table.training_resampled:
        raise SpecError(
            f"`families`: {name} needs networks that were trained on the same examples and tested on the same. Use "
            "`resampling: seed`, or leave the ensemble out."
        )
    num = len(table.seeds) // members
    if num == 0:
        raise SpecError(
            f"`families`: {name} needs {members} seeds, and {table.family} has {len(table.seeds)}. Give `seeds` of at "
            f"least {members}, or a smaller ensemble."
        )
    each = said[: num * members].reshape(num, members, *said.shape[1:])
    seeds = np.array(table.seeds[: num * members], np.int64).reshape(num, members)
    return replace(
        table,
        family=name,
        seeds=tuple(int(seed) for seed in seeds[:, 0]),
        **_mean_of(table, each.mean(axis=1, dtype=np.float64)),
        members=each,
        member_seeds=seeds,
    )


def without_each_member(table: PredictionTable) -> Iterator[PredictionTable]:
    """The ensembles without their first member, without their second, and so on, as plain tables."""
    assert table.members is not None
    num = table.members.shape[1]
    total = table.members.sum(axis=1, dtype=np.float64)
    for i in range(num):
        rest = (total - table.members[:, i]) / (num - 1)
        yield replace(table, **_mean_of(table, rest), members=None, member_seeds=None)


def _mean_of(table: PredictionTable, mean: NDArray[np.float64]) -> dict[str, Any]:
    """What members say together (S, n, K), as the field of the table that holds it."""
    if table.predicted is not None:
        return {"predicted": mean[:, :, 0]}
    return {"probabilities": mean.astype(np.float32)}
