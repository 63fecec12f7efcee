"""Simulated predictions have the truth that they are said to have."""

from dataclasses import replace

import numpy as np
import pytest

from hw3models.evaluation.metrics import measure, predictions
from hw3models.simulation.cells import SKEWED
from hw3models.simulation.worlds import Family, World, as_good_as, draw, truth

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "cross_entropy", "auroc", "brier", "calibration_error")


@pytest.mark.parametrize("classes", [(0.5, 0.5), SKEWED])
@pytest.mark.parametrize("metric", METRICS)
def test_the_true_value_is_what_many_seeds_show_on_many_examples(metric: str, classes: tuple[float, ...]) -> None:
    family = Family(0.85, 0.5, sharpness=0.7)
    rng = np.random.default_rng(0)
    world = World((family,), seeds=2, examples=4000, classes=classes)
    shown = np.array([measure(draw(rng, world)["a"], metric).per_seed.mean() for _ in range(60)])
    # Four standard errors, and what the absolute values of the calibration error add with 4,000 examples.
    assert shown.mean() == pytest.approx(truth(family, metric, classes), abs=4 * shown.std() / 60**0.5 + 0.002)


def test_seeds_that_collapse_guess() -> None:
    family = Family(0.9, collapse=0.3)
    right = _right(World((family,), seeds=200, examples=1000), "a").mean(axis=1)
    assert (right < 0.6).mean() == pytest.approx(0.3, abs=0.13)
    assert truth(family, "accuracy") == pytest.approx(0.7 * 0.9 + 0.3 * 0.5)


def test_a_family_is_made_as_good_as_another_by_any_metric() -> None:
    calm, lively = Family(0.85, 0.1), Family(0.7, 1.5)
    other = as_good_as(calm, lively, "cross_entropy")
    assert truth(other, "cross_entropy") == pytest.approx(truth(calm, "cross_entropy"), abs=1e-6)
    assert truth(other, "accuracy") != pytest.approx(truth(calm, "accuracy"), abs=1e-3)


def test_examples_of_a_group_are_alike_and_seeds_of_a_deterministic_family_are_one() -> None:
    world = World((Family(0.85), Family(0.85, deterministic=True)), seeds=3, examples=4000, group_size=20, icc=0.5)
    assert len(_right(world, "b")) == 1
    alone = replace(world, icc=0.0)
    spread = [_right(one, "a").mean(axis=0).reshape(-1, 20).mean(axis=1).var() for one in (world, alone)]
    assert spread[0] > 3 * spread[1]


def _right(world: World, name: str) -> np.ndarray:
    table = draw(np.random.default_rng(1), world)[name]
    return predictions(table) == table.labels


def test_one_group_may_hold_half_of_the_examples_and_families_may_have_seeds_of_their_own() -> None:
    families = (Family(0.85, trained=7), Family(0.85), Family(0.85, deterministic=True))
    tables = draw(np.random.default_rng(0), World(families, seeds=3, examples=100, group_size=10, giant=0.5, icc=0.3))
    assert [len(tables[name].seeds) for name in "abc"] == [7, 3, 1]
    assert tables["a"].groups is not None
    assert np.bincount(tables["a"].groups).tolist() == [50, 10, 10, 10, 10, 10]


def test_the_error_of_an_example_is_its_log_loss() -> None:
    table = draw(np.random.default_rng(0), World((Family(0.85),), seeds=2, examples=500))["a"]
    value = measure(table, "cross_entropy").value
    assert measure(table, "error").value == pytest.approx(value, rel=1e-4)
    assert truth(Family(0.85), "error") == truth(Family(0.85), "cross_entropy")


def test_the_median_of_seeds_is_what_many_seeds_show() -> None:
    family = Family(0.85, 1.0, collapse=0.2)
    right = _right(World((family,), seeds=400, examples=4000), "a").mean(axis=1)
    assert np.median(right) == pytest.approx(truth(family, "accuracy", estimand="median"), abs=0.02)
    assert truth(family, "accuracy", estimand="median") > truth(family, "accuracy") + 0.05


def test_seeds_of_a_search_share_its_luck() -> None:
    family = Family(0.85, 0.1, search=1.5)
    world = World((family, Family(0.85)), seeds=40, examples=2000, searches=8)
    table = draw(np.random.default_rng(1), world)
    assert table["a"].search is not None
    assert table["a"].search.tolist() == np.repeat(np.arange(8), 5).tolist()
    assert table["b"].search is None
    right = _right(world, "a").mean(axis=1).reshape(8, 5)
    assert right.mean(axis=1).std() > 3 * right.std(axis=1).mean()
