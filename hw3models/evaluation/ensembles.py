"""All seeds of a family as one model: the mean of their probabilities, judged as what it is, a model of its own.

An ensemble that is kept is a fixed one, and its luck of training is part of it: its table has one row, and its
uncertainty is that of the test examples.
"""

import re
from dataclasses import replace

import numpy as np

from hw3models.errors import SpecError
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.prediction_table import PredictionTable

_ENTRY = re.compile(r"(?P<family>.+)\*(?P<members>\d+)")


def entry_name(family: str, members: int) -> str:
    """`cnn*5`, as an entry of its own is called."""
    return f"{family}*{members}"


def parse_entry(name: str) -> tuple[str, int | None]:
    """The family and the number of its members, of `cnn*5`; None members of `cnn`, a single model."""
    found = _ENTRY.fullmatch(name)
    return (name, None) if found is None else (found["family"], int(found["members"]))


def ensemble_table(table: PredictionTable) -> PredictionTable:
    """The table of all seeds as one model.

    Raises:
        SpecError: they have no mean, were tested on splits of their own, or are one.
    """
    if table.probabilities is None or table.is_resampled or table.training_resampled or len(table.seeds) < 2:
        raise SpecError(
            f"`family` {table.family}: only several seeds of a classifier, trained and tested on the same examples, "
            "make an ensemble. Train such a study."
        )
    return replace(
        table,
        family=entry_name(table.family, len(table.seeds)),
        seeds=table.seeds[:1],
        probabilities=table.probabilities.mean(axis=0, keepdims=True, dtype=np.float32),
        hard=False,
    )


def ensemble_facts(facts: FamilyFacts, members: int) -> FamilyFacts:
    """What is known about the ensemble of a family."""
    return replace(facts, label=f"{facts.label}, ensemble of {members}", deterministic=True)
