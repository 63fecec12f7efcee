"""Predictions become verdicts: the prediction table, metrics, scores, comparison, gate.

For predictions that were made anywhere: `compare_predictions`.
"""

from importlib import import_module
from typing import Any

__all__ = ["compare_predictions"]


def __getattr__(name: str) -> Any:
    """Import `compare_predictions` when somebody asks for it: it takes pandas, which commands need not wait for."""
    if name == "compare_predictions":
        return import_module("hw3models.evaluation.predictions").compare_predictions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
