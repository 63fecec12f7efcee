"""Task types. A new one is one file, and one line in `OBJECTIVES`."""

from hw3models.objectives.classification import CLASSIFICATION
from hw3models.objectives.objective import Objective
from hw3models.objectives.reconstruction import RECONSTRUCTION
from hw3models.objectives.regression import REGRESSION

OBJECTIVES: dict[str, Objective] = {one.name: one for one in (CLASSIFICATION, RECONSTRUCTION, REGRESSION)}
"""Task types by name."""

__all__ = ["CLASSIFICATION", "OBJECTIVES", "RECONSTRUCTION", "REGRESSION", "Objective"]
