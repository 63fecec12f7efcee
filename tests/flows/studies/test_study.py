"""The table of contents of a study, with steps that take no time: what is handed from one to the next."""

from pathlib import Path
from typing import Any

import pytest

from flows.studies import study as module
from flows.studies.tuning import Tuned
from hw3models.errors import SpecError, TrainingError
from hw3models.evaluation.prediction_table import load_table
from hw3models.specs import Answer, DataSpec, Recipe, SequencesSpec, TuningReport
from tasks import tracking
from tasks.evaluation import compare
from tasks.promotion import candidates_of
from tests.flows.studies.made import Trainer, prepared

FAMILIES = ("majority", "mlp", "cnn")


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(tmp_path / "models", {"mlp": 0.95, "cnn": 0.6, "majority": 0.5})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trainer: Trainer) -> dict[str, Any]:
    """Prefect and MLflow do not take part: what they would be given is kept here."""
    data, kept = prepared(tmp_path), dict[str, Any]()
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "download", lambda spec: f"source of {spec.source}")
    monkeypatch.setattr(module, "preprocess", "preprocess")
    monkeypatch.setattr(module, "run_cached", lambda *step: (kept.update(step=step), (data, True))[1])
    monkeypatch.setattr(module, "train_all", trainer)
    monkeypatch.setattr(module, "compare", compare.fn)
    monkeypatch.setattr(module, "draw_ahead", lambda answer: kept.update(ahead=answer))
    monkeypatch.setattr(tracking, "log_answer", lambda run, answer: kept.update(logged=(run, answer)))
    return kept


def study(**changes: Any) -> Answer:
    values = {"data": DataSpec(source="regime:locked"), "families": FAMILIES, "seeds": 3} | changes
    spec = SequencesSpec.model_validate(values)
    return module.study("sequences", spec, spec.data, "parent")


def test_a_study_compares_what_it_trained_and_hands_one_answer_to_everyone(
    seen: dict[str, Any], trainer: Trainer
) -> None:
    answer = study(first_seed=4)
    assert seen["step"][2] == "source of regime:locked"
    assert trainer.asked == [dict.fromkeys(FAMILIES, (4, 5, 6))]
    assert list(answer.training) == list(answer.evaluation) == list(FAMILIES)
    assert answer.comparison is not None
    assert answer.comparison.groups[0] == ("mlp",)
    assert answer.cached == ("preprocess",)
    assert answer.metric == answer.comparison.metric == "accuracy"
    assert seen["logged"] == ("parent", answer)
    assert seen["ahead"] == answer.model_copy(update={"comparison": None})


def test_the_metric_that_is_asked_for_is_that_of_the_answer(seen: dict[str, Any]) -> None:
    answer = study(metric="brier")
    assert answer.comparison is not None
    assert answer.metric == answer.comparison.metric == "brier"
    assert seen["ahead"].metric == "brier", "the page is drawn ahead by the same metric"


def test_families_that_fail_are_named_and_the_others_compared(seen: dict[str, Any], trainer: Trainer) -> None:
    trainer.fails["cnn"] = "its loss became nan"
    answer = study()
    assert answer.failures == {"cnn": "its loss became nan"}
    assert list(answer.evaluation) == ["majority", "mlp"]
    assert answer.comparison is not None


def test_one_family_that_is_left_is_not_compared_and_none_is_an_error(seen: dict[str, Any], trainer: Trainer) -> None:
    trainer.fails |= {"cnn": "nan", "majority": "inf"}
    assert study().comparison is None
    trainer.fails["mlp"] = "out of memory"
    with pytest.raises(TrainingError, match="majority: inf; mlp: out of memory; cnn: nan"):
        study()


def test_what_does_not_fit_is_refused_before_anything_is_downloaded(seen: dict[str, Any], trainer: Trainer) -> None:
    with pytest.raises(SpecError, match="`metric` 'mse' is not known for classification"):
        study(metric="mse")
    with pytest.raises(SpecError, match="'digits' does not hold sequences"):
        study(data=DataSpec(source="digits"))
    assert trainer.asked == []
    assert "step" not in seen


