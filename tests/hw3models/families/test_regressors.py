"""Baselines that predict numbers, against scikit-learn on the same arrays, and kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from hw3models.engine.asking import ask_again
from hw3models.engine.fitted_store import keep, load_fitted, restored_answers
from hw3models.errors import SpecError
from hw3models.families import FAMILIES, Baseline, enter, find_family, fitting_families
from hw3models.families.baselines import standardised
from hw3models.families.regressors import PENALTIES
from hw3models.objectives import REGRESSION
from hw3models.runtime.devices import pick_device
from hw3models.specs import Kind, TrainSpec
from tests.tiny import tiny_numbers

NAMES = [
    (kind, name)
    for kind in FAMILIES
    for name, one in fitting_families(kind, REGRESSION).items()
    if isinstance(one, Baseline)
]


def baseline(kind: Kind, name: str) -> Baseline:
    found = find_family(kind, name, task="regression")
    assert isinstance(found, Baseline)
    return found


def test_the_baselines_of_numbers_have_names_of_their_own() -> None:
    assert {name for kind, name in NAMES if kind == "sequences"} == {
        "mean",
        "ridge",
        "rocket-regressor",
        "minirocket-regressor",
        "forest-regressor",
    }
    assert {name for kind, name in NAMES if kind == "images"} == {"mean", "ridge", "forest-regressor"}


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_baseline_that_is_kept_says_the_same_again(kind: Kind, name: str, tmp_path: Path) -> None:
    dataset = tiny_numbers(kind, num=80, size=10, unequal=kind == "sequences")
    family, spec = baseline(kind, name), TrainSpec(family=name, seeds=(3,))
    fit = family.fit(dataset, 3, 2)
    assert fit.numbers is not None
    assert fit.numbers.shape == (len(dataset.test),)
    digest, why = keep(tmp_path, dataset, family, spec, (3,), [fit])
    assert digest is not None, why
    manifest, fitted = load_fitted(tmp_path)
    assert (manifest.target, manifest.class_names) == (dataset.target, ())
    said = restored_answers(manifest, fitted[3])(standardised(dataset, dataset.test))
    np.testing.assert_array_equal(said["prediction"], fit.numbers)
    again = ask_again(tmp_path, dataset, pick_device("cpu"))
    np.testing.assert_array_equal(again.predicted, fit.numbers[None])
    with pytest.raises(ValueError, match=r"it |kernels are wider than series"):
        restored_answers(manifest.model_copy(update={"shape": (7, 3)}), fitted[3])(np.zeros((1, 7, 3), np.float32))


def test_the_mean_is_that_of_the_training_examples() -> None:
    dataset = tiny_numbers()
    fit = baseline("sequences", "mean").fit(dataset, 0, 2)
    assert fit.numbers == pytest.approx(np.full(len(dataset.test), dataset.targets[dataset.train].mean()))  # type: ignore[index]


def test_ridge_is_scikit_learns_on_the_scaled_training_split() -> None:
    dataset = tiny_numbers()
    fit = baseline("sequences", "ridge").fit(dataset, 0, 2)
    scaled = ((dataset.features - dataset.mean) / dataset.std).reshape(len(dataset.features), -1)
    model = RidgeCV(alphas=PENALTIES).fit(scaled[dataset.train], dataset.targets[dataset.train])  # type: ignore[index]
    np.testing.assert_allclose(fit.numbers, model.predict(scaled[dataset.test]), rtol=1e-4)  # type: ignore[arg-type]
    assert fit.parameters == 81


@pytest.mark.parametrize("name", ["rocket-regressor", "minirocket-regressor"])
def test_kernels_see_how_high_a_series_is(name: str) -> None:
    """ROCKET as it classifies standardises each series: then a number that is a level could not be predicted."""
    dataset = tiny_numbers(num=160)
    flat = replace(dataset, features=dataset.features[:, :, 1:2], mean=dataset.mean[:1], std=dataset.std[:1])
    fit = baseline("sequences", name).fit(flat, 0, 2)
    truth = flat.targets[flat.test]  # type: ignore[index]
    assert fit.numbers is not None
    assert np.corrcoef(fit.numbers, truth)[0, 1] > 0.85


def test_regressors_of_others_are_families_for_numbers_and_classifiers_are_not() -> None:
    dataset = tiny_numbers(num=80)
    family = enter("sequences", "sklearn.ensemble:ExtraTreesRegressor")
    assert isinstance(family, Baseline)
    assert family.objective is REGRESSION
    fit = family.fit(dataset, 1, 2)
    assert fit.numbers is not None
    truth = dataset.targets[dataset.test]  # type: ignore[index]
    assert np.corrcoef(fit.numbers, truth)[0, 1] > 0.5
    assert enter("sequences", "sklearn.linear_model:LogisticRegression").objective is not REGRESSION
    with pytest.raises(SpecError, match="neither classifies nor predicts a number"):
        enter("sequences", "sklearn.cluster:KMeans")


def test_a_regressor_of_aeon_gets_series(tmp_path: Path) -> None:
    dataset = tiny_numbers(num=60)
    family = enter("sequences", "aeon.regression.distance_based:KNeighborsTimeSeriesRegressor")
    assert isinstance(family, Baseline)
    fit = family.fit(dataset, 0, 2)
    assert fit.numbers is not None
    assert fit.numbers.shape == (15,)
