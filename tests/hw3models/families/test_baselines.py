import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hw3models.families import FAMILIES, Baseline
from hw3models.families.aeon_baselines import series_of
from tests.tiny import tiny_dataset

CLASSIFIERS = ["majority", "logistic", "rocket", "minirocket", "quant", "summary"]


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


def test_rocket_has_the_papers_kernels_however_large_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from aeon.transformations.collection import convolution_based

    made: list[dict[str, object]] = []

    class ToldError(Exception):
        """Nothing needs to be fitted."""

    def rocket(**options: object) -> None:
        made.append(options)
        raise ToldError

    monkeypatch.setattr(convolution_based, "Rocket", rocket)
    with pytest.raises(ToldError):
        baseline("sequences", "rocket").fit(tiny_dataset(num=2400), 0, 2)
    assert made[0]["n_kernels"] == 10_000


def test_multirocket_hydra_is_aeons() -> None:
    from aeon.classification.convolution_based import MultiRocketHydraClassifier

    # Hard enough that not everything is right.
    dataset = tiny_dataset()
    rng = np.random.default_rng(3)
    dataset = type(dataset)(
        **{**vars(dataset), "features": dataset.features + rng.normal(0, 2, dataset.features.shape)}
    )
    fit = baseline("sequences", "multirocket-hydra").fit(dataset, 4, 2)
    theirs = MultiRocketHydraClassifier(random_state=4)
    theirs.fit(series_of(dataset, dataset.train), dataset.labels[dataset.train])
    said = np.asarray(theirs.predict(series_of(dataset, dataset.test)))
    assert fit.probabilities is not None
    assert 0.3 < (said == dataset.labels[dataset.test]).mean() < 1
    assert (fit.probabilities.argmax(1) == said).mean() > 0.98, "rounding may turn a tie"


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


@pytest.mark.parametrize("name", ["minirocket", "multirocket-hydra", "quant"])
def test_short_series_are_lengthened(name: str) -> None:
    dataset = tiny_dataset()
    short = type(dataset)(**{**vars(dataset), "features": dataset.features[:, :4]})
    assert baseline("sequences", name).fit(short, 0, 2).probabilities is not None
