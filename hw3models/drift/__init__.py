"""Drift: new data against those that a model was trained on."""

from hw3models.drift.detection import SMALLEST, Side, detect

__all__ = ["SMALLEST", "Side", "detect"]
