"""The library: arrays in, a verdict and a model out. Neither servers nor MLflow."""

from hw3models.api.classifier import FamilyClassifier
from hw3models.api.model import Model
from hw3models.api.result import StudyResult
from hw3models.api.studies import study

__all__ = ["FamilyClassifier", "Model", "StudyResult", "study"]
