"""What a network that predicts numbers must beat: the mean, ridge regression, and ROCKET's and MiniROCKET's features
with ridge regression (as in the archive of Tan et al. 2021). From scikit-learn and aeon.

n = examples, T = time steps, C = channels
"""

import math
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.families import kernels
from hw3models.families.baselines import (
    MAX_RIDGE_EXAMPLES,
    NUM_KERNELS,
    channels_first,
    check_forest,
    in_memory,
    parts,
    standardised,
)
from hw3models.families.family import Answers, Baseline, BaselineFit
from hw3models.objectives import REGRESSION
from hw3models.runtime.devices import in_a_thread_of_its_own, num_threads

PENALTIES = np.logspace(-3, 4, 15)
"""What ridge regression chooses its penalty from, by leaving out one training example at a time."""


def fit_mean(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """The mean of the training examples, for every example."""
    from sklearn.dummy import DummyRegressor

    targets = _targets(dataset, dataset.train)
    nothing = np.broadcast_to(np.float32(0), (len(targets), math.prod(dataset.features.shape[1:])))
    model = DummyRegressor().fit(nothing, targets)
    return _fit(model, dataset, restored_rows(model, dataset.features.shape[1:], 1), parameters=1)


def fit_ridge(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Ridge regression on the standardised, flattened example."""
    from sklearn.linear_model import RidgeCV

    index = in_memory(dataset, seed)[:MAX_RIDGE_EXAMPLES]
    inputs = standardised(dataset, index)
    model = RidgeCV(alphas=PENALTIES).fit(inputs.reshape(len(inputs), -1), _targets(dataset, index))
    answers = restored_rows(model, dataset.features.shape[1:], 1)
    return _fit(model, dataset, answers, parameters=int(model.coef_.size + 1))


def fit_forest(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """A random forest on the standardised, flattened example."""
    from sklearn.ensemble import RandomForestRegressor

    index = in_memory(dataset, seed)
    inputs = standardised(dataset, index)
    model = RandomForestRegressor(n_estimators=200, max_features=1 / 3, random_state=seed, n_jobs=num_threads())
    model.fit(inputs.reshape(len(inputs), -1), _targets(dataset, index))
    answers = restored_forest(model, dataset.features.shape[1:], 1)
    return _fit(model, dataset, answers, parameters=sum(tree.tree_.node_count for tree in model.estimators_))


def fit_kernels(kind: kernels.Kind, dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Kernels' features, standardised, and ridge regression."""
    return in_a_thread_of_its_own(partial(_fit_kernels, kind, dataset, seed))


def _fit_kernels(kind: kernels.Kind, dataset: Dataset, seed: int) -> BaselineFit:
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    index = dataset.train
    if len(index) > MAX_RIDGE_EXAMPLES:
        index = np.random.default_rng(seed).permutation(index)[:MAX_RIDGE_EXAMPLES]
    # How large or high a series is may be the number itself: series are not standardised one by one.
    transformer = kernels.transformer(kind, seed, NUM_KERNELS, normalise=False)
    features = transformer.fit_transform(channels_first(standardised(dataset, index)))
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=PENALTIES)).fit(features, _targets(dataset, index))
    fitted = {"kernels": kernels.arrays_of(kind, transformer), "ridge": model}
    answers = restored_kernels(kind, fitted, dataset.features.shape[1:], 1)
    return _fit(fitted, dataset, answers, parameters=int(model[-1].coef_.size + 1))


def _targets(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float64]:
    assert dataset.targets is not None
    return dataset.targets[index]


def _fit(fitted: Any, dataset: Dataset, answers: Answers, *, parameters: int) -> BaselineFit:
    start = time.perf_counter()
    said = [answers(standardised(dataset, part))["prediction"] for part in parts(dataset.test)]
    seconds = time.perf_counter() - start
    return BaselineFit(numbers=np.concatenate(said), fitted=fitted, parameters=parameters, predict_seconds=seconds)


