"""An estimator of scikit-learn's or aeon's kind that somebody else wrote, as a family.

n = examples, T = time steps, C = channels, K = classes
"""

import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.errors import SpecError, TrainingError
from hw3models.families.baselines import in_memory, parts, standardised
from hw3models.families.family import Baseline
from hw3models.objectives import CLASSIFICATION
from hw3models.objectives.objective import BaselineFit
from hw3models.runtime.devices import in_a_thread_of_its_own
from hw3models.specs import Kind
from hw3models.specs.origin import Origin


def is_estimator(found: object) -> bool:
    """Whether it is fitted rather than built: it has `fit` and `predict`."""
    return all(callable(getattr(found, name, None)) for name in ("fit", "predict"))


def baseline_of(found: Any, name: str, kind: Kind, origin: Origin) -> Baseline:
    """The family of a class of classifiers, or of one that is cloned for each seed.

    Raises:
        SpecError: it cannot be made.
    """
    make = partial(_made, found, name)
    if _is_another_kind(make(0)):
        raise SpecError(f"`families`: {name} is no classifier.")
    return Baseline(
        name=name,
        label=name,
        kinds=(kind,),
        objective=CLASSIFICATION,
        deterministic=not _random_parameters(make(0)),
        fit=partial(_fit, make, name),
        origin=origin,
    )


def _made(found: Any, name: str, seed: int) -> Any:
    """A fresh estimator; whatever in it has a `random_state` gets the seed."""
    estimator: Any
    try:
        if inspect.isclass(found):
            estimator = found()
        else:
            from sklearn.base import clone

            estimator = clone(found)
    except (Exception, SystemExit) as error:
        raise SpecError(
            f"`families`: {name} cannot be made without arguments ({error}). Name one that is made."
        ) from error
    names = _random_parameters(estimator)
    return estimator.set_params(**dict.fromkeys(names, seed)) if names else estimator


def _is_another_kind(estimator: Any) -> bool:
    """Whether scikit-learn says that it is a regressor, or finds outliers or clusters."""
    from sklearn.base import BaseEstimator, is_clusterer, is_outlier_detector, is_regressor

    if not isinstance(estimator, BaseEstimator):
        return False
    return bool(is_regressor(estimator) or is_outlier_detector(estimator) or is_clusterer(estimator))


def _random_parameters(estimator: Any) -> list[str]:
    """`random_state`, and those of what it is made of."""
    if not hasattr(estimator, "get_params"):
        return []
    return [name for name in estimator.get_params(deep=True) if name.rpartition("__")[2] == "random_state"]


def _fit(make: Callable[[int], Any], name: str, dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    # numba's OpenMP, which aeon's estimators use, must not set the nesting of torch's.
    return in_a_thread_of_its_own(partial(_fitted, make(seed), name, dataset, seed))


def _fitted(estimator: Any, name: str, dataset: Dataset, seed: int) -> BaselineFit:
    index = in_memory(dataset, seed)
    inputs = _series if _takes_series(estimator) else _rows
    try:
        estimator.fit(inputs(dataset, index), dataset.labels[index])
        start = time.perf_counter()
        found = [_probabilities(estimator, inputs(dataset, part), dataset) for part in parts(dataset.test)]
    except (Exception, SystemExit) as error:  # whatever a foreign estimator may raise
        raise TrainingError(f"{name} could not be fitted: {type(error).__name__}: {str(error)[:300]}") from error
    return BaselineFit(
        probabilities=np.concatenate([each for each, _ in found]),
        hard=found[0][1],
        parameters=_learnt(estimator),
        predict_seconds=time.perf_counter() - start,
    )


def _takes_series(estimator: Any) -> bool:
    """Whether it is one of aeon's, which take (n, C, T)."""
    return any(cls.__module__.partition(".")[0] == "aeon" for cls in type(estimator).__mro__)


def _rows(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, T x C), standardised, as scikit-learn wants it."""
    return standardised(dataset, index).reshape(len(index), -1)


def _series(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, C, T), standardised, zero after the end of a series."""
    values = standardised(dataset, index)
    if values.ndim == 3 and dataset.kind == "sequences":
        values = values.transpose(0, 2, 1)
    return np.ascontiguousarray(values)


def _probabilities(estimator: Any, inputs: NDArray[np.float32], dataset: Dataset) -> tuple[NDArray[np.float32], bool]:
    """(n, K), and whether they are only 0 and 1 because it has none."""
    num = len(dataset.class_names)
    out = np.zeros((len(inputs), num), np.float32)
    if hasattr(estimator, "predict_proba"):
        given = np.asarray(estimator.predict_proba(inputs), dtype=np.float64)
        sums = given.sum(axis=1) if given.ndim == 2 else np.zeros(1)
        if (
            given.shape != (len(inputs), len(estimator.classes_))
            or (given < 0).any()
            or not np.allclose(sums, 1, atol=1e-3)
        ):
            raise ValueError("what it gives as probabilities does not sum to 1 for each example")
        out[:, np.asarray(estimator.classes_, dtype=np.int64)] = given
        return out, False
    named = np.asarray(estimator.predict(inputs))
    if named.shape != (len(inputs),) or not np.isin(named, np.arange(num)).all():
        raise ValueError(f"it predicts {named.ravel()[:3].tolist()}..., not one of the classes 0 to {num - 1}")
    out[np.arange(len(inputs)), named.astype(np.int64)] = 1
    return out, True


def _learnt(estimator: Any) -> int:
    """Numbers in the arrays that fitting has left (scikit-learn ends their names with `_`); trees are not counted."""
    values = vars(estimator).items()
    return int(sum(value.size for name, value in values if name.endswith("_") and isinstance(value, np.ndarray)))
