"""Reconstruction: an image is given back through a code of a few numbers; squared error per pixel in 0..1.

S = replicates, B = examples in a batch, P = pixels, k = numbers in the code, n = test examples
"""

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.nn.losses import SquaredError, squared_error_grad
from hw3models.objectives.objective import BaselineFit, Batch, LossGrad, Objective, Trained
from hw3models.specs import Recipe, TargetReport

NUM_RECONSTRUCTIONS = 20
"""Test images whose reconstructions are kept for the report."""
MAX_PROBE_EXAMPLES = 10_000
"""Training codes that the linear probe is fitted on, at most."""


@runtime_checkable
class Coder(Protocol):
    """A network with a code between its two halves."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) to codes (..., B, k)."""

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (..., B, k) to pixels (..., B, P) in 0..1."""


class Reconstruction:
    """See `Objective`. Its networks are `Coder`s."""

    name = "reconstruction"
    metrics = tuple(
        name for name, metric in METRICS.items() if metric.needs in ("squared_error", "probe_correct", "error")
    )
    needs_pixels = True
    learns_labels = False

    def num_outputs(self, shape: tuple[int, ...], num_classes: int) -> int:  # noqa: ARG002
        """All pixels."""
        return math.prod(shape)

    def losses(self, outputs: torch.Tensor, batch: Batch, recipe: Recipe, *, train: bool) -> torch.Tensor:  # noqa: ARG002
        """Squared error averaged over the pixels."""
        assert batch.pixels is not None
        errors: torch.Tensor = SquaredError.apply(outputs, batch.pixels)
        return errors

    def loss_grad(self, batch: Batch, recipe: Recipe) -> LossGrad | None:  # noqa: ARG002
        """Squared error always has one."""
        assert batch.pixels is not None
        return partial(squared_error_grad, target=batch.pixels)

    def is_right(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor | None:  # noqa: ARG002
        """A reconstruction is neither right nor wrong."""
        return None

    def table(self, trained: Trained) -> tuple[PredictionTable, float]:
        """Reconstruction errors and codes, with a linear probe on the codes; one replicate after another."""
        dataset, fits = trained.dataset, []
        trained_on = [rows[:MAX_PROBE_EXAMPLES] for rows in trained.trained_on]
        for model, rows in zip(trained.models, trained_on, strict=True):
            start = time.perf_counter()
            codes = _encode(model, trained, dataset.test)
            with torch.inference_mode():
                reconstructions = _coder(model).decode(codes).cpu().numpy()
            seconds = time.perf_counter() - start
            train_codes = _encode(model, trained, rows).cpu().numpy()
            fits.append(
                BaselineFit(
                    reconstructions=reconstructions,
                    codes=codes.cpu().numpy(),
                    train_codes=train_codes,
                    parameters=0,
                    predict_seconds=seconds,
                )
            )
        table = reconstruction_table(trained.family, trained.seeds, fits, dataset, trained_on, best=trained.best)
        return table, fits[0].predict_seconds

    def baseline_table(
        self, family: str, seeds: Sequence[int], fits: Sequence[BaselineFit], dataset: Dataset
    ) -> PredictionTable:
        """The same of PCA."""
        return reconstruction_table(family, seeds, fits, dataset, [dataset.train] * len(fits), best=0)

    def answers(
        self,
        model: nn.Module,
        arguments: Sequence[torch.Tensor],
        temperature: float = 1.0,  # noqa: ARG002
        target: TargetReport | None = None,  # noqa: ARG002
    ) -> Mapping[str, torch.Tensor]:
        """`code` (B, k) and `reconstruction` (B, P) in 0..1."""
        coder = _coder(model)
        code = coder.encode(*arguments)
        return {"code": code, "reconstruction": coder.decode(code)}


def _coder(model: nn.Module) -> Coder:
    assert isinstance(model, Coder), f"{type(model).__name__} has no `encode` and `decode`"
    return model


def _encode(model: nn.Module, trained: Trained, index: NDArray[np.int64]) -> torch.Tensor:
    coder = _coder(model)
    with torch.inference_mode():
        return torch.cat([coder.encode(batch.inputs[0]) for batch in trained.batches(index, 1)])


def reconstruction_table(
    family: str,
    seeds: Sequence[int],
    fits: Sequence[BaselineFit],
    dataset: Dataset,
    trained_on: Sequence[NDArray[np.int64]],
    *,
    best: int,
) -> PredictionTable:
    """The table of an autoencoder or of PCA; `best` is the row whose pictures are kept.

    `trained_on` are the positions of the examples that each fit has `train_codes` of.
    """
    pixels = dataset.features[dataset.test].reshape(len(dataset.test), -1) / np.float32(255)
    errors, codes, probes = [], [], []
    for fit, rows in zip(fits, trained_on, strict=True):
        assert fit.reconstructions is not None
        assert fit.codes is not None
        assert fit.train_codes is not None
        errors.append(np.square(fit.reconstructions - pixels).sum(1, dtype=np.float64))
        codes.append(fit.codes)
        probes.append(_probe(fit.train_codes, dataset.labels[rows], fit.codes, dataset.labels[dataset.test]))
    shown = _examples_of_every_class(dataset.labels[dataset.test], NUM_RECONSTRUCTIONS)
    kept = fits[best].reconstructions
    assert kept is not None
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=tuple(seeds),
        test_index=dataset.test,
        labels=dataset.labels[dataset.test],
        groups=dataset.test_groups,
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


def _probe(
    train_codes: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    codes: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether a linear classifier on the code (Alain and Bengio 2017) names the right class: bool (n,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    probe.fit(train_codes[:MAX_PROBE_EXAMPLES], train_labels[:MAX_PROBE_EXAMPLES])
    right: NDArray[np.bool_] = probe.predict(codes) == labels
    return right


def _examples_of_every_class(labels: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Rows of about `number` examples, the first ones of each class in turn."""
    classes = np.unique(labels)
    each = max(1, number // len(classes))
    rows = np.concatenate([np.flatnonzero(labels == c)[:each] for c in classes])
    return rows.astype(np.int64)


RECONSTRUCTION: Objective = Reconstruction()
