"""More seeds of a family that was trained before: their models and predictions, put into one folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hw3models.data import load_prepared
from hw3models.engine.calibrating import calibration_text
from hw3models.engine.fitted_store import dumped, load_fitted, store_fitted
from hw3models.engine.model_store import load_model, store, stored_manifest
from hw3models.evaluation.prediction_table import PredictionTable, add_seeds, load_table, save_table
from hw3models.evaluation.scores import evaluate
from hw3models.specs import DataReport, EvaluationReport, TrainReport, TrainSpec

Results = tuple[TrainReport, EvaluationReport]


def merge(
    spec: TrainSpec, first: Results, more: Results, data: DataReport, directory: Path, *, search: int | None = None
) -> Results:
    """The replicates of both, as if `spec`, which has the seeds of both, had been trained at once.

    `search`: the number of the search for a recipe that the second ones are of, where those before are of others.

    Raises:
        DataError: the two do not belong together.
    """
    (training, evaluation), (training_2, evaluation_2) = first, more
    directory.mkdir(parents=True, exist_ok=True)
    tables = [load_table(Path(one.table_path), one.table_digest) for one in (evaluation, evaluation_2)]
    if search is not None:
        tables = [_of_search(tables[0], 0), _of_search(tables[1], search)]
    table = add_seeds(*tables)
    path = directory / "predictions.npz"
    table_digest = save_table(table, path)
    best, digest, kept, recipe = training.best_seed, table_digest, None, training.recipe
    if training.recipe is not None:
        chosen_by = min if training.recipe.select == "best" else _last
        best, digest = _merge_models(Path(training.directory), Path(training_2.directory), directory, chosen_by)
        recipe = training.recipe if best in training.seeds else training_2.recipe
    elif training.is_kept and training_2.is_kept:
        kept = _merge_fitted(Path(training.directory), Path(training_2.directory), directory)
    merged = training.model_copy(
        update={
            "seeds": table.seeds,
            "failures": (*training.failures, *training_2.failures),
            "best_seed": best,
            "recipe": recipe,
            "directory": str(directory),
            "digest": digest,
            "kept_digest": kept,
            "spec_digest": spec.fingerprint(),
            "epochs": max(training.epochs, training_2.epochs),
            "train_seconds": training.train_seconds + training_2.train_seconds,
            "device": "; ".join(dict.fromkeys((training.device, training_2.device))),
            "peak_memory_mb": max(training.peak_memory_mb, training_2.peak_memory_mb),
        }
    )
    dataset = load_prepared(data)
    scored = evaluate(
        table,
        dataset.class_names,
        predict_seconds_per_1000=evaluation.predict_seconds_per_1000,
        device=evaluation.device,
        table_path=str(path),
        table_digest=table_digest,
    )
    if evaluation.calibration:
        text = calibration_text(stored_manifest(directory), table, len(dataset.validation))
        scored = scored.model_copy(update={"calibration": text})
    return merged, scored


def _of_search(table: PredictionTable, number: int) -> PredictionTable:
    """The same, whose replicates say which search they are of, where they do not yet."""
    return table if table.search is not None else replace(table, search=np.full(len(table.seeds), number, np.int64))


def _merge_fitted(first: Path, more: Path, directory: Path) -> str:
    """The digest of the fitted baselines of both."""
    (manifest, fitted), (_, fitted_2) = load_fitted(first), load_fitted(more)
    together = fitted | fitted_2
    merged = manifest.model_copy(update={"seeds": tuple(together)})
    return store_fitted(directory, merged, dumped(together, merged))


def _last(losses: list[float]) -> float:
    return losses[-1]


def _merge_models(
    first: Path, more: Path, directory: Path, chosen_by: Callable[[list[float]], float]
) -> tuple[int, str]:
    """The best seed of both and the digest of all parameters."""
    manifest, states = load_model(first)
    manifest_2, states_2 = load_model(more)
    histories = [json.loads((folder / "history.json").read_text()) for folder in (first, more)]
    losses = [
        _loss(history, one.best_seed, chosen_by) for history, one in zip(histories, (manifest, manifest_2), strict=True)
    ]
    # Scaling travels with the best seed: of resampled splits each has its own.
    lead = manifest if losses[0] <= losses[1] else manifest_2
    temperatures: tuple[float, ...] = ()
    if manifest.temperatures or manifest_2.temperatures:
        temperatures = tuple(one.temperature_of(seed) for one in (manifest, manifest_2) for seed in one.seeds)
    seeds = (*manifest.seeds, *manifest_2.seeds)
    merged = lead.model_copy(update={"seeds": seeds, "temperatures": temperatures})
    together = {name: torch.cat([tensor, states_2[name]]) for name, tensor in states.items()}
    return lead.best_seed, store(directory, merged, together, _merge_histories(*histories))


def _loss(history: dict[str, Any], seed: int, chosen_by: Callable[[list[float]], float]) -> float:
    """What the kept parameters of the seed were judged by: validation loss, or training loss where there is none."""
    rows = history["validation_loss"] or history["train_loss"]
    values = [value for value in rows[history["seeds"].index(seed)] if value is not None]
    return chosen_by(values) if values else float("inf")


def _merge_histories(first: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    longer = max(first, more, key=lambda one: len(one["learning_rate"]))
    merged: dict[str, Any] = {
        "seeds": [*first["seeds"], *more["seeds"]],
        "learning_rate": longer["learning_rate"],
    }
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        both = first[name] is not None and more[name] is not None
        merged[name] = [*first[name], *more[name]] if both else None
    return merged
