"""From predictions to verdicts: the prediction table, metrics, scores, comparison, gate."""
