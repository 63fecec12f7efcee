"""Prediction tables made to order: classifiers that are right on chosen examples, autoencoders with chosen errors."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import evaluate
from hw3models.families import facts_of
from hw3models.specs import ComparisonReport, EvaluationReport


def classifier(right_SN: Any, *, family: str = "mlp", data_digest: str = "d1", num_classes: int = 2) -> PredictionTable:
    """Right where `right_SN` (S, n) says so, with a confidence of 0.9; otherwise it names the next class."""
    right = np.atleast_2d(np.asarray(right_SN, dtype=bool))
    labels = np.arange(right.shape[1]) % num_classes
    named = np.where(right, labels, (labels + 1) % num_classes)
    probabilities = np.full((*right.shape, num_classes), 0.1 / (num_classes - 1), np.float32)
    np.put_along_axis(probabilities, named[..., None], np.float32(0.9), axis=2)
    return with_probabilities(probabilities, labels, family=family, data_digest=data_digest)


def with_probabilities(
    probabilities: NDArray[Any], labels: NDArray[Any], *, family: str = "mlp", data_digest: str = "d1"
) -> PredictionTable:
    return PredictionTable(
        family=family,
        data_digest=data_digest,
        seeds=tuple(range(len(probabilities))),
        test_index=np.arange(len(labels)) + 100,
        labels=np.asarray(labels, np.int64),
        probabilities=probabilities.astype(np.float32),
    )


def random_classifier(rng: np.random.Generator, num_seeds: int, labels: NDArray[Any], num_classes: int) -> Any:
    """Float32 (S, n, K), with a leaning to the right class."""
    logits = rng.normal(size=(num_seeds, len(labels), num_classes))
    logits[:, np.arange(len(labels)), labels] += 1
    odds = np.exp(logits)
    return (odds / odds.sum(axis=2, keepdims=True)).astype(np.float32)


def autoencoder(errors_SN: Any, *, family: str = "autoencoder", num_pixels: int = 784) -> PredictionTable:
    errors = np.atleast_2d(np.asarray(errors_SN, dtype=np.float64))
    num = errors.shape[1]
    return PredictionTable(
        family=family,
        data_digest="d1",
        seeds=tuple(range(len(errors))),
        test_index=np.arange(num),
        labels=np.arange(num) % 2,
        squared_error=errors,
        num_pixels=num_pixels,
    )


def skilled(rng: np.random.Generator, share: float, *, num_seeds: int = 5, num: int = 400) -> Any:
    """Bool (S, n): right with probability `share`, independently."""
    return rng.random((num_seeds, num)) < share


def evaluated(table: PredictionTable, class_names: tuple[str, ...] = ("no", "yes")) -> EvaluationReport:
    return evaluate(
        table,
        class_names,
        predict_seconds_per_1000=0.5,
        device="cpu (test)",
        table_path="predictions.npz",
        table_digest=table.digest,
    )


def facts(names: Iterable[str], baselines: Collection[str] = ()) -> dict[str, FamilyFacts]:
    """Those of the registry, with other baselines."""
    return {name: replace(one, is_baseline=name in baselines) for name, one in facts_of(names).items()}


def compared(rights: Mapping[str, Any], *, baselines: Collection[str] = (), **options: Any) -> ComparisonReport:
    """Compare classifiers that are right on the given examples; every seed trains in one second."""
    tables = {name: classifier(right, family=name) for name, right in rights.items()}
    options = {"train_seconds": {name: float(len(table.seeds)) for name, table in tables.items()}} | options
    return compare(tables, facts=facts(tables, baselines), **options)
