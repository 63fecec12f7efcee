"""Drift: what is asked, and what each test found."""

from typing import Annotated

from pydantic import Field

from hw3models.specs.base import Report, Spec
from hw3models.specs.comparison import Score
from hw3models.specs.data import DataSpec


class DriftSpec(Spec):
    """New data against the training data of a model."""

    reference: str
    """`NAME@champion` or `NAME/VERSION` of the model registry, or the MLflow run of a family."""
    new: DataSpec = DataSpec()
    """The new data; a file needs no labels."""
    smallest: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Smallest distance of two distributions that counts as drift, however significant."""


class DriftTest(Report):
    """One thing that was compared."""

    what: str
    test: str
    effect: float
    """Distance in 0..1, or the classifier's accuracy."""
    p_value: float
    """The p-value before Holm's correction."""
    is_large: bool
    """Is the effect as large as what counts?"""
    drifted: bool = False
    """Significant after Holm's correction over all tests, and large."""
    detail: str


class DriftReport(Report):
    """What came of a look for drift."""

    num_reference: int
    num_new: int
    num_groups: tuple[int, int] | None = None
    """Groups that the examples are of, reference and new; None where they count as independent."""
    level: float
    """Chance of one or more false alarms among all tests of this look, at most; over all looks it is 5%."""
    look: int = 1
    """Which look at this model it is: other data each time. Each has its share of the 5%."""
    smallest: float
    tests: tuple[DriftTest, ...]
    drifted: bool
    verdict: str
    accuracy_before: Score | None = None
    """Accuracy of the model on its own test split."""
    accuracy_now: Score | None = None
    """Accuracy of the model on the new data, where they have labels."""
    rmse_before: Score | None = None
    """The same of a model that predicts numbers."""
    rmse_now: Score | None = None
    reference: str = ""
    run_id: str | None = None
    """MLflow run of this look."""
