"""What lies beside the reports: histories, prediction tables, images. What is gone is named, and stops nothing.

S = seeds, n = test examples, k = numbers in the code, m = kept reconstructions
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from hw3models.data.dataset import load
from hw3models.engine.model_store import load_model, rebuild
from hw3models.errors import DataError, DigestError
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.objectives.reconstruction import Coder
from hw3models.specs import DataReport, EvaluationReport, TrainReport

WALK_STEPS = 9
"""Pictures along each axis of a walk through the code."""


class History(BaseModel):
    """`history.json`: per seed, the values of each epoch in which it ran; None where a value was not finite."""

    seeds: list[int]
    train_loss: list[list[float | None]] | None = None
    validation_loss: list[list[float | None]] | None = None
    validation_accuracy: list[list[float | None]] | None = None
    learning_rate: list[float | None] = []


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that could not be read, and why."""

    what: str
    why: str


def load_history(training: TrainReport) -> History | Missing:
    """The learning curves of a network."""
    path = Path(training.directory) / "history.json"
    try:
        return History.model_validate_json(path.read_bytes())
    except OSError as error:
        return Missing(what=f"learning curves of {training.family}", why=_gone(path, error))
    except ValidationError as error:
        return Missing(
            what=f"learning curves of {training.family}",
            why=f"{path} is not a training history ({error.error_count()} faults).",
        )


def load_predictions(evaluation: EvaluationReport) -> PredictionTable | Missing:
    """The prediction table, if it is still the one that was evaluated."""
    try:
        return load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    except (DataError, DigestError) as error:
        return Missing(what=f"predictions of {evaluation.family}", why=str(error))


def load_originals(data: DataReport, test_index: NDArray[np.int64]) -> NDArray[np.uint8] | Missing:
    """The images at `test_index` of the prepared data, uint8 (m, H, W) or (m, H, W, 3)."""
    try:
        features = load(Path(data.path), digest=data.digest).features
    except (DataError, DigestError) as error:
        return Missing(what=f"original images of {data.name}", why=str(error))
    if features.dtype != np.uint8 or (len(test_index) and test_index.max() >= len(features)):
        return Missing(what=f"original images of {data.name}", why=f"the arrays have shape {features.shape}.")
    return np.asarray(features[test_index])


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What a decoder draws over a grid of codes of two numbers."""

    pictures: NDArray[np.uint8]
    """(rows, columns, H, W) or (..., 3), the highest second number first."""
    first: tuple[float, float]
    second: tuple[float, float]


def walk_through(training: TrainReport, codes: NDArray[np.float32], shape: tuple[int, ...]) -> Walk | Missing:
    """Decode a grid over the middle 90% of the test codes (n, 2) of the best seed."""
    what = f"walk through the code of {training.family}"
    try:
        manifest, states = load_model(Path(training.directory))
        model = rebuild(manifest, states, training.best_seed)
    except (DataError, KeyError, ValueError, RuntimeError) as error:
        return Missing(what=what, why=str(error))
    if not isinstance(model, Coder):
        return Missing(what=what, why=f"{manifest.family} has no decoder.")
    (first_low, second_low), (first_high, second_high) = np.quantile(codes, [0.05, 0.95], axis=0)
    first = torch.linspace(float(first_low), float(first_high), WALK_STEPS)
    second = torch.linspace(float(second_high), float(second_low), WALK_STEPS)
    grid = torch.stack([first.expand(WALK_STEPS, -1), second[:, None].expand(-1, WALK_STEPS)], dim=-1)
    with torch.inference_mode():
        pixels = model.decode(grid.reshape(-1, 2)).clamp(0, 1).mul(255).round()
    return Walk(
        pictures=pixels.reshape(WALK_STEPS, WALK_STEPS, *shape).numpy().astype(np.uint8),
        first=(float(first_low), float(first_high)),
        second=(float(second_low), float(second_high)),
    )


def _gone(path: Path, error: OSError) -> str:
    return f"{path} cannot be read ({error.strerror or type(error).__name__})."
