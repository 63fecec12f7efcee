"""Studies that search for recipes first, run for real: a Prefect server, an MLflow store, small data."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from pydantic import ValidationError

from flows.autoencoder import autoencoder
from flows.sequences import sequences
from hw3models.evaluation.prediction_table import load_table
from hw3models.runtime.sums import without_sum
from hw3models.specs import AutoencoderSpec, DataSpec, RunReport, SequencesSpec, TrialReport
from tests.flows.cli.test_cli import environment, hw3
from tests.held import held

__all__ = ["environment"]

DATA = DataSpec(source="regime:locked", num_train=80, num_test=60)


def small(**changes: Any) -> SequencesSpec:
    values = {"data": DATA, "families": ("mlp", "gru", "logistic"), "seeds": 2, "epochs": 2, "tune": 5} | changes
    return SequencesSpec.model_validate(values)


def client_of(run: RunReport) -> tuple[MlflowClient, str]:
    assert run.tracking is not None
    client = MlflowClient(run.tracking.tracking_uri)
    experiment = client.get_experiment_by_name(run.tracking.experiment)
    assert experiment is not None
    return client, experiment.experiment_id


def below(run: RunReport, parent: str) -> list[Run]:
    client, experiment = client_of(run)
    return list(client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'", max_results=1000))


def trials_of(run: RunReport, family: str) -> dict[str, Run]:
    """Number -> run of a trial under the family's run."""
    found = [one for one in below(run, run.answers[0].run_ids[family]) if one.data.tags["hw3.role"] == "trial"]
    assert len({one.data.tags["trial"] for one in found}) == len(found), "each once"
    return {one.data.tags["trial"]: one for one in found}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_each_network_gets_as_many_trials_and_is_trained_with_the_best_of_its_own() -> None:
    run = sequences(small())
    [answer] = run.answers
    assert set(answer.tuning) == {"mlp", "gru"}, "baselines are not tuned"
    for family, report in answer.tuning.items():
        assert (report.trials, report.finished + report.pruned + report.failed, report.reused) == (5, 5, 0)
        recipe = answer.training[family].recipe
        assert recipe is not None
        assert recipe == report.recipe
        assert (recipe.tried, recipe.epochs) == (5, 2)
        assert not set(report.seeds) & set(answer.training[family].seeds)
        assert (report.folds, report.num_judged) == (3, 80)
    assert answer.comparison is not None
    budget = "the best of 5 that were tried, judged on 3 folds of the training part alone; baselines were not tuned."
    assert answer.comparison.verdict.endswith(f"Each network's recipe is {budget}")
    assert run.report is not None
    assert "5 trials each, judged by accuracy" in Path(run.report).read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_mlflow_has_a_run_for_each_trial_under_its_family_with_its_course_and_recipe() -> None:
    run = sequences(small(data=DATA.model_copy(update={"seed": 3})))
    assert run.tracking is not None
    client, _ = client_of(run)
    assert Counter(one.data.tags["hw3.role"] for one in below(run, run.tracking.run_id)) == {"family": 3}
    for family, report in run.answers[0].tuning.items():
        found = trials_of(run, family)
        assert sorted(found) == ["000", "001", "002", "003", "004"]
        statuses = Counter(one.info.status for one in found.values())
        assert statuses["FINISHED"] == report.finished
        assert statuses["KILLED"] == report.pruned
        best = found[f"{report.best:03d}"]
        assert best.data.metrics["best_validation_accuracy"] == pytest.approx(report.value)
        assert best.data.params["recipe.learning_rate"] == str(report.recipe.learning_rate)
        steps = [point.step for point in client.get_metric_history(best.info.run_id, "validation_accuracy")]
        assert steps == [1, 2, 3, 4, 5, 6], "two epochs in each of three folds"
        assert best.data.tags["prefect.flow_run_id"] == run.prefect["prefect.flow_run_id"]
        family_run = client.get_run(run.answers[0].run_ids[family])
        assert family_run.info.status == "FINISHED"
        assert family_run.data.tags["hw3.tuning"].startswith("5 trials: ")
        assert family_run.data.params["recipe.tried"] == "5"
    assert trials_of(run, "logistic") == {}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_a_later_study_goes_on_from_the_search_of_an_earlier_one_unless_it_is_to_be_fresh(home: Path) -> None:
    data = DATA.model_copy(update={"seed": 4})
    first = sequences(small(data=data, families=("mlp",)))
    more = sequences(small(data=data, families=("mlp",), seeds=3, tune=7))
    report = more.answers[0].tuning["mlp"]
    assert (report.trials, report.reused) == (7, 5)
    assert sorted(trials_of(first, "mlp")) == ["000", "001", "002", "003", "004"], "they stay where they are"
    assert sorted(trials_of(more, "mlp")) == ["005", "006"]
    fresh = sequences(small(data=data, families=("mlp",), fresh=True))
    assert fresh.answers[0].tuning["mlp"].reused == 0
    ours, theirs = fresh.answers[0].tuning["mlp"], first.answers[0].tuning["mlp"]
    assert ours.model_copy(update={"seconds": 0}) == theirs.model_copy(update={"seconds": 0}), "the same again"
    assert len(list((home / ".hw3" / "searches").iterdir())) == 2