def test_networks_are_trained_by_the_recipes_that_a_search_has_found(
    seen: dict[str, Any], trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = TuningReport.model_construct(recipe=Recipe(learning_rate=0.5), trials=4, folds=1, seconds=2.0)
    trained: list[Any] = []

    def train_all(plan: Any, trainings: Any, results: Any) -> None:
        trained.append({family: training.recipe for family, training in trainings.items()})
        trainer(plan, trainings, results)

    class Search(Tuned):
        def log(self, run_ids: Any, parent: str) -> None:
            seen["searched"] = (set(run_ids), parent)

    def tune(_: Any, results: Any) -> Tuned:
        results.failures["cnn"] = "no trial could be finished"
        return Search({"mlp": found}, {"mlp": ()})

    monkeypatch.setattr(module, "train_all", train_all)
    monkeypatch.setattr(module, "tune", tune)
    answer = study(tune=4)
    assert trained == [{"majority": None, "mlp": Recipe(learning_rate=0.5)}], "what failed is not trained"
    assert answer.comparison is not None
    assert answer.comparison.verdict.endswith(
        "The network's recipe is the best of 4 that were tried, judged on the validation split alone; baselines were "
        "not tuned."
    )
    assert seen["searched"] == ({"majority", "mlp"}, "parent")


@pytest.mark.parametrize(("resampling", "seeds"), [("split", "all from one seed"), ("both", "each from another seed")])
def test_what_was_varied_is_said_where_it_was_not_seeds(seen: dict[str, Any], resampling: str, seeds: str) -> None:
    answer = study(resampling=resampling)
    assert answer.comparison is not None
    assert f"on a stratified resample of its own, {seeds}" in answer.comparison.verdict
    plain = study().comparison
    assert plain is not None
    assert "resample" not in plain.verdict


def test_an_ensemble_is_an_entry_of_its_own_and_costs_no_further_training(
    seen: dict[str, Any], trainer: Trainer
) -> None:
    answer = study(families=("mlp*3", "cnn", "cnn*3", "majority"))
    assert trainer.asked == [dict.fromkeys(("mlp", "cnn", "majority"), (0, 1, 2))]
    assert list(answer.evaluation) == ["mlp*3", "cnn", "cnn*3", "majority"]
    assert answer.comparison is not None
    assert {name for pair in answer.comparison.pairs for name in (pair.a, pair.b)} == set(answer.evaluation)
    ensemble, single = answer.training["cnn*3"], answer.training["cnn"]
    assert (ensemble.members, ensemble.seeds) == (3, (0,))
    assert ensemble.train_seconds == single.train_seconds
    assert ensemble.parameters == 3 * single.parameters
    table = load_table(Path(answer.evaluation["cnn*3"].table_path), answer.evaluation["cnn*3"].table_digest)
    assert table.member_seeds is not None
    assert table.member_seeds.tolist() == [[0, 1, 2]]
    assert set(candidates_of(answer)) <= set(answer.evaluation)
    assert "MLP x3" in answer.comparison.verdict
    assert answer.notes == ()


def test_seeds_that_are_in_no_ensemble_are_said(seen: dict[str, Any]) -> None:
    answer = study(families=("mlp", "mlp*3", "majority"), seeds=5)
    assert answer.notes == ("MLP x3: 2 of the 5 seeds are left over, in no ensemble.",)
    assert answer.training["mlp*3"].train_seconds == pytest.approx(0.6 * answer.training["mlp"].train_seconds)


def test_an_ensemble_of_what_could_not_be_trained_is_missing_and_the_others_stand(
    seen: dict[str, Any], trainer: Trainer
) -> None:
    trainer.fails["mlp"] = "the loss became nan"
    answer = study(families=("mlp*3", "cnn", "majority"))
    assert answer.failures == {"mlp": "the loss became nan", "mlp*3": "mlp could not be trained."}
    assert list(answer.evaluation) == ["cnn", "majority"]
