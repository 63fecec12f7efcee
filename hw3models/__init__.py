"""Which family of network for these examples, and is the difference real?

From Python: `study` and `FamilyClassifier`. They are imported when somebody asks for them: importing this package does
nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw3models.api import FamilyClassifier, StudyResult, study

__all__ = ["FamilyClassifier", "StudyResult", "study"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("hw3models.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
