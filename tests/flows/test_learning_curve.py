"""A study at growing sizes, and what it says of a larger one: real trainings, each size once."""

import pytest

from flows.learning_curve import learning_curve
from hw3models.specs import DataSpec, LearningCurveSpec, SequencesSpec

pytestmark = pytest.mark.usefixtures("prefect", "store")


def test_sizes_are_nested_halves_and_the_forecast_is_said() -> None:
    data = DataSpec(source="regime:locked", num_train=200, num_test=200)
    study = SequencesSpec(data=data, families=("logistic", "majority"), seeds=1)
    report = learning_curve(LearningCurveSpec(sequences=study))
    assert report.sizes == (25, 50, 100, 200)
    logistic = report.families["logistic"]
    assert [len(one.accuracy) for one in report.families.values()] == [4, 4]
    assert logistic.low <= logistic.expected <= logistic.high
    assert "logistic: with twice the data expect" in report.verdict
    assert "logistic would lead." in report.verdict


def test_a_learning_curve_is_of_one_study() -> None:
    with pytest.raises(ValueError, match="give one of `images` and `sequences`"):
        LearningCurveSpec()
