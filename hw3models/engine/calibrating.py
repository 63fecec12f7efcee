"""Temperature scaling (Guo et al. 2017): one factor for the logits of each replicate, fitted on validation examples.

It changes no answer, only how sure it is said to be.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from hw3models.data.dataset import Dataset
from hw3models.data.resamples import split_of
from hw3models.engine.chunked import load_data
from hw3models.engine.model_store import load_model, rebuild, write_manifest
from hw3models.engine.precision import products
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score
from hw3models.evaluation.wording import value
from hw3models.families import family_of
from hw3models.nn.program import Program
from hw3models.nn.stacking import State
from hw3models.specs.model import ModelManifest

MIN_EXAMPLES = 100
"""Validation examples below which one factor cannot be told from 1."""
LIMITS = (0.05, 20.0)
"""Smallest and largest temperature."""


def calibrate(directory: Path, dataset: Dataset, device: torch.device) -> None:
    """Write the temperatures into the manifest of a model folder, where there are enough validation examples."""
    manifest, states = load_model(directory)
    if found := temperatures_of(manifest, states, dataset, device):
        write_manifest(directory, manifest.model_copy(update={"temperatures": found}))


def temperatures_of(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[float, ...]:
    """The temperature of each seed of a classifier; empty where there are too few validation examples."""
    splits = [split_of(dataset, manifest.resampling, seed) for seed in manifest.seeds]
    if not _classifies(manifest) or min(len(one.validation) for one in splits) < MIN_EXAMPLES:
        return ()
    found = []
    with products(device), torch.inference_mode():
        for seed, split in zip(manifest.seeds, splits, strict=True):
            program = Program([rebuild(manifest, states, seed).to(device)], "plain")
            batches = load_data(split, device).in_order(split.validation, 1)
            logits = torch.cat([program(*batch.arguments)[0].float().cpu() for batch in batches])
            found.append(temperature(logits.double().numpy(), split.labels[split.validation]))
    return tuple(found)


def _classifies(manifest: ModelManifest) -> bool:
    return "accuracy" in family_of(manifest).objective.metrics


def calibration_text(manifest: ModelManifest, table: PredictionTable, num_validation: int) -> str:
    """What it has changed on the test split of `table`, in a sentence; empty for what is no classifier."""
    if not _classifies(manifest):
        return ""
    if not manifest.temperatures:
        few = f"{num_validation:,} validation examples, and {MIN_EXAMPLES} are needed"
        return f"Probabilities are as the network gives them: no temperature scaling ({few})."
    before = score(before_scaling(table, manifest.temperatures), "calibration_error").mean
    after = score(table, "calibration_error").mean
    shown = ", ".join(f"{one:.2f}" for one in manifest.temperatures[:10])
    return (
        f"Temperature scaling on {num_validation:,} validation examples (temperatures {shown}): calibration error "
        f"{value('calibration_error', before)} before, {value('calibration_error', after)} after; no answer changed."
    )


def before_scaling(table: PredictionTable, temperatures: Sequence[float]) -> PredictionTable:
    """The table as it would be without: a softmax of logits / T, to the power of T, is that of the logits."""
    assert table.probabilities is not None
    powers = np.power(table.probabilities.astype(np.float64), np.array(temperatures)[:, None, None])
    plain = powers / powers.sum(axis=2, keepdims=True)
    return replace(table, probabilities=plain.astype(np.float32))


def temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The factor that logits (n, K) are divided by, of the highest likelihood; 1 where they are not finite.

    One example more is spread over all classes (as in Platt 1999): a replicate that is right about every validation
    example is not taken to be sure of all others.
    """
    num, num_classes = logits.shape
    if not np.isfinite(logits).all():
        return 1.0
    target = np.full_like(logits, 1 / num_classes / (num + 1))
    target[np.arange(num), labels] += num / (num + 1)

    def loss(log_temperature: float) -> float:
        return -float((target * log_softmax(logits / np.exp(log_temperature), axis=1)).sum())

    found = minimize_scalar(loss, bounds=tuple(np.log(LIMITS)), method="bounded")
    return float(np.exp(found.x))
