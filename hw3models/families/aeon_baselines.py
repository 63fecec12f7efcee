"""Baselines of aeon's beside ROCKET and MiniROCKET: MultiROCKET-Hydra, QUANT, and summary features with a
forest.

n = examples, T = time steps, C = channels, F = features, K = classes
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.families import kernels
from hw3models.families.baselines import (
    MAX_RIDGE_EXAMPLES,
    check_forest,
    checked_classes,
    fitted_temperature,
    in_memory,
    parts,
    standardised,
)
from hw3models.families.family import Answers, Baseline, BaselineFit
from hw3models.runtime.cores import free_threads
from hw3models.runtime.devices import in_a_thread_of_its_own, num_threads

SHORTEST = 10
"""Steps that MultiROCKET needs, whose kernels of 9 steps see differences as well; shorter series are padded."""
PIECE = 1024
"""Series whose features are made at once."""

Restore = Callable[[Any, tuple[int, ...], int], Answers]


def series_of(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 (n, C, T), as aeon wants it, zero after the end of a series."""
    return channels_first(standardised(dataset, index))


def channels_first(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Series (n, T, C) as aeon wants them: (n, C, T)."""
    values = inputs.transpose(0, 2, 1)
    if missing := max(0, SHORTEST - values.shape[2]):
        values = np.pad(values, ((0, 0), (0, 0), (0, missing)))
    return np.ascontiguousarray(values)


def _probe(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The same two series (2, C, T) everywhere."""
    steps, channels = shape
    return channels_first(np.random.default_rng(0).normal(size=(2, steps, channels)).astype(np.float32))


def _check_kernels(arrays: Sequence[Any], shape: tuple[int, int]) -> None:
    """MultiROCKET's kernels are MiniROCKET's; of a single channel they do not name it."""
    if len(arrays) == 3:
        num = kernels.PER_DILATION * len(arrays[0])
        arrays = (np.ones(num, np.int32), np.zeros(num, np.int32), *arrays)
    kernels.check_minirocket(arrays, shape)


class HydraFeatures:
    """What Hydra counts (Dempster, Schmidt and Webb 2023), scaled as in the paper, and MultiROCKET's features.

    Roots of counts, less their mean where they are not zero, over a deviation that is raised for rare ones. Hydra's
    kernels depend on nothing but seed and shape; MultiROCKET's biases on the training examples.
    """

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        import torch
        from aeon.transformations.collection.convolution_based import HydraTransformer, MultiRocket
        from sklearn.preprocessing import StandardScaler

        self.seed, self.shape = seed, shape
        self.hydra = HydraTransformer(random_state=seed, n_jobs=free_threads(num_threads()))
        self.rocket = MultiRocket(random_state=seed, n_jobs=free_threads(num_threads()))
        self.scaler = StandardScaler()
        # Hydra seeds torch's own generator.
        with torch.random.fork_rng(devices=[]):
            self.hydra.fit(_probe(shape))

    def fit_transform(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """Series (n, C, T) to features (n, F)."""
        roots = self._roots(series)
        self.mean = roots.mean(axis=0)
        self.deviation = roots.std(axis=0, ddof=1) + (roots == 0).mean(axis=0) ** 4 + 1e-8
        features = self.scaler.fit_transform(np.asarray(self.rocket.fit_transform(series)))
        return np.concatenate([self._scaled(roots), features], axis=1)

    def transform(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same of other series."""
        features = self.scaler.transform(np.asarray(self.rocket.transform(series)))
        return np.concatenate([self._scaled(self._roots(series)), features], axis=1)

    def kept(self) -> dict[str, Any]:
        """Plain arrays, and scikit-learn's scaler, from which `restored` makes the same."""
        return {
            "seed": self.seed,
            "probe": self._roots(_probe(self.shape)),
            "kernels": [tuple(map(np.asarray, one)) for one in (self.rocket.parameter, self.rocket.parameter1)],
            "mean": self.mean,
            "deviation": self.deviation,
            "scaler": self.scaler,
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any], shape: tuple[int, ...]) -> "HydraFeatures":
        """The same that was kept.

        Raises:
            ValueError: it is not for such series, or Hydra's kernels are drawn otherwise here.
        """
        made = cls(int(kept["seed"]), shape)
        probe = made._roots(_probe(shape))
        if np.shape(kept["probe"]) != probe.shape:
            raise ValueError(f"it was fitted to other series than {shape[0]} steps of {shape[1]} channels")
        # Not all of them: rounding may turn which kernel is the best.
        if np.isclose(kept["probe"], probe, atol=1e-2).mean() < 0.95:
            raise ValueError("this version of torch draws other kernels for Hydra than the one that it was fitted with")
        if any(np.shape(kept[name]) != probe.shape[1:] for name in ("mean", "deviation")):
            raise ValueError(f"its scaling is not of {probe.shape[1]:,} counts")
        series = _probe(shape)
        num_channels, steps = series.shape[1:]
        for number, arrays in enumerate(kept["kernels"]):
            # The second are those of differences, which are a step shorter.
            _check_kernels(arrays, (num_channels, steps - number))
        made.rocket.fit(series)
        made.rocket.parameter, made.rocket.parameter1 = map(tuple, kept["kernels"])
        made.mean, made.deviation, made.scaler = kept["mean"], kept["deviation"], kept["scaler"]
        return made

    def _roots(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        counts = np.asarray(self.hydra.transform(series), dtype=np.float32)
        roots: NDArray[np.float32] = np.sqrt(np.maximum(counts, 0))
        return roots

    def _scaled(self, roots: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = (roots - self.mean) * (roots != 0) / self.deviation
        return scaled


def fit_multirocket_hydra(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """MultiROCKET-Hydra with ridge regression, as in aeon's classifier; probabilities by one temperature."""
    return in_a_thread_of_its_own(partial(_fit_hydra, dataset, seed))


def _fit_hydra(dataset: Dataset, seed: int) -> BaselineFit:
    from sklearn.linear_model import RidgeClassifierCV

    train = dataset.train
    if len(train) > MAX_RIDGE_EXAMPLES:
        train = np.random.default_rng(seed).permutation(train)[:MAX_RIDGE_EXAMPLES]
    features = HydraFeatures(seed, dataset.features.shape[1:])
    ridge = RidgeClassifierCV(alphas=np.logspace(-3, 3, 10))
    ridge.fit(features.fit_transform(series_of(dataset, train)), dataset.labels[train])
    held_out, num = dataset.validation if len(dataset.validation) else train, len(dataset.class_names)
    scores = [_ridge_scores(features, ridge, standardised(dataset, part), num) for part in parts(held_out)]
    temperature = fitted_temperature(np.concatenate(scores), dataset.labels[held_out])
    fitted = features.kept() | {"ridge": ridge, "temperature": temperature}
    parameters = int(np.size(ridge.coef_) + np.size(ridge.intercept_))
    return _asked(dataset, restored_hydra, fitted, parameters)


def _ridge_scores(
    features: HydraFeatures, ridge: Any, inputs: NDArray[np.float32], num_classes: int
) -> NDArray[np.float64]:
    """Decision values (n, K); classes that train does not have get less than the lowest of the example."""
    pieces = [inputs[start : start + PIECE] for start in range(0, len(inputs), PIECE)]
    values = np.concatenate([ridge.decision_function(features.transform(channels_first(one))) for one in pieces])
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    scores = np.repeat(values.min(axis=1, keepdims=True) - 1.0, num_classes, axis=1)
    scores[:, ridge.classes_] = values
    return scores


def restored_hydra(fitted: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of MultiROCKET-Hydra about series (n, T, C).

    Raises:
        ValueError: it is not one for such series and classes.
    """
    from scipy.special import softmax

    names = {"seed", "probe", "kernels", "mean", "deviation", "scaler", "ridge", "temperature"}
    if not isinstance(fitted, dict) or set(fitted) != names or len(fitted["kernels"]) != 2:
        raise ValueError("it is not MultiROCKET-Hydra with ridge regression")
    ridge, temperature = fitted["ridge"], float(fitted["temperature"])
    if [type(fitted[name]).__name__ for name in ("scaler", "ridge")] != ["StandardScaler", "RidgeClassifierCV"]:
        raise ValueError("it is not ridge regression on scaled features")
    checked_classes(ridge, num_classes)
    if not np.isfinite(temperature) or temperature <= 0:
        raise ValueError(f"its temperature is {temperature}")
    features = HydraFeatures.restored(fitted, shape)

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        scores = _ridge_scores(features, ridge, inputs, num_classes)
        return {"probabilities": softmax(scores * temperature, axis=1).astype(np.float32)}

    return answers


def fit_quant(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Quantiles of intervals and extremely randomised trees (QUANT: Dempster, Schmidt and Webb 2024)."""

    def made() -> Any:
        from aeon.classification.interval_based import QUANTClassifier

        return QUANTClassifier(random_state=seed)

    return in_a_thread_of_its_own(partial(_fit_forest, dataset, made, restored_quant, seed))


def fit_summary(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Mean, deviation, least, greatest and quartiles of each channel, and a random forest: what needs no order."""

    def made() -> Any:
        from aeon.classification.feature_based import SummaryClassifier

        return SummaryClassifier(random_state=seed)

    return in_a_thread_of_its_own(partial(_fit_forest, dataset, made, restored_summary, seed))


def _fit_forest(dataset: Dataset, made: Callable[[], Any], restore: Restore, seed: int) -> BaselineFit:
    index, model = in_memory(dataset, seed), made()
    with _quants_arithmetic():
        model.fit(series_of(dataset, index), dataset.labels[index])
    # Its features have learnt nothing.
    return _asked(dataset, restore, model.estimator_, 0)


def _asked(dataset: Dataset, restore: Restore, fitted: Any, parameters: int) -> BaselineFit:
    """What it says about the test examples, asked as one that was kept is."""
    answers = restore(fitted, dataset.features.shape[1:], len(dataset.class_names))
    start = time.perf_counter()
    said = [answers(standardised(dataset, part))["probabilities"] for part in parts(dataset.test)]
    seconds = time.perf_counter() - start
    return BaselineFit(
        probabilities=np.concatenate(said), fitted=fitted, parameters=parameters, predict_seconds=seconds
    )


def restored_quant(forest: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of QUANT about series (n, T, C).

    Raises:
        ValueError: it is not one for such series and classes.
    """
    from aeon.transformations.collection.interval_based import QUANTTransformer

    return _restored(forest, "ExtraTreesClassifier", QUANTTransformer(), shape, num_classes)


def restored_summary(forest: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of the forest on summary features about series (n, T, C).

    Raises:
        ValueError: it is not one for such series and classes.
    """
    from aeon.transformations.collection.feature_based import SevenNumberSummary

    return _restored(forest, "RandomForestClassifier", SevenNumberSummary(), shape, num_classes)


def _restored(forest: Any, name: str, features: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    with _quants_arithmetic():
        num = np.asarray(features.fit_transform(_probe(shape))).shape[1]
    check_forest(forest, name, num)
    classes = checked_classes(forest, num_classes)

    def answers(inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        probabilities = np.zeros((len(inputs), num_classes), np.float32)
        for start in range(0, len(inputs), PIECE):
            part = slice(start, start + PIECE)
            with _quants_arithmetic():
                found = features.transform(channels_first(inputs[part]))
            probabilities[part, classes] = forest.predict_proba(found)
        return {"probabilities": probabilities}

    return answers


@contextmanager
def _quants_arithmetic() -> Iterator[None]:
    """QUANT's own arithmetic, on tensors of one number, warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array_wrap__ must accept", category=DeprecationWarning)
        yield


MULTIROCKET_HYDRA = Baseline(
    name="multirocket-hydra",
    label="MultiROCKET-Hydra",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_multirocket_hydra,
    restore=restored_hydra,
    purpose="the most accurate baseline on archives; some times ROCKET's time",
    in_default=False,
)
QUANT = Baseline(
    name="quant",
    label="QUANT",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_quant,
    restore=restored_quant,
    purpose="quantiles of intervals; seconds",
    in_default=False,
)
SUMMARY = Baseline(
    name="summary",
    label="summary features with a forest",
    kinds=("sequences",),
    deterministic=False,
    fit=fit_summary,
    restore=restored_summary,
    purpose="what needs no order in time; a second",
    in_default=False,
)
