"""The classifier two-sample test: right by permutation, and as accurate as scikit-learn's discriminant."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import KFold, cross_val_predict

from hw3models.drift.classifier import tell_apart


@pytest.mark.parametrize("level", [0.05, 0.005])
def test_samples_of_one_distribution_are_told_apart_as_rarely_as_the_level_says(level: float) -> None:
    rng = np.random.default_rng(0)
    repeats, size = 400, 50
    alarms = sum(
        tell_apart(*rng.normal(size=(2, size, 6)), permutations=399, rng=rng)[1] <= level for _ in range(repeats)
    )
    assert alarms <= binom.ppf(0.999, repeats, level)


def test_its_accuracy_is_that_of_a_linear_discriminant() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(size=(2, 1000, 4))
    theirs += [0.5, 0.0, -0.3, 0.0]
    accuracy, p_value = tell_apart(ours, theirs, permutations=199, rng=rng)
    is_new = np.repeat([0, 1], 1000)
    folds = KFold(5, shuffle=True, random_state=0)
    wanted = cross_val_predict(LinearDiscriminantAnalysis(), np.concatenate([ours, theirs]), is_new, cv=folds) == is_new
    assert accuracy == pytest.approx(wanted.mean(), abs=0.01)
    assert p_value == 1 / 200, "no permutation is as accurate"


def test_constant_repeated_and_missing_features_do_no_harm() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = rng.normal(size=(2, 80, 1))
    theirs += 3

    def with_company(values: np.ndarray) -> np.ndarray:
        missing = np.where(np.arange(80)[:, None] % 2, np.nan, 1.0)
        return np.concatenate([values, values, np.full((80, 1), 7.0), missing], 1)

    accuracy, p_value = tell_apart(with_company(ours), with_company(theirs), permutations=199, rng=rng)
    assert accuracy > 0.85
    assert p_value == 1 / 200
