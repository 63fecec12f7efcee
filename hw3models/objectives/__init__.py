"""Task types. A new one is one file, and one line in `OBJECTIVES`."""

from hw3models.objectives.classification import CLASSIFICATION
from hw3models.objectives.objective import Objective
from hw3models.objectives.reconstruction import RECONSTRUCTION

OBJECTIVES: dict[str, Objective] = {one.name: one for one in (CLASSIFICATION, RECONSTRUCTION)}
"""By name."""

__all__ = ["CLASSIFICATION", "OBJECTIVES", "RECONSTRUCTION", "Objective"]
