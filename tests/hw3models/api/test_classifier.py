"""A family as scikit-learn's estimator."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from hw3models import FamilyClassifier
from tests.hw3models.api.test_studies import waves


@parametrize_with_checks([FamilyClassifier("mlp", seeds=1, epochs=10)])  # type: ignore[untyped-decorator]  # scikit-learn has no types
def test_it_is_what_scikit_learn_asks_of_an_estimator(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_cross_validation_takes_series_of_several_channels() -> None:
    series, labels = waves(120)
    scores = cross_val_score(FamilyClassifier("mlp", seeds=2, epochs=5), series, labels, cv=3)
    assert scores.mean() > 0.85


def test_seeds_are_averaged() -> None:
    series, labels = waves(80)
    both = FamilyClassifier("mlp", seeds=2, epochs=2, random_state=3).fit(series, labels)
    alone = [FamilyClassifier("mlp", seeds=1, epochs=2, random_state=seed).fit(series, labels) for seed in (3, 4)]
    mean = np.mean([one.predict_proba(series) for one in alone], axis=0)
    assert both.predict_proba(series) == pytest.approx(mean, abs=1e-5)


def test_a_baseline_is_not_wrapped_again() -> None:
    series, labels = waves(40)
    with pytest.raises(ValueError, match="'rocket' is a baseline; take scikit-learn's or aeon's own estimator"):
        FamilyClassifier("rocket").fit(series, labels)


def test_series_with_channels_first_are_taken_where_that_is_said() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    series = rng.normal(size=(60, 20, 2)).cumsum(axis=1) + 3 * labels[:, None, None]
    one = FamilyClassifier("mlp", seeds=1, epochs=2).fit(series, labels)
    other = FamilyClassifier("mlp", seeds=1, epochs=2, axes="NCT").fit(series.transpose(0, 2, 1), labels)
    assert np.array_equal(one.predict_proba(series), other.predict_proba(series.transpose(0, 2, 1)))
    with pytest.raises(ValueError, match="looks like 2 channels of 20 steps"):
        FamilyClassifier("mlp", seeds=1, epochs=2).fit(series.transpose(0, 2, 1), labels)
