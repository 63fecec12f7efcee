"""An estimator of scikit-learn's or aeon's kind that somebody else wrote, as a family.

n = examples, T = time steps, C = channels, K = classes
"""

import inspect
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.errors import DataError, SpecError, TrainingError
from hw3models.families.baselines import checked_classes, in_memory, parts, standardised
from hw3models.families.family import Answers, Baseline
from hw3models.families.regressors import numbers
from hw3models.objectives import CLASSIFICATION, REGRESSION
from hw3models.objectives.objective import BaselineFit
from hw3models.runtime.devices import in_a_thread_of_its_own
from hw3models.specs import Kind
from hw3models.specs.origin import Origin


def is_estimator(found: object) -> bool:
    """Whether it is fitted rather than built: it has `fit` and `predict`."""
    return all(callable(getattr(found, name, None)) for name in ("fit", "predict"))


def baseline_of(found: Any, name: str, kind: Kind, origin: Origin) -> Baseline:
    """The family of a class of classifiers or regressors, or of one that is cloned for each seed.

    Raises:
        SpecError: it cannot be made, or is neither.
    """
    make = partial(_made, found, name)
    if _is_another_kind(make(0)):
        raise SpecError(f"`families`: {name} is an estimator that neither classifies nor predicts a number.")
    predicts_numbers = _is_regressor(make(0))
    return Baseline(
        name=name,
        label=name,
        kinds=(kind,),
        objective=REGRESSION if predicts_numbers else CLASSIFICATION,
        deterministic=not _random_parameters(make(0)),
        fit=partial(_fit, make, name),
        restore=partial(restored_regressor if predicts_numbers else restored_estimator, kind),
        origin=origin,
    )


def _is_regressor(estimator: Any) -> bool:
    from sklearn.base import BaseEstimator, is_regressor

    return isinstance(estimator, BaseEstimator) and bool(is_regressor(estimator))


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
    """Whether scikit-learn says that it finds outliers or clusters."""
    from sklearn.base import BaseEstimator, is_clusterer, is_outlier_detector

    return isinstance(estimator, BaseEstimator) and bool(is_outlier_detector(estimator) or is_clusterer(estimator))


def _random_parameters(estimator: Any) -> list[str]:
    """`random_state`, and those of what it is made of."""
    if not hasattr(estimator, "get_params"):
        return []
    return [name for name in estimator.get_params(deep=True) if name.rpartition("__")[2] == "random_state"]


def _fit(make: Callable[[int], Any], name: str, dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    # numba's OpenMP, which aeon's estimators use, must not set the nesting of torch's.
    return in_a_thread_of_its_own(partial(_fitted, make(seed), name, dataset, seed))


def _fitted(estimator: Any, name: str, dataset: Dataset, seed: int) -> BaselineFit:
    index, num = in_memory(dataset, seed), len(dataset.class_names)
    inputs = _arrangement(estimator, dataset.kind)
    try:
        estimator.fit(inputs(standardised(dataset, index)), _wanted(dataset)[index])
        start = time.perf_counter()
        if _is_regressor(estimator):
            said = [_numbers(estimator, inputs(standardised(dataset, part))) for part in parts(dataset.test)]
            return BaselineFit(
                numbers=np.concatenate(said),
                fitted=estimator,
                parameters=_learnt(estimator),
                predict_seconds=time.perf_counter() - start,
            )
        found = [_probabilities(estimator, inputs(standardised(dataset, part)), num) for part in parts(dataset.test)]
    except (Exception, SystemExit) as error:  # whatever a foreign estimator may raise
        raise TrainingError(f"{name} could not be fitted: {type(error).__name__}: {str(error)[:300]}") from error
    return BaselineFit(
        probabilities=np.concatenate([each for each, _ in found]),
        hard=found[0][1],
        fitted=estimator,
        parameters=_learnt(estimator),
        predict_seconds=time.perf_counter() - start,
    )


def _wanted(dataset: Dataset) -> NDArray[Any]:
    return dataset.labels if dataset.targets is None else dataset.targets


def _numbers(estimator: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return numbers(estimator.predict(inputs), len(inputs))


def restored_regressor(kind: Kind, estimator: Any, shape: tuple[int, ...], num_outputs: int) -> Answers:  # noqa: ARG001
    """The answers of a fitted regressor about standardised examples.

    Raises:
        ValueError: it is none for such examples.
    """
    arrange = _checked(kind, estimator, shape)
    return lambda inputs: {"prediction": _asked(partial(_numbers, estimator, arrange(inputs)))}


def restored_estimator(kind: Kind, estimator: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of a fitted estimator about standardised examples.

    Raises:
        ValueError: it is none for such examples and classes.
    """
    arrange = _checked(kind, estimator, shape)
    if hasattr(estimator, "classes_"):
        checked_classes(estimator, num_classes)
    return lambda inputs: {"probabilities": _asked(partial(_probabilities, estimator, arrange(inputs), num_classes))[0]}


def _checked(
    kind: Kind, estimator: Any, shape: tuple[int, ...]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """How it takes its inputs, which are of that shape."""
    if not is_estimator(estimator):
        raise ValueError(f"it is {type(estimator).__name__}, no estimator")
    arrange = _arrangement(estimator, kind)
    wanted, found = math.prod(shape), getattr(estimator, "n_features_in_", None)
    if arrange is _rows and found not in (None, wanted):
        raise ValueError(f"it takes {found} numbers, an example has {wanted}")
    return arrange


def _asked(ask: Callable[[], Any]) -> Any:
    """Its answer, in a thread of its own, as it was fitted."""
    try:
        return in_a_thread_of_its_own(ask)
    except (Exception, SystemExit) as error:  # whatever a foreign estimator may raise
        raise DataError(f"the model has no answer ({type(error).__name__}: {str(error)[:300]}).") from error


def _takes_series(estimator: Any) -> bool:
    """Whether it is one of aeon's, which take (n, C, T)."""
    return any(cls.__module__.partition(".")[0] == "aeon" for cls in type(estimator).__mro__)


def _arrangement(estimator: Any, kind: Kind) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    if not _takes_series(estimator):
        return _rows
    return _series if kind == "sequences" else np.ascontiguousarray


def _rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, T x C), as scikit-learn wants it."""
    return values.reshape(len(values), -1)


def _series(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, C, T), as aeon wants it, zero after the end of a series."""
    return np.ascontiguousarray(values.transpose(0, 2, 1))


def _probabilities(estimator: Any, inputs: NDArray[np.float32], num: int) -> tuple[NDArray[np.float32], bool]:
    """(n, K), and whether they are only 0 and 1 because it has none."""
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
