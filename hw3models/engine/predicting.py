"""The prediction table of the test split, from trained replicates.

S = replicates, n = test examples, K = classes, k = numbers in the code
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.data.resamples import num_train, split_of, tests_on_splits
from hw3models.data.training_sets import training_sets
from hw3models.engine.batches import DeviceData
from hw3models.engine.chunked import ChunkedData, load_data
from hw3models.engine.layouts import architecture_of, proved_layout
from hw3models.engine.model_store import rebuild
from hw3models.engine.precision import products
from hw3models.evaluation.prediction_table import PredictionTable, join_resamples
from hw3models.families import Network, family_of
from hw3models.nn.program import Program
from hw3models.nn.proof import Proof
from hw3models.nn.stacking import State
from hw3models.objectives.objective import Batch, Trained
from hw3models.specs.model import ModelManifest


def predict(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[PredictionTable, float]:
    """The table of the test split, and the seconds one replicate takes for it; in float32, however it was trained.

    Replicates that were trained on splits of their own are tested on those.
    """
    with products(device):
        return _predict(manifest, states, dataset, device)


def _predict(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[PredictionTable, float]:
    if not tests_on_splits(manifest.resampling):
        if manifest.resampling != "training":
            return _ask(manifest, states, dataset, device)
        table, seconds = _ask(manifest, states, dataset, device)
        return replace(table, training_resampled=True), seconds
    parts = []
    splits = [split_of(dataset, manifest.resampling, seed) for seed in manifest.seeds]
    for row, seed in enumerate(manifest.seeds):
        alone = manifest.of((seed,))
        one = {name: tensor[row : row + 1] for name, tensor in states.items()}
        parts.append(_ask(alone, one, splits[row], device))
    tables = [table for table, _ in parts]
    return join_resamples(tables, data_digest=dataset.digest, num_train=num_train(splits)), parts[0][1]


def _ask(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[PredictionTable, float]:
    data = load_data(dataset, device)
    models = [rebuild(manifest, states, seed).to(device) for seed in manifest.seeds]
    sets = training_sets(dataset, manifest.resampling, manifest.seeds)
    trained = Trained(
        family=manifest.family,
        seeds=manifest.seeds,
        best=manifest.seeds.index(manifest.best_seed),
        dataset=dataset,
        trained_on=[sets] * len(models) if sets.ndim == 1 else list(sets),
        models=models,
        batches=data.in_order,
        outputs=_at_once(manifest, models),
        seconds_of_one=partial(_seconds_of_one, models[0], data),
        temperatures=manifest.temperatures,
    )
    return family_of(manifest).objective.table(trained)


def _at_once(manifest: ModelManifest, models: Sequence[nn.Module]) -> Callable[[Batch], torch.Tensor]:
    """Outputs (S, B, ...) of all models: as one program where they are proved to be one, else one after another."""
    family = family_of(manifest)
    assert isinstance(family, Network)

    @cache
    def programs() -> list[Program]:
        # At the first question: some task types ask each model alone.
        proof = Proof("plain")
        if len(models) > 1:
            proof = proved_layout(family, architecture_of(manifest), has_lengths=manifest.unequal_lengths)
        plain = proof.layout == "plain"
        made = [Program([model], "plain") for model in models] if plain else [Program(models, proof.layout)]
        for program in made:
            program.module.eval()
        return made

    def outputs(batch: Batch) -> torch.Tensor:
        if programs()[0].num == len(models):
            return programs()[0](*batch.arguments)
        rows = (tuple(one[row : row + 1] for one in batch.arguments) for row in range(len(models)))
        return torch.cat([program(*own) for program, own in zip(programs(), rows, strict=True)])

    return outputs


def _seconds_of_one(model: torch.nn.Module, data: DeviceData | ChunkedData, index: NDArray[np.int64]) -> float:
    """Wall time of one replicate over `index`, after one batch to warm up."""
    program = Program([model], "plain")
    for batch in data.in_order(index[:64], 1):
        program(*batch.arguments)
    start = time.perf_counter()
    for batch in data.in_order(index, 1):
        program(*batch.arguments).sum().item()
    return time.perf_counter() - start


def one_network(
    manifest: ModelManifest, states: State, seed: int, dataset: Dataset, device: torch.device
) -> Callable[[NDArray[np.int64]], float]:
    """The seconds that one replicate takes for examples by index, whenever it is called."""
    return partial(_seconds_of_one, rebuild(manifest, states, seed).to(device), load_data(dataset, device))
