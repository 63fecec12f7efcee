"""Which fields of a recipe are searched, and between what.

Never the epochs: all trials of a search see as many examples. A field that a family does not read is left out, which
is found by building it, so that a new family needs no entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from hw3models.data import load_prepared
from hw3models.engine.batches import batch_size
from hw3models.families.family import Architecture, Network
from hw3models.nn.layers import Dropout
from hw3models.nn.rng import global_generator
from hw3models.specs import DataReport, Recipe

VERSION = 2
"""Part of every search's name. Raise it when the same trials would be other recipes."""


UNEVEN = 1.5
"""Class weights are searched where the largest class has so many times the examples of the smallest."""


@dataclass(frozen=True)
class Choice:
    """One of a few."""

    options: tuple[int | str, ...]

    def nearest(self, value: object) -> int | str:
        """The value itself where it is an option."""
        return value if isinstance(value, (int, str)) and value in self.options else self.options[0]


@dataclass(frozen=True)
class Range:
    """A number between two, uniform or (`log`) uniform in its logarithm."""

    low: float
    high: float
    log: bool = False

    def nearest(self, value: float | str) -> float:
        """The value, within the range."""
        return min(max(float(value), self.low), self.high)


Space = Mapping[str, Choice | Range]
"""Field of `Recipe` -> what it may be."""
Params = Mapping[str, float | int | str]
"""A point of the space."""

_HIDDEN: dict[str, tuple[int, ...]] = {
    "128-64": (128, 64),
    "256-64": (256, 64),
    "256-128": (256, 128),
    "512-256-128": (512, 256, 128),
}
"""Layers are a choice among names: Optuna knows no tuples."""


def space_of(network: Network, base: Recipe, data: DataReport) -> Space:
    """What is searched for `network` around the recipe `base` on these data."""
    found: dict[str, Choice | Range] = {
        "learning_rate": Range(base.learning_rate / 10, base.learning_rate * 10, log=True),
        # AdamW's decay is a share of the weights; the others add it to the gradient, where less is much.
        "weight_decay": Range(1e-3, 0.5, log=True) if base.optimizer == "adamw" else Range(1e-7, 1e-3, log=True),
        "schedule": Choice(("one-cycle", "cosine", "constant")),
    }
    if len(sizes := _batch_sizes(base, data)) > 1:
        found["batch_size"] = Choice(sizes)
    if network.objective.learns_labels and _is_uneven(data):
        found["class_weights"] = Choice(("none", "balanced"))
    if _reads_dropout(network, data):
        found["dropout"] = Range(0.0, 0.6)
    if _reads_hidden(network, data):
        found["hidden"] = Choice(tuple(_HIDDEN))
    if network.kind == "sequences":
        found["jitter"] = Range(0.0, 0.4)
        if network.objective.learns_labels:
            found |= {"scale": Range(0.0, 0.5), "shift_steps": Range(0.0, 0.2), "mixup": Range(0.0, 0.5)}
    elif network.objective.learns_labels:
        found |= {"shift_pixels": Choice((0, 1, 2)), "label_smoothing": Range(0.0, 0.2)}
    return found


def _is_uneven(data: DataReport) -> bool:
    """Whether classes differ much in size, by the training part alone, as all of a search."""
    dataset = load_prepared(data)
    counts = np.bincount(dataset.labels[dataset.train])
    counts = counts[counts > 0]
    return bool(counts.max() >= UNEVEN * counts.min())


def params_of(recipe: Recipe, space: Space) -> dict[str, float | int | str]:
    """The point of the space that is nearest to `recipe`."""
    found: dict[str, float | int | str] = {}
    for name, field in space.items():
        value = getattr(recipe, name)
        found[name] = field.nearest("-".join(map(str, value)) if name == "hidden" else value)
    return found


def recipe_at(params: Params, base: Recipe) -> Recipe:
    """`base` with the fields of a point, rounded to three digits: a recipe is for people, too."""
    changed: dict[str, object] = {
        name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in params.items()
    }
    if "hidden" in changed:
        changed["hidden"] = _HIDDEN[str(changed["hidden"])]
    return Recipe.model_validate(base.model_dump() | changed)


def _batch_sizes(base: Recipe, data: DataReport) -> tuple[int, ...]:
    """Batch sizes that make a difference: small data are trained in smaller batches whatever the recipe says."""
    used: dict[int, int] = {}
    for size in sorted({16, 32, 64, 128, 256, base.batch_size}):
        really = batch_size(base.model_copy(update={"batch_size": size}), data.num_train)
        if really not in used or size == base.batch_size:
            used[really] = size
    return tuple(sorted(used.values()))


def _reads_dropout(network: Network, data: DataReport) -> bool:
    modules = _built(network, data, dropout=0.5).modules()
    return any(isinstance(module, (Dropout, torch.nn.Dropout)) and module.p > 0 for module in modules)


def _reads_hidden(network: Network, data: DataReport) -> bool:
    plain, other = _built(network, data), _built(network, data, hidden=(7, 5))
    return [p.shape for p in plain.parameters()] != [p.shape for p in other.parameters()]


def _built(
    network: Network, data: DataReport, *, dropout: float = 0.0, hidden: tuple[int, ...] = ()
) -> torch.nn.Module:
    with global_generator(0):
        like = Architecture(
            shape=data.shape,
            num_classes=1 if data.target is not None else len(data.class_names),
            dropout=dropout,
            hidden=hidden,
        )
        return network.build(like)
