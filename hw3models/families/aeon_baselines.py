"""Baselines of aeon's beside ROCKET and MiniROCKET: MultiROCKET-Hydra, QUANT, and summary features with a
forest.

n = examples, T = time steps, C = channels, F = features, K = classes
"""

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.families.baselines import MAX_RIDGE_EXAMPLES, fitted_temperature, in_memory, parts, standardised
from hw3models.families.family import Baseline, BaselineFit
from hw3models.runtime.devices import in_a_thread_of_its_own, num_threads

SHORTEST = 10
"""Steps that MultiROCKET needs, whose kernels of 9 steps see differences as well; shorter series are padded."""


def series_of(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 (n, C, T), as aeon wants it, zero after the end of a series."""
    values = standardised(dataset, index).transpose(0, 2, 1)
    if missing := max(0, SHORTEST - values.shape[2]):
        values = np.pad(values, ((0, 0), (0, 0), (0, missing)))
    return np.ascontiguousarray(values)


class HydraFeatures:
    """What Hydra counts (Dempster, Schmidt and Webb 2023), scaled as in the paper, and MultiROCKET's features.

    Roots of counts, less their mean where they are not zero, over a deviation that is raised for rare ones.
    """

    def __init__(self, seed: int) -> None:
        from aeon.transformations.collection.convolution_based import HydraTransformer, MultiRocket
        from sklearn.preprocessing import StandardScaler

        self.hydra = HydraTransformer(random_state=seed, n_jobs=num_threads())
        self.rocket = MultiRocket(random_state=seed, n_jobs=num_threads())
        self.scaler = StandardScaler()

    def fit_transform(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """Series (n, C, T) to features (n, F)."""
        roots = self._roots(self.hydra.fit_transform(series))
        self.mean = roots.mean(axis=0)
        self.deviation = roots.std(axis=0, ddof=1) + (roots == 0).mean(axis=0) ** 4 + 1e-8
        features = self.scaler.fit_transform(np.asarray(self.rocket.fit_transform(series)))
        return np.concatenate([self._scaled(roots), features], axis=1)

    def transform(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same of other series."""
        roots = self._roots(self.hydra.transform(series))
        features = self.scaler.transform(np.asarray(self.rocket.transform(series)))
        return np.concatenate([self._scaled(roots), features], axis=1)

    def _roots(self, counts: Any) -> NDArray[np.float32]:
        roots: NDArray[np.float32] = np.sqrt(np.maximum(np.asarray(counts, dtype=np.float32), 0))
        return roots

    def _scaled(self, roots: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = (roots - self.mean) * (roots != 0) / self.deviation
        return scaled


def fit_multirocket_hydra(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """MultiROCKET-Hydra with ridge regression, as in aeon's classifier; probabilities by one temperature."""
    return in_a_thread_of_its_own(partial(_fit_hydra, dataset, seed))


def _fit_hydra(dataset: Dataset, seed: int) -> BaselineFit:
    from scipy.special import softmax
    from sklearn.linear_model import RidgeClassifierCV

    train = dataset.train
    if len(train) > MAX_RIDGE_EXAMPLES:
        train = np.random.default_rng(seed).permutation(train)[:MAX_RIDGE_EXAMPLES]
    features, ridge = HydraFeatures(seed), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10))
    ridge.fit(features.fit_transform(series_of(dataset, train)), dataset.labels[train])

    def scores(index: NDArray[np.int64]) -> NDArray[np.float64]:
        found = [ridge.decision_function(features.transform(series_of(dataset, part))) for part in parts(index, 1024)]
        values = np.concatenate(found)
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        out = np.repeat(values.min(axis=1, keepdims=True) - 1.0, len(dataset.class_names), axis=1)
        out[:, ridge.classes_] = values
        return out

    held_out = dataset.validation if len(dataset.validation) else train
    temperature = fitted_temperature(scores(held_out), dataset.labels[held_out])
    start = time.perf_counter()
    probabilities = softmax(scores(dataset.test) * temperature, axis=1)
    return BaselineFit(
        probabilities=probabilities.astype(np.float32),
        parameters=int(np.size(ridge.coef_) + np.size(ridge.intercept_)),
        predict_seconds=time.perf_counter() - start,
    )


def fit_quant(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Quantiles of intervals and extremely randomised trees (QUANT: Dempster, Schmidt and Webb 2024)."""

    def made() -> Any:
        from aeon.classification.interval_based import QUANTClassifier

        return QUANTClassifier(random_state=seed)

    return in_a_thread_of_its_own(partial(_fit_forest, dataset, made, seed))


def fit_summary(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Mean, deviation, least, greatest and quartiles of each channel, and a random forest: what needs no order."""

    def made() -> Any:
        from aeon.classification.feature_based import SummaryClassifier

        return SummaryClassifier(random_state=seed)

    return in_a_thread_of_its_own(partial(_fit_forest, dataset, made, seed))


def _fit_forest(dataset: Dataset, made: Callable[[], Any], seed: int) -> BaselineFit:
    index, model = in_memory(dataset, seed), made()
    with warnings.catch_warnings():
        # QUANT's own arithmetic, on tensors of one number.
        warnings.filterwarnings("ignore", message="__array_wrap__ must accept", category=DeprecationWarning)
        model.fit(series_of(dataset, index), dataset.labels[index])
    start = time.perf_counter()
    probabilities = np.zeros((len(dataset.test), len(dataset.class_names)), np.float32)
    found = [model.predict_proba(series_of(dataset, part)) for part in parts(dataset.test, 1024)]
    probabilities[:, np.asarray(model.classes_, dtype=np.int64)] = np.concatenate(found)
    return BaselineFit(probabilities=probabilities, parameters=0, predict_seconds=time.perf_counter() - start)


MULTIROCKET_HYDRA = Baseline(
    name="multirocket-hydra",
    label="MultiROCKET-Hydra",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_multirocket_hydra,
    purpose="the most accurate baseline on archives; some times ROCKET's time",
    in_default=False,
)
QUANT = Baseline(
    name="quant",
    label="QUANT",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_quant,
    purpose="quantiles of intervals; seconds",
    in_default=False,
)
SUMMARY = Baseline(
    name="summary",
    label="summary features with a forest",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_summary,
    purpose="what needs no order in time; a second",
    in_default=False,
)
