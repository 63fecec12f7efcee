import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hw3models.families import FAMILIES, Baseline
from hw3models.families.baselines import num_kernels
from tests.tiny import tiny_dataset

CLASSIFIERS = ["majority", "logistic", "rocket", "minirocket"]


def baseline(kind: str, name: str) -> Baseline:
    family = FAMILIES["images" if kind == "images" else "sequences"][name]
    assert isinstance(family, Baseline)
    return family


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_baseline_gives_probabilities_for_every_test_example(name: str, unequal: bool) -> None:
    dataset = tiny_dataset(unequal=unequal)
    fit = baseline("sequences", name).fit(dataset, 0, 2)
    assert fit.probabilities is not None
    assert fit.probabilities.shape == (len(dataset.test), 3)
    np.testing.assert_allclose(fit.probabilities.sum(1), 1, rtol=1e-5)
    # The class shifts the mean of a series here, which ROCKET takes away: it standardises each series.
    if name not in {"majority", "rocket"}:
        accuracy = (fit.probabilities.argmax(1) == dataset.labels[dataset.test]).mean()
        assert accuracy > 0.6, "chance is 1/3"


def test_the_majority_class_has_the_frequencies_of_the_training_split() -> None:
    dataset = tiny_dataset(num=243)
    fit = baseline("sequences", "majority").fit(dataset, 0, 2)
    assert fit.probabilities is not None
    expected = np.bincount(dataset.labels[dataset.train]) / len(dataset.train)
    np.testing.assert_allclose(fit.probabilities[0], expected, rtol=1e-6)


def test_logistic_regression_is_scikit_learns_on_the_scaled_training_split() -> None:
    dataset = tiny_dataset()
    fit = baseline("sequences", "logistic").fit(dataset, 0, 2)
    scaled = ((dataset.features - dataset.mean) / dataset.std).reshape(len(dataset.features), -1)
    model = LogisticRegression(max_iter=200, tol=1e-3).fit(scaled[dataset.train], dataset.labels[dataset.train])
    assert fit.probabilities is not None
    np.testing.assert_allclose(fit.probabilities, model.predict_proba(scaled[dataset.test]), atol=1e-3)
    assert fit.parameters == 3 * 80 + 3


def test_a_class_that_training_does_not_have_gets_no_probability() -> None:
    dataset = tiny_dataset()
    without = np.array([row for row in dataset.train if dataset.labels[row] != 1])
    dataset = type(dataset)(**{**vars(dataset), "train": without})
    fit = baseline("sequences", "logistic").fit(dataset, 0, 2)
    assert fit.probabilities is not None
    assert fit.probabilities[:, 1].max() == 0


def test_rocket_differs_by_seed_and_repeats_for_a_seed() -> None:
    dataset, rocket = tiny_dataset(), baseline("sequences", "rocket")
    first, again, other = (rocket.fit(dataset, seed, 2).probabilities for seed in (0, 0, 1))
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_rocket_has_fewer_kernels_for_more_data_and_never_under_a_thousand() -> None:
    small, large = tiny_dataset(num=240), tiny_dataset(num=2400)
    assert num_kernels(small) == 10_000
    assert num_kernels(large) == 10_000 * 20_000 // (2400 * 20)
    endless = type(small)(**{**vars(small), "features": np.zeros((10, 100_000, 1), np.float32)})
    assert num_kernels(endless) == 1_000


def test_rocket_does_not_depend_on_the_number_of_threads() -> None:
    dataset, rocket, threads = tiny_dataset(), baseline("sequences", "rocket"), torch.get_num_threads()
    found = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            found.append(rocket.fit(dataset, 0, 2).probabilities)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_pca_reconstructs_as_the_singular_value_decomposition_does() -> None:
    dataset = tiny_dataset("images")
    fit = baseline("images", "pca").fit(dataset, 0, 5)
    pixels = dataset.features.reshape(len(dataset.features), -1) / 255.0
    centre = pixels[dataset.train].mean(0)
    _, _, directions = np.linalg.svd(pixels[dataset.train] - centre, full_matrices=False)
    rebuilt = (pixels[dataset.test] - centre) @ directions[:5].T @ directions[:5] + centre
    np.testing.assert_allclose(fit.reconstructions, rebuilt, atol=1e-3)
    assert fit.codes is not None
    assert fit.codes.shape == (len(dataset.test), 5)


def test_short_series_are_lengthened_for_minirocket() -> None:
    dataset = tiny_dataset()
    short = type(dataset)(**{**vars(dataset), "features": dataset.features[:, :4]})
    assert baseline("sequences", "minirocket").fit(short, 0, 2).probabilities is not None