def restored_rows(model: Any, shape: tuple[int, ...], num_outputs: int) -> Answers:  # noqa: ARG001
    """The answers of a fitted regressor of scikit-learn's about flattened examples.

    Raises:
        ValueError: it is not one for such examples.
    """
    if not callable(getattr(model, "predict", None)) or hasattr(model, "classes_"):
        raise ValueError(f"it is {type(model).__name__}, which predicts no numbers")
    if getattr(model, "n_features_in_", None) != math.prod(shape):
        raise ValueError(
            f"it takes {getattr(model, 'n_features_in_', 'no')} numbers, an example has {math.prod(shape)}"
        )
    return lambda inputs: {"prediction": numbers(model.predict(inputs.reshape(len(inputs), -1)), len(inputs))}


def restored_forest(model: Any, shape: tuple[int, ...], num_outputs: int) -> Answers:
    """The same of a forest.

    Raises:
        ValueError: it is none, or one whose trees look at more than an example has.
    """
    check_forest(model, "RandomForestRegressor", math.prod(shape))
    return restored_rows(model, shape, num_outputs)


def restored_kernels(kind: kernels.Kind, fitted: Any, shape: tuple[int, ...], num_outputs: int) -> Answers:  # noqa: ARG001
    """The answers of kernels with ridge regression about series (n, T, C).

    Raises:
        ValueError: it is not that, or not for such series.
    """
    if not isinstance(fitted, dict) or set(fitted) != {"kernels", "ridge"}:
        raise ValueError("it is not kernels with ridge regression")
    steps, channels = shape
    size = (channels, max(steps, kernels.SHORTEST))
    transformer = kernels.with_kernels(kind, fitted["kernels"], size, normalise=False)
    model = fitted["ridge"]
    if [type(step).__name__ for _, step in getattr(model, "steps", ())] != ["StandardScaler", "RidgeCV"]:
        raise ValueError("it is not ridge regression on scaled features")
    return lambda inputs: {
        "prediction": numbers(model.predict(transformer.transform(channels_first(inputs))), len(inputs))
    }


def numbers(said: Any, num: int) -> NDArray[np.float64]:
    """(n,) of what a regressor has said.

    Raises:
        ValueError: it is not a number for each example.
    """
    found = np.asarray(said, dtype=np.float64)
    if found.size != num:
        raise ValueError(f"it says {found.shape} about {num} examples; a number for each is needed")
    return found.reshape(num)


MEAN = Baseline(
    name="mean",
    label="mean",
    kinds=("images", "sequences"),
    objective=REGRESSION,
    deterministic=True,
    ignores_examples=True,
    fit=fit_mean,
    restore=restored_rows,
    purpose="the mean of the training examples, whatever it is asked about",
)
RIDGE = Baseline(
    name="ridge",
    label="ridge regression",
    kinds=("images", "sequences"),
    objective=REGRESSION,
    deterministic=True,
    fit=fit_ridge,
    restore=restored_rows,
    purpose="linear in every value of the example; seconds",
)
FOREST = Baseline(
    name="forest-regressor",
    label="forest of regression trees",
    kinds=("images", "sequences"),
    objective=REGRESSION,
    deterministic=False,
    fit=fit_forest,
    restore=restored_forest,
    in_default=False,
    purpose="200 trees on the values of the example; needs no scaling, and knows no order of steps",
)
ROCKET = Baseline(
    name="rocket-regressor",
    label="ROCKET regressor",
    kinds=("sequences",),
    objective=REGRESSION,
    deterministic=False,
    fit=partial(fit_kernels, "rocket"),
    restore=partial(restored_kernels, "rocket"),
    purpose="10,000 random kernels and ridge regression (Tan et al. 2021); strong on small data",
)
MINIROCKET = Baseline(
    name="minirocket-regressor",
    label="MiniROCKET regressor",
    kinds=("sequences",),
    objective=REGRESSION,
    deterministic=False,
    fit=partial(fit_kernels, "minirocket"),
    restore=partial(restored_kernels, "minirocket"),
    in_default=False,
    purpose="20 times as fast as the ROCKET regressor",
)
