"""Recipes of sequence networks beside their default: plain Adam as in the course, and three times the training."""

from collections.abc import Mapping

from hw3models.specs import Recipe

HOMEWORK = Recipe(epochs=30, min_examples=20_000, optimizer="adam", learning_rate=1e-3, schedule="constant")


def other_recipes(default: Recipe) -> Mapping[str, Recipe]:
    """Other recipes by name; `long` is `default` with three times the examples."""
    longer = {"epochs": 3 * default.epochs, "min_examples": 3 * default.min_examples}
    return {"homework": HOMEWORK, "long": default.model_copy(update=longer)}
