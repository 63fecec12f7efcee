"""Small data sets for tests: learnable in seconds, with all the shapes that occur."""

from typing import Any

import numpy as np

from hw3models.data.dataset import Dataset
from hw3models.specs import Kind, Recipe


def tiny_dataset(
    kind: Kind = "sequences", *, unequal: bool = False, num: int = 240, num_classes: int = 3, seed: int = 0
) -> Dataset:
    """`num` examples (half train, a quarter each validation and test) whose class shifts the mean."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % num_classes
    lengths = None
    if kind == "images":
        features: Any = rng.integers(0, 120, (num, 28, 28)).astype(np.uint8)
        for row, label in enumerate(labels):
            features[row, 8 * label : 8 * label + 6, 4:24] += 80
    else:
        features = rng.normal(size=(num, 20, 4)).astype(np.float32)
        features[:, :, 0] += 0.8 * labels[:, None]
        if unequal:
            lengths = rng.integers(5, 21, num)
            features[np.arange(20) >= lengths[:, None]] = 0
    half, quarter = num // 2, num // 4
    return Dataset(
        name=f"tiny {kind}",
        kind=kind,
        source="tests",
        features=features,
        labels=labels.astype(np.int64),
        class_names=tuple("abcdefgh"[:num_classes]),
        train=np.arange(half),
        validation=np.arange(half, half + quarter),
        test=np.arange(half + quarter, num),
        lengths=lengths,
        mean=np.full(1 if kind == "images" else 4, 0.2, np.float32),
        std=np.full(1 if kind == "images" else 4, 0.5, np.float32),
    )


def quick_recipe(**changes: Any) -> Recipe:
    """Three epochs with everything switched on that could tell replicates apart."""
    return Recipe(
        **{"epochs": 3, "batch_size": 32, "learning_rate": 3e-3, "weight_decay": 0.01, "gradient_clip": 1.0} | changes
    )
