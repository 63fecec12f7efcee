"""What a network must beat to be worth its cost: majority class, logistic regression, ROCKET and MiniROCKET
with ridge regression, and PCA for reconstruction. From scikit-learn and aeon.
"""

import math
import time
import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import is_on_disk, take
from hw3models.data.dataset import Dataset
from hw3models.families import kernels
from hw3models.families.family import Answers, Baseline, BaselineFit
from hw3models.objectives import RECONSTRUCTION
from hw3models.runtime.devices import in_a_thread_of_its_own
from hw3models.specs import Kind

NUM_KERNELS = 10_000
"""Kernels of ROCKET, as in the paper: fewer of them would be another method."""
MAX_BASELINE_BYTES = 256 * 2**20
"""Bytes of training examples that a baseline holds in memory at once, where the data are in a file of their own."""
MAX_RIDGE_EXAMPLES = 10_000
"""Ridge regression on ROCKET's features solves a system of this order at most."""


def standardised(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 (n, ...) as the networks see it: scaled by the training split, zero after the end of a series."""
    lengths = None if dataset.lengths is None else dataset.lengths[index]
    return scaled(take(dataset.features, index), lengths, dataset.kind, dataset.mean, dataset.std)


def scaled(
    features: NDArray[Any],
    lengths: NDArray[np.int64] | None,
    kind: Kind,
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Examples (n, ...) as `standardised` gives them; a kept model scales what it is asked about by the same lines."""
    values: NDArray[np.float32] = features.astype(np.float32, copy=False)
    if kind == "images":
        pixels: NDArray[np.float32] = (values / np.float32(255) - mean) / std
        return pixels
    series: NDArray[np.float32] = (values - mean) / std
    if lengths is not None:
        valid = np.arange(series.shape[1]) < lengths[:, None]
        series = series * valid[..., None]
    return series


def _asked(answers: Answers, dataset: Dataset) -> tuple[dict[str, Any], float]:
    """What a baseline says about the test split, and the seconds that took."""
    start = time.perf_counter()
    said = [answers(standardised(dataset, part)) for part in parts(dataset.test)]
    return {name: np.concatenate([one[name] for one in said]) for name in said[0]}, time.perf_counter() - start


def restored_classifier(model: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of a fitted classifier of scikit-learn's about flattened examples.

    Raises:
        ValueError: it is not one for such examples and classes.
    """
    classes = checked_classes(model, num_classes)
    if getattr(model, "n_features_in_", None) != math.prod(shape):
        raise ValueError(
            f"it takes {getattr(model, 'n_features_in_', 'no')} numbers, an example has {math.prod(shape)}"
        )

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        probabilities = np.zeros((len(inputs), num_classes), np.float32)
        probabilities[:, classes] = model.predict_proba(inputs.reshape(len(inputs), -1))
        return {"probabilities": probabilities}

    return answers


def checked_classes(model: Any, num_classes: int) -> NDArray[np.int64]:
    """The classes that it knows, as numbers.

    Raises:
        ValueError: some are not in 0 to K - 1.
    """
    return checked_numbers(np.asarray(getattr(model, "classes_", ())), num_classes)


def checked_numbers(found: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """Classes that something knows, as numbers.

    Raises:
        ValueError: some are not in 0 to K - 1.
    """
    if not len(found) or not np.isin(found, np.arange(num_classes)).all() or len(np.unique(found)) < len(found):
        raise ValueError(f"it knows the classes {found.tolist()[:10]}, the manifest names {num_classes}")
    return found.astype(np.int64)


def check_forest(model: Any, name: str, num_features: int) -> None:
    """Is it a forest of that kind, each tree of which looks at no more than an example has?

    Raises:
        ValueError: it is not.
    """
    if type(model).__name__ != name or getattr(model, "n_features_in_", None) != num_features:
        raise ValueError(f"it is not a {name} of {num_features} features")
    if any(tree.tree_.n_features != num_features for tree in model.estimators_):
        raise ValueError("a tree looks at features that an example does not have")


def fit_majority(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """The class frequencies of the training split, for every example."""
    labels, shape = dataset.labels[dataset.train], dataset.features.shape[1:]
    classes, counts = np.unique(labels, return_counts=True)
    fitted = {"classes": classes, "shares": counts / len(labels)}
    said, seconds = _asked(restored_majority(fitted, shape, len(dataset.class_names)), dataset)
    return BaselineFit(
        probabilities=said["probabilities"], fitted=fitted, parameters=len(dataset.class_names), predict_seconds=seconds
    )


def restored_majority(fitted: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The same shares for every example; a model of an earlier version is scikit-learn's `DummyClassifier`.

    Raises:
        ValueError: they are no shares of such classes.
    """
    if not isinstance(fitted, dict):
        return restored_classifier(fitted, shape, num_classes)
    classes, shares = (fitted.get(name, np.zeros(0)) for name in ("classes", "shares"))
    is_whole = set(fitted) == {"classes", "shares"} and shares.shape == classes.shape
    if not is_whole or (shares < 0).any() or not np.isclose(shares.sum(), 1):
        raise ValueError("it is not the shares of classes")
    known = checked_numbers(classes, num_classes)

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        probabilities = np.zeros((len(inputs), num_classes), np.float32)
        probabilities[:, known] = shares
        return {"probabilities": probabilities}

    return answers


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
    # As they lie in memory: in another order the same products are rounded otherwise.
    fitted = {"classes": model.classes_, "weights": np.ascontiguousarray(model.coef_.T), "biases": model.intercept_}
    said, seconds = _asked(restored_logistic(fitted, dataset.features.shape[1:], len(dataset.class_names)), dataset)
    parameters = model.coef_.size + model.intercept_.size
    return BaselineFit(
        probabilities=said["probabilities"], fitted=fitted, parameters=parameters, predict_seconds=seconds
    )


def restored_logistic(fitted: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of a logistic regression that has these weights; a model of an earlier version is the object.

    Raises:
        ValueError: they are not the weights of one for such examples and classes.
    """
    if not isinstance(fitted, dict):
        return restored_classifier(fitted, shape, num_classes)
    from sklearn.linear_model import LogisticRegression

    if set(fitted) != {"classes", "weights", "biases"}:
        raise ValueError("it is not a logistic regression")
    classes, weights, biases = fitted["classes"], fitted["weights"], fitted["biases"]
    rows = 1 if len(classes) == 2 else len(classes)
    if weights.ndim == 2 and len(weights) != math.prod(shape):
        raise ValueError(f"it takes {len(weights)} numbers, an example has {math.prod(shape)}")
    if weights.shape != (math.prod(shape), rows) or biases.shape != (rows,):
        raise ValueError(f"its weights are {weights.shape} and {biases.shape}, of {len(classes)} classes")
    if not np.isfinite(weights).all() or not np.isfinite(biases).all():
        raise ValueError("its weights are not finite")
    model = LogisticRegression()
    model.classes_, model.coef_, model.intercept_ = classes, weights.T, biases
    model.n_features_in_ = len(weights)
    return restored_classifier(model, shape, num_classes)


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


def _fit_kernels(dataset: Dataset, seed: int, kind: kernels.Kind) -> BaselineFit:
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = dataset.train
    if len(train) > MAX_RIDGE_EXAMPLES:
        train = np.random.default_rng(seed).permutation(train)[:MAX_RIDGE_EXAMPLES]
    fit_index, holdout = (train, dataset.validation) if len(dataset.validation) else (train, train)
    transformer = kernels.transformer(kind, seed, NUM_KERNELS)
    model = make_pipeline(StandardScaler(with_mean=False), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
    features = transformer.fit_transform(channels_first(standardised(dataset, fit_index)))
    model.fit(features, dataset.labels[fit_index])
    num = len(dataset.class_names)
    scores = [_scores(transformer, model, standardised(dataset, part), num) for part in parts(holdout)]
    fitted = {
        "kernels": kernels.arrays_of(kind, transformer),
        "ridge": model,
        "temperature": fitted_temperature(np.concatenate(scores), dataset.labels[holdout]),
    }
    said, seconds = _asked(restored_kernels(kind, fitted, dataset.features.shape[1:], num), dataset)
    ridge = model[-1]
    parameters = int(np.size(ridge.coef_) + np.size(ridge.intercept_))
    return BaselineFit(
        probabilities=said["probabilities"], fitted=fitted, parameters=parameters, predict_seconds=seconds
    )


def restored_kernels(kind: kernels.Kind, fitted: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of ROCKET or MiniROCKET with ridge regression about series (n, T, C).

    Raises:
        ValueError: it is not one for such series and classes.
    """
    from scipy.special import softmax

    if not isinstance(fitted, dict) or set(fitted) != {"kernels", "ridge", "temperature"}:
        raise ValueError("it is not kernels with ridge regression")
    steps, channels = shape
    transformer = kernels.with_kernels(kind, fitted["kernels"], (channels, max(steps, kernels.SHORTEST)))
    model, temperature = fitted["ridge"], float(fitted["temperature"])
    if [type(step).__name__ for _, step in getattr(model, "steps", ())] != ["StandardScaler", "RidgeClassifierCV"]:
        raise ValueError("it is not ridge regression on scaled features")
    checked_classes(model, num_classes)
    if not np.isfinite(temperature) or temperature <= 0:
        raise ValueError(f"its temperature is {temperature}")

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        scores = _scores(transformer, model, inputs, num_classes)
        return {"probabilities": softmax(scores * temperature, axis=1).astype(np.float32)}

    return answers


def channels_first(series: NDArray[np.float32]) -> NDArray[np.float32]:
    """Float32 (n, C, T), as aeon wants it; at least as long as MiniROCKET's kernels."""
    series = series.transpose(0, 2, 1)
    if missing := max(0, kernels.SHORTEST - series.shape[2]):
        series = np.pad(series, ((0, 0), (0, 0), (0, missing)))
    return np.ascontiguousarray(series)


def _scores(transformer: Any, model: Any, inputs: NDArray[np.float32], num_classes: int) -> NDArray[np.float64]:
    """Ridge's decision values (n, K); classes that train does not have get less than the lowest of the example."""
    values = model.decision_function(transformer.transform(channels_first(inputs)))
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    scores = np.repeat(values.min(axis=1, keepdims=True) - 1.0, num_classes, axis=1)
    scores[:, model.classes_] = values
    return scores


def fitted_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Ridge gives scores, not probabilities: one factor, fitted on held-out data (Guo et al. 2017, eq. 9)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax

    def loss(log_factor: float) -> float:
        chosen = softmax(scores * np.exp(log_factor), axis=1)[np.arange(len(labels)), labels]
        return float(-np.log(np.clip(chosen, 1e-12, None)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


def fit_pca(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:
    """The best linear autoencoder with k numbers (Pearson 1901): mean image plus k principal components."""
    from sklearn.decomposition import PCA

    pixels = (np.asarray(dataset.features).reshape(len(dataset.features), -1) / np.float32(255)).astype(np.float32)
    # The full solver on the covariance: exact, and quick for 784 pixels whatever the number of images.
    size = min(latent_dim, len(dataset.train))
    model = PCA(n_components=size, svd_solver="covariance_eigh", random_state=seed).fit(pixels[dataset.train])
    said, seconds = _asked_pixels(model, pixels[dataset.test])
    return BaselineFit(
        codes=said["code"],
        reconstructions=said["reconstruction"],
        fitted=model,
        train_codes=model.transform(pixels[dataset.train]).astype(np.float32),
        parameters=model.components_.size + model.mean_.size,
        predict_seconds=seconds,
    )


def _asked_pixels(model: Any, pixels: NDArray[np.float32]) -> tuple[dict[str, NDArray[np.float32]], float]:
    start = time.perf_counter()
    return dict(restored_pca(model, pixels.shape[1:], 0)(pixels)), time.perf_counter() - start


def restored_pca(model: Any, shape: tuple[int, ...], num_classes: int) -> Answers:  # noqa: ARG001
    """The codes and reconstructions of PCA for images of pixels / 255.

    Raises:
        ValueError: it is not PCA of such images.
    """
    if type(model).__name__ != "PCA" or getattr(model, "n_features_in_", None) != math.prod(shape):
        raise ValueError(f"it is not PCA of {math.prod(shape)} pixels")

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        codes = model.transform(inputs.reshape(len(inputs), -1))
        pixels = model.inverse_transform(codes)
        return {"code": codes.astype(np.float32), "reconstruction": pixels.astype(np.float32)}

    return answers


MAJORITY = Baseline(
    name="majority",
    label="majority class",
    kinds=("images", "sequences"),
    deterministic=True,
    ignores_examples=True,
    fit=fit_majority,
    restore=restored_majority,
)
LOGISTIC = Baseline(
    name="logistic",
    label="logistic regression",
    kinds=("images", "sequences"),
    deterministic=True,
    fit=fit_logistic,
    restore=restored_logistic,
)
ROCKET = Baseline(
    name="rocket",
    label="ROCKET",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_rocket,
    restore=partial(restored_kernels, "rocket"),
    purpose="10,000 random kernels; strong on small data, minutes on large",
)
MINIROCKET = Baseline(
    name="minirocket",
    label="MiniROCKET",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_minirocket,
    purpose="20 times as fast as ROCKET, and as accurate on archives; not on every data set",
    restore=partial(restored_kernels, "minirocket"),
    in_default=False,
)
PCA_CODE = Baseline(
    name="pca",
    label="PCA",
    kinds=("images",),
    objective=RECONSTRUCTION,
    deterministic=True,
    fit=fit_pca,
    restore=restored_pca,
    sees_pixels=True,
)