@pytest.mark.usefixtures("prefect", "store")
def test_a_network_whose_search_fails_is_missing_and_the_others_are_compared(home: Path) -> None:
    broken = {"optimizer": "sgd", "learning_rate": 1e30, "schedule": "constant", "epochs": 2}
    # A recipe for all networks, of which none can be trained with.
    with pytest.raises(Exception, match="mlp: none of 2 trials of mlp could be finished: no replicate of mlp"):
        sequences(small(own_recipe=broken, epochs=None, tune=2, families=("mlp",)))
    run = sequences(small(own_recipe=broken, epochs=None, tune=2, families=("mlp", "logistic", "majority")))
    [answer] = run.answers
    assert set(answer.evaluation) == {"logistic", "majority"}
    assert "none of 2 trials of mlp could be finished" in answer.failures["mlp"]
    assert any("mlp could not be trained: none of 2 trials" in warning for warning in run.warnings)
    assert answer.comparison is not None
    assert "tuned" not in answer.comparison.verdict


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_a_study_that_goes_on_until_it_is_decided_searches_once() -> None:
    spec = small(families=("mlp", "gru"), until_decided=True, seeds=3, max_seeds=6, tune=3)
    run = sequences(spec)
    [answer] = run.answers
    for family in ("mlp", "gru"):
        assert sorted(trials_of(run, family)) == ["000", "001", "002"]
        recipe = answer.training[family].recipe
        assert recipe is not None
        assert recipe == answer.tuning[family].recipe
    assert answer.comparison is not None
    assert "the best of 3 that were tried" in answer.comparison.verdict


@pytest.mark.usefixtures("prefect", "store")
def test_an_autoencoder_is_judged_by_its_loss_and_may_get_other_layers() -> None:
    data = DataSpec(source="digits", max_train=200)
    run = autoencoder(AutoencoderSpec(data=data, seeds=2, epochs=1, tune=4))
    report = run.answers[0].tuning["autoencoder"]
    assert report.goal == "loss"
    assert report.default_value is not None
    assert report.value <= report.default_value
    recipe = run.answers[0].training["autoencoder"].recipe
    assert recipe == report.recipe


def test_recipes_are_not_chosen_on_examples_that_resamples_will_test_on() -> None:
    with pytest.raises(ValidationError, match=r"`tune` \(5\) chooses on the training part, and `resampling: both`"):
        small(resampling="both")


# --------------------------------------------------------------------------------------------- kill -9

STUDY = ("sequences", "regime:locked", "--num-train", "80", "--num-test", "60", "--seeds", "2", "--families", "mlp,cnn")
STUDY = (*STUDY, "--epochs", "12", "--tune", "4", "--json")


