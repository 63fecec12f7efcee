"""Small data sets for tests: learnable in seconds, with all the shapes that occur."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hw3models.data.dataset import Dataset
from hw3models.data.targets import ranges
from hw3models.specs import Kind, Recipe
from hw3models.specs.model import ModelManifest


def tiny_dataset(
    kind: Kind = "sequences",
    *,
    unequal: bool = False,
    num: int = 240,
    num_classes: int = 3,
    seed: int = 0,
    size: int = 28,
    colour: bool = False,
) -> Dataset:
    """`num` examples (half train, a quarter each validation and test) whose class shifts the mean.

    Images are of `size` pixels in height and width.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % num_classes
    lengths = None
    if kind == "images":
        shape = (num, size, size, 3) if colour else (num, size, size)
        features: Any = rng.integers(0, 120, shape).astype(np.uint8)
        for row, label in enumerate(labels):
            top = 2 * size // 7 * label
            features[row, top : top + 3 * size // 14, size // 7 : 6 * size // 7] += 80
    else:
        features = rng.normal(size=(num, 20, 4)).astype(np.float32)
        features[:, :, 0] += 0.8 * labels[:, None]
        if unequal:
            lengths = rng.integers(5, 21, num)
            features[np.arange(20) >= lengths[:, None]] = 0
    half, quarter = num // 2, num // 4
    channels = 4 if kind == "sequences" else 3 if colour else 1
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
        mean=np.full(channels, 0.2, np.float32),
        std=np.full(channels, 0.5, np.float32),
    )


def quick_recipe(**changes: Any) -> Recipe:
    """Three epochs with everything switched on that could tell replicates apart."""
    return Recipe(
        **{"epochs": 3, "batch_size": 32, "learning_rate": 3e-3, "weight_decay": 0.01, "gradient_clip": 1.0} | changes
    )


def narrow(recipe: Recipe, family: str) -> Recipe:
    """The recipe with a network as small as the family gets: what is compared is the same at any width."""
    return recipe.model_copy(update={"depth": 1, "width": 16} if family == "vit" else {"width": 8})


def tiny_numbers(kind: Kind = "sequences", **how: Any) -> Dataset:
    """The same with a number in place of a class: what was added to the first channel, or to a part of the image."""
    plain = tiny_dataset(kind, **how)
    rng = np.random.default_rng(how.get("seed", 0) + 1)
    numbers = rng.uniform(0, 1, len(plain.labels))
    if kind == "images":
        features = plain.features.astype(np.int64)
        rows, columns = features.shape[1] // 2, features.shape[2] // 2
        features[:, :rows, :columns] += (100 * numbers).astype(np.int64).reshape(-1, *[1] * (features.ndim - 1))
        features = features.clip(0, 255).astype(np.uint8)
    else:
        features = plain.features.copy()
        there = np.ones(features.shape[:2], bool)
        if plain.lengths is not None:
            there = np.arange(features.shape[1]) < plain.lengths[:, None]
        features[:, :, 1] += np.where(there, 3 * numbers[:, None], 0).astype(np.float32)
    labels, names = ranges(numbers, None, None, None)
    return replace(plain, features=features, labels=labels, class_names=names, targets=100 + 50 * numbers)


def manifest_of(
    shape: tuple[int, int],
    class_names: tuple[str, ...],
    channels: tuple[str, ...],
    read_as: dict[str, str | int] | None = None,
) -> ModelManifest:
    """What a model for series (T, C) remembers, as far as a reader of new data asks it."""
    return ModelManifest(
        family="mlp",
        kind="sequences",
        shape=shape,
        class_names=class_names,
        channels=channels,
        mean=(0.0,) * shape[1],
        std=(1.0,) * shape[1],
        unequal_lengths=False,
        latent_dim=2,
        dropout=0,
        seeds=(0,),
        best_seed=0,
        data_digest="d",
        data_name="toy",
        read_as=read_as or {},
    )


def unsealed(path: Path) -> dict[str, Any]:
    """The fields of a `model.json` as earlier versions wrote it, without a digest: to be changed."""
    fields: dict[str, Any] = json.loads(path.read_text())
    del fields["digest"]
    return fields
