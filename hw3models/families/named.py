"""Recipes that several networks share: plain Adam as in the course, three times the training, and DEEP."""

from collections.abc import Mapping
from typing import Any

from hw3models.specs import Recipe

IMAGE_CONVOLUTIONS = Recipe(
    epochs=15,
    min_examples=150_000,
    batch_size=128,
    learning_rate=5e-3,
    weight_decay=0.05,
    crop=0.08,
    flip="auto",
)
"""The default of convolutional networks on images."""
IMAGE_HOMEWORK = Recipe(epochs=10, batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant")
HOMEWORK = Recipe(epochs=30, min_examples=20_000, optimizer="adam", learning_rate=1e-3, schedule="constant")
DEEP = Recipe(
    epochs=20,
    min_examples=10_000,
    max_time_steps=2_500_000,
    learning_rate=3e-3,
    weight_decay=0.05,
    jitter=0.1,
    scale=0.3,
    tried=2,
)
"""The recipe of convolutional networks that are deep or wide: they cost much a step, and need few."""


def other_recipes(default: Recipe) -> Mapping[str, Recipe]:
    """Other recipes by name; `long` is `default` with three times the examples."""
    longer = {name: 3 * getattr(default, name) for name in ("epochs", "min_examples", "max_time_steps")}
    return {"homework": HOMEWORK, "long": default.model_copy(update=longer)}


def image_recipes(default: Recipe, long: Mapping[str, Any] | None = None) -> Mapping[str, Recipe]:
    """The same for networks on images; `long` may change more than the number of examples."""
    longer = {"epochs": 3 * default.epochs, "min_examples": 3 * default.min_examples} | dict(long or {})
    return {"homework": IMAGE_HOMEWORK, "long": default.model_copy(update=longer)}
