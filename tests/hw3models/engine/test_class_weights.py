"""Rare classes: weights in the loss, what is watched on validation examples, and how long series are trained."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.utils.class_weight import compute_class_weight

from hw3models.data.dataset import Dataset
from hw3models.engine.batches import DeviceData, balancing_weights, num_epochs
from hw3models.engine.early_stopping import Selection
from hw3models.engine.fit import fit
from hw3models.families import FAMILIES, Network
from hw3models.nn.rng import ReplicateRng
from hw3models.objectives import CLASSIFICATION
from hw3models.specs import DataSpec, Goal, Recipe, TrainSpec
from tests.tiny import quick_recipe, tiny_dataset

CPU = torch.device("cpu")


def uneven() -> Dataset:
    """Of the training part's third class one example in eight."""
    dataset = tiny_dataset()
    rare = [row for row in dataset.train if dataset.labels[row] == 2]
    kept = [row for row in dataset.train if dataset.labels[row] != 2] + rare[::8]
    return replace(dataset, train=np.sort(np.array(kept)))


def test_balanced_weights_are_scikit_learns() -> None:
    dataset = uneven()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=dataset.labels[dataset.train])
    np.testing.assert_allclose(balancing_weights(dataset), expected)
    without = replace(dataset, train=dataset.train[dataset.labels[dataset.train] != 2])
    assert balancing_weights(without)[2] == 0


@pytest.mark.parametrize("changes", [{}, {"mixup": 0.4}, {"label_smoothing": 0.1}, {"loss": "mse"}])
def test_a_weighted_loss_counts_each_class_alike_in_training_alone(changes: dict[str, object]) -> None:
    dataset = uneven()
    plain = Recipe.model_validate(changes)
    balanced = plain.model_copy(update={"class_weights": "balanced"})
    data, index = DeviceData(dataset, CPU), torch.as_tensor(dataset.train).unsqueeze(0)
    batch = data.batch(index, balanced, ReplicateRng([0], CPU))
    outputs = torch.randn(1, len(dataset.train), 3)
    weighted = CLASSIFICATION.losses(outputs, batch, balanced, train=True)
    unweighted = CLASSIFICATION.losses(outputs, replace(batch, class_weights=None), plain, train=True)
    if batch.blend is None:
        weights = torch.as_tensor(balancing_weights(dataset), dtype=torch.float32)[batch.labels]
        torch.testing.assert_close(weighted, unweighted * weights)
    else:
        assert not torch.allclose(weighted, unweighted)
    assert CLASSIFICATION.loss_grad(batch, balanced) is None
    torch.testing.assert_close(
        CLASSIFICATION.losses(outputs, batch, balanced, train=False),
        CLASSIFICATION.losses(outputs, replace(batch, class_weights=None), balanced, train=False),
    )
    assert data.batch(index, plain, ReplicateRng([0], CPU)).class_weights is None
    assert data.batch(index).class_weights is None


def test_validation_scores_by_class_are_scikit_learns() -> None:
    dataset = uneven()
    family = FAMILIES["sequences"]["mlp"]
    assert isinstance(family, Network)
    result = fit(dataset, family, TrainSpec(data=DataSpec(), family="mlp", seeds=(0,), recipe=quick_recipe(epochs=2)))
    from hw3models.engine.layouts import built
    from hw3models.families.family import Architecture
    from hw3models.nn.stacking import unstack

    model = built(family, Architecture(shape=(20, 4), num_classes=3), 0)
    model.load_state_dict(unstack(result.states, 0))
    [batch] = DeviceData(dataset, CPU).in_order(dataset.validation, 1)
    said = model.eval()(batch.inputs[0]).argmax(-1).numpy()
    last, labels = result.epochs[-1], batch.labels[0].numpy()
    assert last.validation("balanced_accuracy") == pytest.approx([balanced_accuracy_score(labels, said)])
    assert last.validation("macro_f1") == pytest.approx([f1_score(labels, said, average="macro")])


@pytest.mark.parametrize("goal", ["accuracy", "balanced_accuracy", "macro_f1"])
def test_the_best_epoch_is_that_of_the_goal_and_of_the_lower_loss_where_that_is_equal(goal: Goal) -> None:
    dataset = uneven()
    family = FAMILIES["sequences"]["mlp"]
    assert isinstance(family, Network)
    recipe = quick_recipe(epochs=12, select="best", learning_rate=0.03, schedule="constant", dropout=0.3)
    spec = TrainSpec(data=DataSpec(), family="mlp", seeds=(0, 1), recipe=recipe, goal=goal)
    result = fit(dataset, family, spec)
    other = fit(dataset, family, spec.model_copy(update={"goal": "loss"}))
    differ = 0
    for seed in (0, 1):
        rows = [(r, r.seeds.index(seed)) for r in result.epochs if seed in r.seeds]
        best = min(rows, key=lambda at: (-at[0].validation(goal)[at[1]], at[0].validation_loss[at[1]]))  # type: ignore[index]
        shortest = spec.model_copy(
            update={"recipe": recipe.model_copy(update={"epochs": best[0].epoch, "select": "last"}), "seeds": (seed,)}
        )
        expected = fit(dataset, family, shortest).states
        name = next(iter(expected))
        torch.testing.assert_close(result.states[name][result.seeds.index(seed)], expected[name][0])
        differ += not torch.equal(result.states[name], other.states[name])
    assert differ or goal == "accuracy", "the lowest loss is another epoch"


def test_selection_goes_on_with_what_it_has_watched() -> None:
    recipe = quick_recipe(select="best", patience=3)
    first = Selection((0,), recipe)
    states = [{"w": torch.tensor([float(k)])} for k in range(4)]
    first.update(1, [1.0], [0.9], [states[0]], last=False, watched=[0.5])
    first.update(2, [1.0], [0.8], [states[1]], last=False, watched=[0.7])
    tensors, info = first.saved()
    second = Selection((0,), recipe)
    second.restore(tensors, info)
    second.update(3, [1.0], [0.1], [states[2]], last=False, watched=[0.6])
    assert second.results()[0][0]["w"] == 1
    second.update(4, [1.0], [0.7], [states[3]], last=True, watched=[0.7])
    assert second.results()[0][0]["w"] == 3, "of equals the lower loss"
    assert math.isclose(second.results()[0][1], 0.7)


def test_long_series_are_passed_over_less_often() -> None:
    recipe = Recipe(epochs=20, min_examples=20_000, max_time_steps=2_000_000)
    assert num_epochs(recipe, 70, 50) == 286
    assert num_epochs(recipe, 70, 319) == 90, "318 passes took minutes"
    assert num_epochs(recipe, 70, 100_000) == 72, "a quarter of the examples"
    assert num_epochs(recipe, 1_000, 100_000) == 20, "never less than `epochs`"
    assert num_epochs(recipe, 70) == 286, "images have no steps"
