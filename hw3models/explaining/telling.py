"""Where the families of a study differ, from what it has kept."""

from pathlib import Path

import numpy as np

from hw3models.data.dataset import Dataset
from hw3models.errors import DataError, DigestError
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.explaining.differences import differences, properties_of
from hw3models.explaining.questions import questions_of
from hw3models.specs import Answer


def differences_of(answer: Answer, family: str, dataset: Dataset) -> tuple[str, ...]:
    """`family` beside the best others; nothing where tables are gone, or where each seed has a test part of its own."""
    tables = {name: table for name in answer.evaluation if (table := _table(answer, name)) is not None}
    own = tables.get(family)
    if own is None:
        return ()
    same = {name: one for name, one in tables.items() if np.array_equal(one.test_index, own.test_index)}
    questions = questions_of(dataset)
    properties = properties_of(questions, dataset.class_names, dataset.channels, dataset.group_names)
    return tuple(differences(same, family, properties, questions.groups))


def _table(answer: Answer, name: str) -> PredictionTable | None:
    evaluation = answer.evaluation[name]
    try:
        table = load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    except (DataError, DigestError):
        return None
    told = table.probabilities is not None or table.targets is not None
    return table if told and not table.is_resampled else None
