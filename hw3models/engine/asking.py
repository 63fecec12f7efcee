"""A model folder of any kind asked again about the test split of a data set."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hw3models.data.dataset import Dataset
from hw3models.engine.fitted_store import load_fitted, restored_answers
from hw3models.engine.model_store import load_model, stored_manifest
from hw3models.engine.predicting import one_network, predict
from hw3models.errors import DataError
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.families import family_of
from hw3models.families.baselines import parts, standardised
from hw3models.families.family import Answers
from hw3models.objectives.objective import BaselineFit
from hw3models.runtime.devices import in_a_thread_of_its_own
from hw3models.specs.model import ModelManifest


def ask_again(directory: Path, dataset: Dataset, device: torch.device) -> PredictionTable:
    """What every replicate says about the test split, here and now; not of resampled splits of a baseline.

    Raises:
        DataError: the folder does not hold a whole model.
    """
    manifest = stored_manifest(directory)
    if manifest.format == "safetensors":
        return predict(*load_model(directory), dataset, device)[0]
    manifest, fitted = load_fitted(directory)
    objective = family_of(manifest).objective
    # PCA sees pixels as they are, whatever networks see.
    seen = replace(dataset, mean=np.array(manifest.mean, np.float32), std=np.array(manifest.std, np.float32))
    said = [_said(_restored(directory, one), seen, hard=_is_hard(manifest, one)) for one in fitted.values()]
    return objective.baseline_table(manifest.family, manifest.seeds, said, dataset)


def _restored(directory: Path, fitted: Any) -> Answers:
    try:
        return restored_answers(stored_manifest(directory), fitted)
    except ValueError as error:
        raise DataError(f"{directory}: not a whole model ({error}). Train it again.") from error


def _is_hard(manifest: ModelManifest, fitted: Any) -> bool:
    """Names an estimator from outside classes alone?"""
    return manifest.origin is not None and not hasattr(fitted, "predict_proba")


def _said(answers: Answers, dataset: Dataset, *, hard: bool) -> BaselineFit:
    """Asks in the pieces in which it was judged, so that the same bits come."""
    asked = [answers(standardised(dataset, part)) for part in parts(dataset.test)]
    columns = {name: np.concatenate([one[name] for one in asked]) for name in asked[0]}
    if "probabilities" in columns:
        return BaselineFit(probabilities=columns["probabilities"], hard=hard, parameters=0, predict_seconds=0)
    if "prediction" in columns:
        return BaselineFit(numbers=columns["prediction"].astype(np.float64), parameters=0, predict_seconds=0)
    return BaselineFit(
        reconstructions=columns["reconstruction"],
        codes=columns["code"],
        train_codes=answers(standardised(dataset, dataset.train))["code"],
        parameters=0,
        predict_seconds=0,
    )


def seconds_side_by_side(
    first: tuple[Path, int], second: tuple[Path, int], dataset: Dataset, device: torch.device
) -> tuple[float, float]:
    """What two model folders take for the test split, in turn five times; medians, so that noise falls on both.

    Each is asked by its best seed, or by so many of its first, where it is an ensemble.
    """
    asked = [_clock(directory, members, dataset, device) for directory, members in (first, second)]
    with torch.inference_mode():
        rounds = [[one() for one in asked] for _ in range(5)]
    ours, theirs = np.median(rounds, axis=0)
    return float(ours), float(theirs)


def _clock(directory: Path, members: int, dataset: Dataset, device: torch.device) -> Callable[[], float]:
    manifest = stored_manifest(directory)
    seeds = manifest.seeds[:members] if members > 1 else (manifest.best_seed,)
    if manifest.format == "safetensors":
        networks = [one_network(*load_model(directory), seed, dataset, device) for seed in seeds]
        return lambda: sum(seconds(dataset.test) for seconds in networks)
    _, fitted = load_fitted(directory)
    answers = [_restored(directory, fitted[seed]) for seed in seeds]

    def seconds() -> float:
        start = time.perf_counter()
        for one in answers:
            for part in parts(dataset.test):
                one(standardised(dataset, part))
        return time.perf_counter() - start

    return lambda: in_a_thread_of_its_own(seconds)
