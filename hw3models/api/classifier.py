"""A family as an estimator of scikit-learn: for its cross-validation, pipelines and searches."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hw3models.api.model import Model
from hw3models.data.arrays import raw_from_arrays
from hw3models.data.dataset import Dataset
from hw3models.data.raw import Raw
from hw3models.data.scaling import learn_scaling
from hw3models.data.splits import split
from hw3models.engine.fit import fit
from hw3models.engine.model_store import load_model, rebuild, save_model
from hw3models.errors import DataError, SpecError
from hw3models.families import Network, find_family, recipe_of
from hw3models.pipeline.study import enter_all
from hw3models.serving.predictor import Predictor
from hw3models.specs import Axes, DataSpec, Recipe, TrainSpec


class FamilyClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Networks of one family, one per seed, whose probabilities are averaged.

    `fit` takes images, uint8 (N, H, W) or (N, H, W, 3), or series, (N, T, C) or (N, T), all of one length. All of them
    are trained on, less a tenth for validation where the recipe chooses by it.

    Args:
        family: a name of `hw3 families`, or where your own is, such as `./nets.py:MyNet`.
        seeds: networks.
        epochs: passes over the examples; None: the recipe's own.
        recipe: `default`, or another recipe of the family, or a `Recipe`.
        device: `auto`, `cpu`, `cuda` or `mps`.
        axes: `NCT` where series are (N, C, T), as aeon's are; None: (N, T, C), and what looks otherwise is refused.
        random_state: the first seed.
    """

    def __init__(
        self,
        family: str = "mlp",
        *,
        seeds: int = 5,
        epochs: int | None = None,
        recipe: str | Recipe = "default",
        device: str = "auto",
        axes: Axes | None = None,
        random_state: int = 0,
    ) -> None:
        self.family = family
        self.seeds = seeds
        self.epochs = epochs
        self.recipe = recipe
        self.device = device
        self.axes = axes
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:  # scikit-learn's names
        """Train the networks on examples `X` and labels `y` (N,).

        Raises:
            ValueError: the arrays or the options do not fit.
            TrainingError: no network could be trained.
        """
        X, y = self._checked(X, y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"a classifier needs 2 classes at least, got 1 class: {classes[0]!r}.")
        try:
            raw = raw_from_arrays(X, codes.astype(np.int64), axes=self.axes)
        except DataError as error:
            raise ValueError(str(error)) from error
        (name,) = enter_all(raw.kind, [self.family])
        family = find_family(raw.kind, name)
        if not isinstance(family, Network):
            raise SpecError(f"`family` {self.family!r} is a baseline; take scikit-learn's or aeon's own estimator.")
        recipe = self.recipe if isinstance(self.recipe, Recipe) else recipe_of(family, self.recipe)
        if self.epochs is not None:
            recipe = recipe.model_copy(update={"epochs": self.epochs, "min_examples": 0})
        spec = TrainSpec.model_validate(
            {
                "family": name,
                "origin": family.origin,
                "seeds": tuple(range(self.random_state, self.random_state + self.seeds)),
                "recipe": recipe,
                "device": self.device,
            }
        )
        self.classes_ = classes
        self.models_ = _trained(raw, family, spec, classes, self.axes)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Examples to probabilities (N, K), the mean over the networks."""
        check_is_fitted(self, "models_")
        X = validate_data(self, X, reset=False, allow_nd=True, dtype=None, ensure_min_features=1)
        probabilities: NDArray[np.float32] = self.models_.predict_proba(X)
        return probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        """Examples to labels (N,)."""
        probabilities = self.predict_proba(X)  # which says where nothing was fitted
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def _checked(self, X: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        X, y = validate_data(self, X, y, allow_nd=True, dtype=None, ensure_min_samples=2)
        check_classification_targets(y)
        return X if X.dtype == np.uint8 else X.astype(np.float64), y


def _trained(raw: Raw, family: Network, spec: TrainSpec, classes: NDArray[Any], axes: Axes | None) -> Model:
    dataset = _all_for_training(raw, family.recipe if spec.recipe is None else spec.recipe)
    result = fit(dataset, family, spec)
    with TemporaryDirectory(prefix="hw3-fit-") as folder:
        save_model(Path(folder), dataset, family, spec, result)
        manifest, states = load_model(Path(folder))
    try:
        predictors = [
            Predictor.of_network(manifest.of((seed,)), rebuild(manifest, states, seed)) for seed in manifest.seeds
        ]
    except ValueError as error:
        raise DataError(f"{family.label}: the trained networks cannot be used ({error}).") from error
    return Model(predictors, classes, axes)


def _all_for_training(raw: Raw, recipe: Recipe) -> Dataset:
    """Nothing is held out for test; for validation only where the recipe chooses by it."""
    nothing, everything = np.empty(0, np.int64), np.arange(len(raw.labels))
    train, validation = everything, nothing
    if recipe.select == "best":
        parts = split(raw.labels, np.zeros(len(raw.labels), np.bool_), DataSpec(source=raw.name), raw.groups)
        train, validation = parts.train, parts.validation
    mean, std = learn_scaling(raw.features, raw.lengths, train)
    return Dataset(
        name=raw.name,
        kind=raw.kind,
        source=raw.name,
        features=raw.features,
        labels=raw.labels,
        class_names=raw.class_names,
        train=train,
        validation=validation,
        test=nothing,
        lengths=raw.lengths,
        mean=mean,
        std=std,
    )
