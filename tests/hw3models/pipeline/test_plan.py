"""The plan of a study: what each family's training is asked to be."""

from pathlib import Path

import pytest

from hw3models.families import Network, find_family
from hw3models.specs import Recipe
from tests.flows.studies.made import plan_of, prepared


def recipe_of(family: str) -> Recipe:
    found = find_family("sequences", family)
    assert isinstance(found, Network)
    return found.recipe


def test_a_training_is_complete_a_worker_needs_nothing_else(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    plan = plan_of(data, ("cnn", "logistic"), device="cpu", resampling="split", precision="float32")
    training = plan.training("cnn", range(3, 5))
    assert (training.data.source, training.data.digest) == (data.source, data.digest)
    assert (training.family, training.seeds, training.device) == ("cnn", (3, 4), "cpu")
    assert (training.resampling, training.precision) == ("split", "float32")
    assert training.recipe == recipe_of("cnn")
    assert plan.training("logistic", (0,)).recipe is None
    assert plan.is_resampled


def test_a_number_of_epochs_is_what_is_trained_however_small_the_data(tmp_path: Path) -> None:
    recipe = plan_of(prepared(tmp_path), ("cnn",), epochs=7).training("cnn", (0,)).recipe
    assert recipe == recipe_of("cnn").model_copy(update={"epochs": 7, "min_examples": 0})


def test_the_users_own_recipe_is_taken_by_every_network(tmp_path: Path) -> None:
    own = Recipe(learning_rate=0.5)
    plan = plan_of(prepared(tmp_path), ("cnn", "mlp", "majority"), own_recipe=own)
    recipes = {family: training.recipe for family, training in plan.trainings(plan.families, (0,)).items()}
    assert recipes == {"cnn": own, "mlp": own, "majority": None}
    assert plan.networks == ("cnn", "mlp")


def test_what_a_search_has_found_takes_the_place_of_the_networks_own_recipe(tmp_path: Path) -> None:
    plan, found = plan_of(prepared(tmp_path), ("cnn", "mlp"), epochs=2), Recipe(learning_rate=0.5, tried=9)
    tuned = plan.with_recipes({"cnn": found})
    assert tuned.training("cnn", (0,)).recipe == found
    assert tuned.training("mlp", (0,)) == plan.training("mlp", (0,))
    assert plan.training("cnn", (0,)).recipe != found, "the plan before is as it was"


@pytest.mark.parametrize(("family", "is_baseline"), [("cnn", False), ("majority", True)])
def test_the_plan_knows_what_verdicts_must_know(tmp_path: Path, family: str, is_baseline: bool) -> None:
    assert plan_of(prepared(tmp_path), (family,)).facts[family].is_baseline is is_baseline


def test_with_training_sets_of_their_own_no_family_is_deterministic(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    plan = plan_of(data, ("cnn", "logistic"), resampling="training")
    assert not plan.facts["logistic"].deterministic
    assert plan_of(data, ("cnn", "logistic")).facts["logistic"].deterministic
    assert not plan.is_resampled, "all are tested on the same examples"
    assert plan.training("logistic", (0,)).resampling == "training"
