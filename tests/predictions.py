"""Predictions in long form, made to order."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hw3models.evaluation.prediction_table import PredictionTable


def named(shares: Mapping[str, float], *, num_seeds: int = 3, num: int = 60) -> pd.DataFrame:
    """Families that name the right one of two classes for about these shares of the examples."""
    rng = np.random.default_rng(0)
    rows = []
    for family, share in shares.items():
        for seed in range(num_seeds):
            right = rng.random(num) < share
            for example in range(num):
                label, other = ("yes", "no") if example % 2 else ("no", "yes")
                rows.append((family, seed, example, label, label if right[example] else other))
    return pd.DataFrame(rows, columns=["family", "seed", "example", "label", "prediction"])


def as_frame(tables: Mapping[str, PredictionTable], classes: Sequence[str]) -> pd.DataFrame:
    """Our own prediction tables in long form, with a column of probabilities per class."""
    frames = []
    for name, table in tables.items():
        assert table.probabilities is not None
        for s, seed in enumerate(table.seeds):
            columns: dict[str, object] = {
                "family": name,
                "seed": seed,
                "example": table.test_index,
                "label": [classes[label] for label in table.labels],
            }
            columns |= {f"p_{one}": table.probabilities[s, :, k] for k, one in enumerate(classes)}
            frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
