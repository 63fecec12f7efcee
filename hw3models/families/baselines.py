"""What a network must beat to be worth its cost: majority class, logistic regression, ROCKET and MiniROCKET
with ridge regression, and PCA for reconstruction. From scikit-learn and aeon.
"""

import time
import warnings
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import is_on_disk, take
from hw3models.data.dataset import Dataset
from hw3models.families.family import Baseline, BaselineFit
from hw3models.objectives import RECONSTRUCTION
from hw3models.runtime.devices import in_a_thread_of_its_own, num_threads

NUM_KERNELS = 10_000
"""Kernels of ROCKET, as in the paper: fewer of them would be another method."""
MAX_BASELINE_BYTES = 256 * 2**20
"""Bytes of training examples that a baseline holds in memory at once, where the data are in a file of their own."""
MAX_RIDGE_EXAMPLES = 10_000
"""Ridge regression on ROCKET's features solves a system of this order at most."""


def standardised(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 (n, ...) as the networks see it: scaled by the training split, zero after the end of a series."""
    features = take(dataset.features, index).astype(np.float32, copy=False)
    if dataset.kind == "images":
        return (features / np.float32(255) - dataset.mean) / dataset.std
    scaled: NDArray[np.float32] = (features - dataset.mean) / dataset.std
    if dataset.lengths is not None:
        valid = np.arange(scaled.shape[1]) < dataset.lengths[index, None]
        scaled = scaled * valid[..., None]
    return scaled


def fit_majority(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """The class frequencies of the training split, for every example."""
    counts = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.class_names))
    start = time.perf_counter()
    row = (counts / counts.sum()).astype(np.float32)
    probabilities = np.tile(row, (len(dataset.test), 1))
    return BaselineFit(probabilities=probabilities, parameters=len(counts), predict_seconds=time.perf_counter() - start)


def fit_logistic(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Multinomial logistic regression on the standardised, flattened example (scikit-learn, L-BFGS, C = 1).

    Of data in a `.npy` file, as many training examples as fit into `MAX_BASELINE_BYTES`, drawn at random.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=200, tol=1e-3)
    index = in_memory(dataset, seed)
    with warnings.catch_warnings():
        # Stopping at 200 iterations is a choice: the accuracy has settled long before.
        warnings.filterwarnings("ignore", message=".*failed to converge.*")
        train = standardised(dataset, index)
        model.fit(train.reshape(len(train), -1), dataset.labels[index])
    start = time.perf_counter()
    scores = np.concatenate(
        [model.predict_proba(standardised(dataset, part).reshape(len(part), -1)) for part in parts(dataset.test)]
    )
    probabilities = np.zeros((len(scores), len(dataset.class_names)), np.float32)
    probabilities[:, model.classes_] = scores
    return BaselineFit(
        probabilities=probabilities,
        parameters=model.coef_.size + model.intercept_.size,
        predict_seconds=time.perf_counter() - start,
    )


def in_memory(dataset: Dataset, seed: int) -> NDArray[np.int64]:
    """Choose the training examples for a method that needs all of them at once."""
    size = MAX_BASELINE_BYTES // max(1, 4 * int(np.prod(dataset.features.shape[1:])))
    if not is_on_disk(dataset.features) or size >= len(dataset.train):
        return dataset.train
    return np.sort(np.random.default_rng(seed).permutation(dataset.train)[:size])


def parts(index: NDArray[np.int64], size: int = 4096) -> list[NDArray[np.int64]]:
    """Cut an index into pieces that fit into memory."""
    return [index[start : start + size] for start in range(0, len(index), size)]


def fit_rocket(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """ROCKET: random kernels (Dempster, Petitjean and Webb 2020) and ridge regression.

    10,000 kernels, as in the paper, however many series there are; for large data `minirocket` takes its place in the
    default (docs/decisions/0031).
    """
    return in_a_thread_of_its_own(partial(_fit_kernels, dataset, seed, "rocket"))


def fit_minirocket(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """MiniROCKET: about 10,000 features of fixed kernels (Dempster, Schmidt and Webb 2021) and ridge regression."""
    return in_a_thread_of_its_own(partial(_fit_kernels, dataset, seed, "minirocket"))


def _fit_kernels(dataset: Dataset, seed: int, kind: Literal["rocket", "minirocket"]) -> BaselineFit:
    from scipy.special import softmax
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = dataset.train
    if len(train) > MAX_RIDGE_EXAMPLES:
        train = np.random.default_rng(seed).permutation(train)[:MAX_RIDGE_EXAMPLES]
    fit_index, holdout = (train, dataset.validation) if len(dataset.validation) else (train, train)
    model = make_pipeline(
        _transformer(kind, seed),
        StandardScaler(with_mean=False),
        RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)),
    )
    model.fit(_channels_first(dataset, fit_index), dataset.labels[fit_index])
    temperature = _temperature(_scores(model, dataset, holdout), dataset.labels[holdout])
    start = time.perf_counter()
    scores = _scores(model, dataset, dataset.test)
    ridge = model[-1]
    return BaselineFit(
        probabilities=softmax(scores * temperature, axis=1).astype(np.float32),
        parameters=int(np.size(ridge.coef_) + np.size(ridge.intercept_)),
        predict_seconds=time.perf_counter() - start,
    )


def _transformer(kind: Literal["rocket", "minirocket"], seed: int) -> Any:
    from aeon.transformations.collection.convolution_based import MiniRocket, Rocket

    if kind == "minirocket":
        return MiniRocket(random_state=seed)
    return Rocket(n_kernels=NUM_KERNELS, random_state=seed, n_jobs=num_threads())


def _channels_first(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 (n, C, T), as aeon wants it; at least 9 steps, MiniROCKET's kernel length."""
    series = standardised(dataset, index).transpose(0, 2, 1)
    if missing := max(0, 9 - series.shape[2]):
        series = np.pad(series, ((0, 0), (0, 0), (0, missing)))
    return np.ascontiguousarray(series)


def _scores(model: Any, dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ridge's decision values (n, K); classes that train does not have get the lowest."""
    values = np.concatenate([model.decision_function(_channels_first(dataset, part)) for part in parts(index)])
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    scores = np.full((len(index), len(dataset.class_names)), values.min() - 1.0)
    scores[:, model[-1].classes_] = values
    return scores


def _temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Ridge gives scores, not probabilities: one factor, fitted on held-out data (Guo et al. 2017, eq. 9)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax

    def loss(log_factor: float) -> float:
        chosen = softmax(scores * np.exp(log_factor), axis=1)[np.arange(len(labels)), labels]
        return float(-np.log(np.clip(chosen, 1e-12, None)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


fitted_temperature = _temperature


def fit_pca(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:
    """The best linear autoencoder with k numbers (Pearson 1901): mean image plus k principal components."""
    from sklearn.decomposition import PCA

    pixels = (np.asarray(dataset.features).reshape(len(dataset.features), -1) / np.float32(255)).astype(np.float32)
    # The full solver on the covariance: exact, and quick for 784 pixels whatever the number of images.
    size = min(latent_dim, len(dataset.train))
    model = PCA(n_components=size, svd_solver="covariance_eigh", random_state=seed).fit(pixels[dataset.train])
    start = time.perf_counter()
    codes = model.transform(pixels[dataset.test])
    reconstructions = model.inverse_transform(codes)
    return BaselineFit(
        reconstructions=reconstructions.astype(np.float32),
        codes=codes.astype(np.float32),
        train_codes=model.transform(pixels[dataset.train]).astype(np.float32),
        parameters=model.components_.size + model.mean_.size,
        predict_seconds=time.perf_counter() - start,
    )


MAJORITY = Baseline(
    name="majority",
    label="majority class",
    kinds=("images", "sequences"),
    deterministic=True,
    ignores_examples=True,
    fit=fit_majority,
)
LOGISTIC = Baseline(
    name="logistic", label="logistic regression", kinds=("images", "sequences"), deterministic=True, fit=fit_logistic
)
ROCKET = Baseline(name="rocket", label="ROCKET", kinds=("sequences",), deterministic=False, fit=fit_rocket)
MINIROCKET = Baseline(
    name="minirocket",
    label="MiniROCKET",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_minirocket,
    in_default=False,
)
PCA_CODE = Baseline(
    name="pca", label="PCA", kinds=("images",), objective=RECONSTRUCTION, deterministic=True, fit=fit_pca
)
