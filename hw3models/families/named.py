"""Recipes of networks beside their default: plain Adam as in the course, and three times the training."""

from collections.abc import Mapping
from typing import Any

from hw3models.specs import Recipe

IMAGE_HOMEWORK = Recipe(epochs=10, batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant")
HOMEWORK = Recipe(epochs=30, min_examples=20_000, optimizer="adam", learning_rate=1e-3, schedule="constant")


def other_recipes(default: Recipe) -> Mapping[str, Recipe]:
    """Other recipes by name; `long` is `default` with three times the examples."""
    longer = {"epochs": 3 * default.epochs, "min_examples": 3 * default.min_examples}
    return {"homework": HOMEWORK, "long": default.model_copy(update=longer)}


def image_recipes(default: Recipe, long: Mapping[str, Any] | None = None) -> Mapping[str, Recipe]:
    """The same for networks on images; `long` may change more than the number of examples."""
    longer = {"epochs": 3 * default.epochs, "min_examples": 3 * default.min_examples} | dict(long or {})
    return {"homework": IMAGE_HOMEWORK, "long": default.model_copy(update=longer)}
