"""Predictions become verdicts: the prediction table, metrics, scores, comparison, gate."""
