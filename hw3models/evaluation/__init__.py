"""Metrics, comparisons and verdicts: prediction tables in, statements out.

For predictions that were made anywhere: `compare_predictions`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw3models.evaluation.predictions import compare_predictions

__all__ = ["compare_predictions"]


def __getattr__(name: str) -> Any:
    """Import `compare_predictions` when somebody asks for it: it takes pandas, which commands need not wait for."""
    if name == "compare_predictions":
        from hw3models.evaluation.predictions import compare_predictions

        return compare_predictions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