@pytest.mark.servers
@pytest.mark.timeout(900)
def test_a_killed_search_goes_on_in_its_own_runs_and_ends_with_the_same(
    environment: dict[str, str], home: Path
) -> None:
    whole = json.loads(hw3(environment, *STUDY).stdout)
    other = home / "killed"
    other.mkdir()
    environment = environment | {"HW3_HOME": str(other)}
    with held(*STUDY, label="cnn on locked, trial 2", epoch=2, environment=environment):
        pass  # killed
    before = done(other)
    assert (len(before), asked(other)) == (6, 7), "in the middle of the third trial of the second network"

    went_on = hw3(environment, *STUDY)
    assert went_on.returncode == 0, went_on.stderr
    assert "whose process died" in went_on.stderr
    answer = json.loads(went_on.stdout)
    after = done(other)
    assert len(after) == 8
    assert before.items() <= after.items(), "nothing that was done was done again"
    for family in ("mlp", "cnn"):
        assert answer["families"][family]["accuracy"] == whole["families"][family]["accuracy"]
        ours, theirs = answer["tuning"][family], whole["tuning"][family]
        assert (ours["recipe"], ours["value"], ours["best"]) == (theirs["recipe"], theirs["value"], theirs["best"])
    found = runs(other)
    assert Counter(run.data.tags["hw3.role"] for run in found) == {"parent": 1, "family": 2, "trial": 8}
    assert "RUNNING" not in {run.info.status for run in found}
    families = {run.data.tags["family"]: run.info.run_id for run in found if run.data.tags["hw3.role"] == "family"}
    client = MlflowClient(f"sqlite:///{other}/mlflow/store/mlflow.db")
    for run in found:
        if run.data.tags["hw3.role"] == "trial":
            assert run.data.tags["mlflow.parentRunId"] == families[run.data.tags["family"]]
            points = client.get_metric_history(run.info.run_id, "validation_accuracy")
            assert len({point.step for point in points}) == len(points)


def done(home: Path) -> dict[str, TrialReport]:
    found = sorted((home / ".hw3" / "searches").glob("*/*.report.json"))
    return {
        f"{path.parent.name}/{path.name}": TrialReport.model_validate_json(without_sum(path.read_text()) or "")
        for path in found
    }


def asked(home: Path) -> int:
    return len(list((home / ".hw3" / "searches").glob("*/*.trial.json")))


def runs(home: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{home}/mlflow/store/mlflow.db")
    return list(client.search_runs([one.experiment_id for one in client.search_experiments()]))


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_repeated_searches_share_the_seeds_among_their_recipes_and_their_luck_is_counted() -> None:
    data = DATA.model_copy(update={"seed": 5})
    run = sequences(small(data=data, families=("mlp", "logistic"), tune=3, searches=2, seeds=4))
    [answer] = run.answers
    tuning, training = answer.tuning["mlp"], answer.training["mlp"]
    [other] = tuning.again
    assert not set(tuning.seeds) & set(other.seeds), "trials of each search have seeds of their own"
    assert training.seeds == (0, 1, 2, 3)
    assert training.recipe == (tuning.recipe if training.best_seed < 2 else other.recipe)
    tables = {name: load_table(Path(one.table_path)) for name, one in answer.evaluation.items()}
    assert tables["mlp"].search is not None
    assert tables["mlp"].search.tolist() == [0, 0, 1, 1]
    assert tables["logistic"].search is None
    numbers = sorted(one.info.run_name for one in below(run, answer.run_ids["mlp"]) if "trial" in one.info.run_name)
    assert [name.split(" on ")[0] for name in numbers] == [
        *(f"mlp search 2 trial 00{number}" for number in range(3)),
        *(f"mlp trial 00{number}" for number in range(3)),
    ]
    score = answer.evaluation["mlp"].metrics["accuracy"]
    assert len(score.per_seed) == 4
    assert score.mean == pytest.approx(sum(score.per_seed) / 4)
    assert answer.comparison is not None
    verdict = answer.comparison.verdict
    assert "The luck of the search for recipes is counted: seeds are of 2 searches" in verdict
    assert "Budget of the search: 2 searches of 3 trials (MLP " in verdict
    assert "In each search the network's recipe is the best of 3 that were tried" in verdict
    assert any("4 seeds of 2 searches, 60 test examples" in pair.sentence for pair in answer.comparison.pairs)
    assert run.report is not None
    assert "MLP, search 2</th>" in Path(run.report).read_text()
