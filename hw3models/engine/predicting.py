"""From trained replicates to the prediction table of the test split.

S = replicates, n = test examples, K = classes, k = numbers in the code
"""

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.data.resamples import split_of
from hw3models.engine.batches import DeviceData
from hw3models.engine.chunked import ChunkedData, load_data
from hw3models.engine.group import run_program
from hw3models.engine.model_store import rebuild
from hw3models.engine.precision import products
from hw3models.evaluation.prediction_table import PredictionTable, join_resamples
from hw3models.families import find_family
from hw3models.families.autoencoder import Autoencoder
from hw3models.families.family import BaselineFit
from hw3models.nn.stacking import State, stack
from hw3models.specs.model import ModelManifest

NUM_RECONSTRUCTIONS = 20
"""Test images whose reconstructions are kept for the report."""
MAX_PROBE_EXAMPLES = 10_000
"""Training codes that the linear probe is fitted on, at most."""


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
    family = find_family(manifest.kind, manifest.family)
    predict_one = predict_reconstructions if family.task == "reconstruction" else predict_classes
    if manifest.resampling == "seed":
        return predict_one(manifest, states, dataset, device)
    parts = []
    for row, seed in enumerate(manifest.seeds):
        alone = manifest.model_copy(update={"seeds": (seed,), "best_seed": seed})
        one = {name: tensor[row : row + 1] for name, tensor in states.items()}
        parts.append(predict_one(alone, one, split_of(dataset, manifest.resampling, seed), device))
    tables = [table for table, _ in parts]
    num_train = len(dataset.train) + len(dataset.validation)
    return join_resamples(tables, data_digest=dataset.digest, num_train=num_train), parts[0][1]


def predict_classes(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[PredictionTable, float]:
    """Class probabilities of every replicate for the test split, and the seconds one replicate takes."""
    data = load_data(dataset, device)
    models = [rebuild(manifest, states, seed).to(device) for seed in manifest.seeds]
    program = stack(models).eval()
    parts = []
    with torch.inference_mode():
        for batch in data.in_order(dataset.test, len(models)):
            parts.append(run_program(program, batch, stacked=True).softmax(-1).cpu())
        seconds = _seconds_of_one(models[0], data, dataset.test)
    table = PredictionTable(
        family=manifest.family,
        data_digest=dataset.digest,
        seeds=manifest.seeds,
        test_index=dataset.test,
        labels=dataset.labels[dataset.test],
        probabilities=torch.cat(parts, dim=1).numpy(),
    )
    return table, seconds


def predict_reconstructions(
    manifest: ModelManifest, states: State, dataset: Dataset, device: torch.device
) -> tuple[PredictionTable, float]:
    """Reconstruction errors and codes of every replicate for the test split, with a linear probe on the codes."""
    data = load_data(dataset, device)
    fits = []
    for seed in manifest.seeds:
        model = rebuild(manifest, states, seed).to(device)
        assert isinstance(model, Autoencoder)
        start = time.perf_counter()
        codes = _encode(model, data, dataset.test)
        with torch.inference_mode():
            reconstructions = model.decode(codes).cpu().numpy()
        seconds = time.perf_counter() - start
        train_codes = _encode(model, data, dataset.train[:MAX_PROBE_EXAMPLES]).cpu().numpy()
        fits.append(
            BaselineFit(
                reconstructions=reconstructions,
                codes=codes.cpu().numpy(),
                train_codes=train_codes,
                parameters=0,
                predict_seconds=seconds,
            )
        )
    best = manifest.seeds.index(manifest.best_seed)
    return reconstruction_table(manifest.family, manifest.seeds, fits, dataset, best=best), fits[0].predict_seconds


def reconstruction_table(
    family: str, seeds: Sequence[int], fits: Sequence[BaselineFit], dataset: Dataset, *, best: int
) -> PredictionTable:
    """The table of an autoencoder or of PCA; `best` is the row whose pictures are kept."""
    pixels = dataset.features[dataset.test].reshape(len(dataset.test), -1) / np.float32(255)
    errors, codes, probes = [], [], []
    for fit in fits:
        assert fit.reconstructions is not None
        assert fit.codes is not None
        assert fit.train_codes is not None
        errors.append(np.square(fit.reconstructions - pixels).sum(1, dtype=np.float64))
        codes.append(fit.codes)
        probes.append(_probe(fit.train_codes, fit.codes, dataset))
    shown = _examples_of_every_class(dataset.labels[dataset.test], NUM_RECONSTRUCTIONS)
    kept = fits[best].reconstructions
    assert kept is not None
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=tuple(seeds),
        test_index=dataset.test,
        labels=dataset.labels[dataset.test],
        squared_error=np.stack(errors),
        codes=np.stack(codes).astype(np.float32),
        probe_correct=np.stack(probes),
        reconstructions=(kept[shown].clip(0, 1) * 255)
        .round()
        .astype(np.uint8)
        .reshape(-1, *dataset.features.shape[1:]),
        reconstructed_index=shown,
        num_pixels=pixels.shape[1],
    )


def _seconds_of_one(model: torch.nn.Module, data: DeviceData | ChunkedData, index: NDArray[np.int64]) -> float:
    """Wall time of one replicate over `index`, after one batch to warm up."""
    for batch in data.in_order(index[:64], 1):
        run_program(model, batch, stacked=False)
    start = time.perf_counter()
    for batch in data.in_order(index, 1):
        run_program(model, batch, stacked=False).sum().item()
    return time.perf_counter() - start


def seconds_side_by_side(
    first: tuple[ModelManifest, State], second: tuple[ModelManifest, State], dataset: Dataset, device: torch.device
) -> tuple[float, float]:
    """What the best seed of each takes for the test split, in turn five times; medians, so that noise falls on both."""
    data = load_data(dataset, device)
    models = [rebuild(manifest, states, manifest.best_seed).to(device) for manifest, states in (first, second)]
    with torch.inference_mode():
        rounds = [[_seconds_of_one(model, data, dataset.test) for model in models] for _ in range(5)]
    ours, theirs = np.median(rounds, axis=0)
    return float(ours), float(theirs)


def _encode(model: Autoencoder, data: DeviceData | ChunkedData, index: NDArray[np.int64]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([model.encode(batch.inputs[0]) for batch in data.in_order(index, 1)])


def _probe(train_codes: NDArray[np.float32], codes: NDArray[np.float32], dataset: Dataset) -> NDArray[np.bool_]:
    """Does a linear classifier on the code (Alain and Bengio 2017) name the right class? Bool (n,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train_codes = train_codes[:MAX_PROBE_EXAMPLES]
    labels = dataset.labels[dataset.train[: len(train_codes)]]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(train_codes, labels)
    right: NDArray[np.bool_] = probe.predict(codes) == dataset.labels[dataset.test]
    return right


def _examples_of_every_class(labels: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Rows of about `number` examples, the first ones of each class in turn."""
    classes = np.unique(labels)
    each = max(1, number // len(classes))
    rows = np.concatenate([np.flatnonzero(labels == c)[:each] for c in classes])
    return rows.astype(np.int64)
