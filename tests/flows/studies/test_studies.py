"""The flows, run for real: a Prefect server, an MLflow store, trained networks; small data."""

import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.autoencoder import autoencoder
from flows.images import images
from flows.sequences import sequences
from hw3models.errors import SpecError, TrainingError
from hw3models.evaluation.prediction_table import load_table
from hw3models.families import FAMILIES, Network
from hw3models.specs import AutoencoderSpec, DataSpec, ImagesSpec, Recipe, RunReport, SequencesSpec
from tasks import progress

pytestmark = pytest.mark.usefixtures("prefect", "store")

TINY = DataSpec(source="regime:locked", num_train=80, num_test=60)


def small(**changes: Any) -> SequencesSpec:
    return SequencesSpec(**{"data": TINY, "families": ("mlp", "logistic"), "seeds": 3, "epochs": 3} | changes)


def client_of(run: RunReport) -> MlflowClient:
    assert run.tracking is not None
    return MlflowClient(run.tracking.tracking_uri)


def children(run: RunReport) -> dict[str, Any]:
    assert run.tracking is not None
    client = client_of(run)
    experiment = client.get_experiment_by_name(run.tracking.experiment)
    assert experiment is not None
    found = client.search_runs(
        [experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.tracking.run_id}'", max_results=100
    )
    return {one.data.tags["family"]: one for one in found}


def test_a_study_answers_tracks_and_reports(home: Path) -> None:
    run = sequences(small())
    [answer] = run.answers
    assert set(answer.evaluation) == {"mlp", "logistic"}
    assert answer.comparison is not None
    assert [(pair.a, pair.b) for pair in answer.comparison.pairs] == [("mlp", "logistic")]
    assert run.report is not None
    page = Path(run.report).read_text()
    assert page.lower().startswith("<!doctype html>")
    assert Path(run.report).is_relative_to(home)
    again = RunReport.model_validate_json(Path(run.report).with_suffix(".json").read_text())
    assert again == run


def test_the_score_of_a_study_is_that_of_its_prediction_table() -> None:
    evaluation = sequences(small()).answers[0].evaluation["mlp"]
    table = load_table(Path(evaluation.table_path))
    assert table.probabilities is not None
    by_hand = (table.probabilities.argmax(-1) == table.labels).mean(axis=1)
    np.testing.assert_allclose(evaluation.metrics["accuracy"].per_seed, by_hand)


def test_mlflow_has_a_parent_and_a_child_per_family_with_the_same_metric_names() -> None:
    run = sequences(small(families=("mlp", "gru", "majority")))
    assert run.tracking is not None
    parent = client_of(run).get_run(run.tracking.run_id)
    assert parent.info.status == "FINISHED"
    assert "accuracy" in parent.data.tags["mlflow.note.content"] or "MLP" in parent.data.tags["mlflow.note.content"]
    found = children(run)
    assert set(found) == {"mlp", "gru", "majority"}
    names = {"accuracy", "macro_f1", "train_seconds", "parameters", "seeds"}
    names |= {"interval/accuracy_low", "interval/accuracy_high"}
    for family, child in found.items():
        assert child.info.status == "FINISHED"
        assert names <= set(child.data.metrics), family
        [logged] = child.inputs.dataset_inputs
        assert logged.dataset.digest == run.answers[0].data.digest
        assert child.data.tags["prefect.flow_run_id"] == run.prefect["prefect.flow_run_id"]
    assert parent.data.tags["winner"] in run.answers[0].evaluation
    won = found[parent.data.tags["winner"]].data.metrics
    for name in ("accuracy", "interval/accuracy_low", "interval/accuracy_high"):
        assert parent.data.metrics[name] == won[name], "the table of runs shows the winner's score under the same name"
    assert parent.data.tags["mlflow.source.name"] == "hw3 sequences"
    assert parent.data.tags["mlflow.user"]
    assert parent.inputs.dataset_inputs[0].dataset.digest == run.answers[0].data.digest
    assert len(parent.outputs.model_outputs) == 3, "two networks and a baseline"
    assert any(name.startswith("system/cpu") for name in parent.data.metrics)
    for shown in (parent, *found.values()):
        assert "" not in shown.data.tags.values()
        assert not {"latent_dim", "accuracy_low"} & {*shown.data.params, *shown.data.metrics}
    history = client_of(run).get_metric_history(found["mlp"].info.run_id, "train_loss")
    assert [point.step for point in history] == [1, 2, 3]
    assert "diagnostics/train_loss_sd" in found["mlp"].data.metrics
    assert found["mlp"].data.params["recipe.epochs"] == "3"


def test_a_run_for_each_seed_lets_mlflow_group_by_family() -> None:
    run = sequences(small(families=("mlp", "majority")))
    [answer] = run.answers
    assert run.tracking is not None
    client, parent = client_of(run), run.tracking.run_id
    experiment = client.get_run(parent).info.experiment_id
    mine = f"tags.`hw3.study` = '{parent}' and tags.`hw3.role` = 'seed'"
    mlflow.set_tracking_uri(run.tracking.tracking_uri)
    table = mlflow.search_runs([experiment], mine)
    for family, evaluation in answer.evaluation.items():
        rows = table[table["tags.family"] == family]
        assert set(rows["status"]) == {"FINISHED"}
        assert set(rows["tags.mlflow.parentRunId"]) == {answer.run_ids[family]}
        for name, score in evaluation.metrics.items():
            values = dict(zip(rows["params.seed"].astype(int), rows[f"metrics.{name}"], strict=True))
            assert [values[seed] for seed in evaluation.seeds] == pytest.approx(list(score.per_seed)), (family, name)


def test_the_logged_model_gives_the_probabilities_of_the_best_seed_and_refuses_bad_input() -> None:
    run = sequences(small(families=("mlp", "cnn")))
    assert run.tracking is not None
    mlflow.set_tracking_uri(run.tracking.tracking_uri)
    answer = run.answers[0]
    child = children(run)["cnn"]
    [output] = child.outputs.model_outputs
    model = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    with np.load(answer.data.path) as arrays:
        examples = arrays["features"][arrays["test"]]
    given = model.predict(examples)["probabilities"]
    table = load_table(Path(answer.evaluation["cnn"].table_path))
    assert table.probabilities is not None
    best = table.seeds.index(answer.training["cnn"].best_seed)
    np.testing.assert_allclose(given, table.probabilities[best], rtol=1e-4, atol=1e-5)
    spoilt = examples.copy()
    spoilt[3, 7, 2] = np.nan
    with pytest.raises(Exception, match=r"must be finite, got nan at \(3, 7, 2\)"):
        model.predict(spoilt)


def test_what_was_done_before_is_not_done_again_and_says_which_run_has_it(home: Path) -> None:
    said: list[str] = []

    class Listener(progress.Listener):
        def say(self, text: str) -> None:
            said.append(text)

    first = sequences(small())
    with progress.listening(Listener()):
        second = sequences(small())
    assert second == first
    assert first.tracking is not None
    assert [text for text in said if text.startswith("already done")]
    assert first.tracking.run_id in said[-1]
    # Wanted again, or something missing: it is done again.
    fresh = sequences(small(fresh=True))
    assert fresh.answers[0].cached == ("preprocess",)
    assert fresh.answers[0].evaluation["mlp"].metrics == first.answers[0].evaluation["mlp"].metrics
    assert fresh.tracking is not None
    assert fresh.tracking.run_id != first.tracking.run_id
    assert sequences(small()) == fresh, "the newest"
    Path(str(fresh.report)).with_suffix(".json").unlink()
    assert sequences(small()).started > fresh.started


def test_a_changed_file_is_another_study(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"

    def write(offset: float) -> None:
        rows = [f"{s},{t},{s % 2 + t * t / 10 + offset},{s % 2}" for s in range(40) for t in range(10)]
        path.write_text("\n".join(["sample,time,a,label", *rows]))

    spec = small(data=DataSpec(source=str(path)), seeds=1, epochs=1)
    write(0)
    first = sequences(spec)
    assert sequences(spec) == first
    write(0.5)
    assert sequences(spec).answers[0].data.digest != first.answers[0].data.digest


@pytest.mark.slow
def test_a_study_with_a_lost_family_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small(families=("cnn", "mlp", "logistic"), data=TINY.model_copy(update={"seed": 23}))
    with monkeypatch.context() as poisoned:
        poison(poisoned, "cnn")
        first = sequences(spec)
    assert not first.answers[0].evaluation.get("cnn")
    assert set(sequences(spec).answers[0].evaluation) == {"cnn", "mlp", "logistic"}


def test_unchanged_families_are_taken_from_the_cache_and_said(home: Path) -> None:
    data = TINY.model_copy(update={"seed": 17})  # the tests of this module share a result store
    first, second = sequences(small(data=data)), sequences(small(data=data, families=("mlp", "logistic", "majority")))
    assert first.answers[0].cached == ()
    assert {"preprocess", "train mlp", "evaluate mlp"} <= set(second.answers[0].cached)
    assert first.answers[0].evaluation.items() <= second.answers[0].evaluation.items()
    # The second run has children of its own, with the whole history.
    assert children(first)["mlp"].info.run_id != (child := children(second)["mlp"]).info.run_id
    assert len(client_of(second).get_metric_history(child.info.run_id, "train_loss")) == 3


@pytest.mark.slow
def test_another_recipe_is_trained_again() -> None:
    sequences(small())
    assert "train mlp" not in sequences(small(epochs=4)).answers[0].cached


@pytest.mark.slow
def test_a_cached_result_whose_files_are_gone_is_not_believed() -> None:
    first = sequences(small())
    (Path(first.answers[0].training["mlp"].directory) / "replicates.safetensors").unlink()
    second = sequences(small())
    assert second.started != first.started
    assert "train mlp" not in second.answers[0].cached
    assert second.answers[0].evaluation["mlp"].metrics == first.answers[0].evaluation["mlp"].metrics


def test_a_family_that_cannot_be_trained_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, "cnn")
    run = sequences(small(families=("cnn", "mlp", "logistic")))
    [answer] = run.answers
    assert set(answer.evaluation) == {"mlp", "logistic"}
    assert "no replicate of cnn could be trained" in answer.failures["cnn"]
    assert any("cnn could not be trained" in warning for warning in run.warnings)
    assert children(run)["cnn"].info.status == "FAILED"


def test_a_file_with_hostile_names_is_answered_and_shown_as_text(tmp_path: Path) -> None:
    rows = ["sample,time,a,label"]
    label = {0: "b & c", 1: "<script>alert(1)</script>"}
    rows += [f"{s},{t},{s % 2 + t * t / 10},{label[s % 2]}" for s in range(40) for t in range(10)]
    path = tmp_path / 'it\'s "x" <b>:é.csv'
    path.write_text("\n".join(rows))
    run = sequences(small(data=DataSpec(source=str(path))))
    assert set(children(run)) == {"mlp", "logistic"}
    assert run.report is not None
    page = Path(run.report).read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_when_no_family_can_be_trained_the_flow_fails_and_no_run_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, "cnn")
    with pytest.raises(TrainingError, match="cnn: no replicate of cnn"):
        sequences(small(families=("cnn",)))
    assert_nothing_is_running()


def test_unknown_families_are_refused_together_before_anything_is_trained() -> None:
    with pytest.raises(SpecError, match=r"'cnm' is not known.*Did you mean 'cnn'.*autoencoder"):
        sequences(small(families=("cnm", "mlp", "autoencoder")))
    assert_nothing_is_running()


def test_images_are_no_sequences() -> None:
    with pytest.raises(SpecError, match="'digits' does not hold sequences"):
        sequences(small(data=DataSpec(source="digits")))


def test_prefect_shows_readable_names_and_artifacts() -> None:
    run = sequences(small())
    flow_run_id = run.prefect["prefect.flow_run_id"]
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(flow_run_id)
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])))
        artifacts = client.read_artifacts()
    assert re.fullmatch(r"sequences-regime-locked-x3-[0-9a-f]{4}", flow_run.name), "two runs are told apart"
    names = {one.name for one in tasks}
    assert {"download-regime:locked", "train-mlp-x3-locked", "evaluate-mlp", "compare-locked", "report"} <= names
    [page] = [one for one in artifacts if str(one.flow_run_id) == str(flow_run_id)]
    [answer] = run.answers
    assert answer.comparison is not None
    assert answer.comparison.verdict in page.data
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.data.splitlines() if line.startswith("| ")]
    scores = {family: evaluation.metrics["accuracy"].mean for family, evaluation in answer.evaluation.items()}
    assert rows == ["family", "---", *sorted(scores, key=scores.__getitem__, reverse=True)], "best first"
    assert run.report is not None
    assert run.report in page.data


@pytest.mark.slow
def test_images_and_autoencoder_studies_run_on_digits() -> None:
    data = DataSpec(source="digits", max_train=200)
    families = ("mlp", "cnn", "majority", "logistic")
    run = images(ImagesSpec(data=data, families=families, seeds=2, epochs=2))
    assert set(run.answers[0].evaluation) == set(families)
    assert run.answers[0].training["mlp"].parameters == 784 * 64 + 64 + 64 * 10 + 10
    run = autoencoder(AutoencoderSpec(data=data, seeds=2, epochs=2))
    assert set(run.answers[0].evaluation) == {"autoencoder", "pca"}
    metrics = run.answers[0].evaluation["autoencoder"].metrics
    assert metrics["squared_error"].mean == pytest.approx(784 * metrics["mse"].mean)
    assert run.answers[0].evaluation["pca"].metrics["mse"].mean < 0.12


def poison(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Replace the recipe of a family by one whose learning rate makes every loss infinite."""
    family = FAMILIES["sequences"][name]
    assert isinstance(family, Network)
    recipe = Recipe(optimizer="sgd", learning_rate=1e30, schedule="constant", epochs=3)
    broken = Network(name=name, label=family.label, kind="sequences", build=family.build, recipe=recipe)
    monkeypatch.setitem(FAMILIES["sequences"], name, broken)


def assert_nothing_is_running() -> None:
    from tasks.tracking.store import connect

    client, experiment_id = connect()
    assert client.search_runs([experiment_id], "attributes.status = 'RUNNING'") == []


# ------------------------------------------------------------------------- resamples, looks, recipes


def test_resampled_splits_are_compared_split_by_split_and_the_answer_says_so() -> None:
    run = sequences(small(resampling="both", seeds=4, families=("mlp", "logistic")))
    [answer] = run.answers
    assert answer.comparison is not None
    [pair] = answer.comparison.pairs
    assert "4 resampled splits with 60 test examples each" in pair.sentence
    assert answer.comparison.verdict.endswith("the corrected resampled t-test (Nadeau and Bengio 2003).")
    assert not run.warnings, "nothing is wrong with it"
    # A deterministic baseline is another one on every split.
    assert len(answer.evaluation["logistic"].seeds) == 4
    assert len(set(answer.evaluation["logistic"].metrics["cross_entropy"].per_seed)) == 4
    assert children(run)["mlp"].data.params["resampling"] == "both"
    assert run.report is not None
    assert "resampled splits" in Path(run.report).read_text()


def test_replicates_with_training_sets_of_their_own_are_tested_on_the_same_examples() -> None:
    run = sequences(small(resampling="training", seeds=3, families=("mlp", "logistic")))
    [answer] = run.answers
    assert answer.comparison is not None
    [pair] = answer.comparison.pairs
    assert "3 seeds, 60 test examples" in pair.sentence
    assert answer.comparison.verdict.endswith("all were tested on the same examples.")
    # A deterministic baseline is another one on every training set.
    assert len(set(answer.evaluation["logistic"].metrics["cross_entropy"].per_seed)) == 3
    assert {child.data.params["resampling"] for child in children(run).values()} == {"training"}
    assert run.report is not None
    assert "trained on a bootstrap of its own of the training part" in Path(run.report).read_text()


@pytest.mark.slow
def test_seeds_are_added_until_it_is_decided() -> None:
    """A network that cannot be told from another gets all its seeds; a beaten one stops early."""
    spec = small(families=("mlp", "gru", "majority"), seeds=3, max_seeds=8, until_decided=True, epochs=2)
    run = sequences(spec)
    [answer] = run.answers
    assert answer.comparison is not None
    looks = answer.comparison.looks
    assert [look.seeds for look in looks] == [3, 6, 8][: len(looks)]
    assert sum(look.level for look in looks) <= 0.05 + 1e-9
    assert "Stopped after look" in answer.comparison.verdict
    last = looks[-1]
    for family in (last.leader, *last.undecided):
        if family != "majority":
            assert answer.evaluation[family].seeds == tuple(range(last.seeds)), family
    found = children(run)
    assert set(found) == {"mlp", "gru", "majority"}, "one run per family, whatever the number of batches"
    for family, child in found.items():
        assert child.info.status == "FINISHED"
        assert child.data.metrics["seeds"] == len(answer.evaluation[family].seeds)
        assert child.info.run_name == f"{family} on locked"
    grown = next(family for family in ("mlp", "gru") if len(answer.evaluation[family].seeds) > 3)
    below = client_of(run).search_runs(
        [found[grown].info.experiment_id], f"tags.mlflow.parentRunId = '{found[grown].info.run_id}'"
    )
    batches = [one for one in below if one.data.tags["hw3.role"] == "batch"]
    assert sum(one.data.metrics["seeds"] for one in batches) == len(answer.evaluation[grown].seeds)
    seeds = [int(one.data.tags["seed"]) for one in below if one.data.tags["hw3.role"] == "seed"]
    assert sorted(seeds) == sorted(answer.evaluation[grown].seeds), "each seed once, whatever batch it was in"
    assert len(below) == len(batches) + len(seeds)


@pytest.mark.slow
def test_seeds_of_several_batches_are_those_of_one_training() -> None:
    grown = sequences(small(families=("mlp", "majority"), seeds=3, max_seeds=6, until_decided=True)).answers[0]
    count = len(grown.evaluation["mlp"].seeds)
    at_once = sequences(small(families=("mlp", "majority"), seeds=count)).answers[0]
    for metric, score in at_once.evaluation["mlp"].metrics.items():
        np.testing.assert_allclose(score.per_seed, grown.evaluation["mlp"].metrics[metric].per_seed, rtol=1e-4)


def test_a_named_recipe_is_what_is_trained() -> None:
    run = sequences(small(families=("mlp", "majority"), recipe="homework", epochs=2))
    params = children(run)["mlp"].data.params
    assert (params["recipe.optimizer"], params["recipe.schedule"]) == ("adam", "constant")
    with pytest.raises(SpecError, match="`recipe` 'deep' is not known for mlp on sequences"):
        sequences(small(recipe="deep"))


def test_families_are_compared_by_the_metric_that_is_asked_for() -> None:
    comparison = sequences(small(metric="cross_entropy")).answers[0].comparison
    assert comparison is not None
    assert (comparison.metric, comparison.higher_is_better) == ("cross_entropy", False)
    assert "nats" in comparison.verdict
    with pytest.raises(
        SpecError, match="`metric` 'mse' is not known for classification; known: accuracy, balanced_acc"
    ):
        sequences(small(metric="mse"))


def test_artifacts_and_mlflow_show_the_metric_that_is_asked_for() -> None:
    run = sequences(small(metric="macro_f1"))
    [answer] = run.answers
    mlp = answer.evaluation["mlp"].metrics["macro_f1"]
    shown = f"{100 * mlp.mean:.1f}% ["
    assert answer.metric == "macro_f1"
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts()
    [page] = [one for one in artifacts if str(one.flow_run_id) == run.prefect["prefect.flow_run_id"]]
    head, _, *rows = [line for line in page.data.splitlines() if line.startswith("| ")]
    assert "| macro_f1 |" in head
    assert "accuracy" not in head
    [row] = [line for line in rows if line.startswith("| mlp |")]
    assert f"| {shown}" in row
    assert run.tracking is not None
    parent = client_of(run).get_run(run.tracking.run_id).data
    assert parent.metrics["locked/mlp/macro_f1"] == pytest.approx(mlp.mean)
    assert "locked/mlp/accuracy" not in parent.metrics
    assert parent.tags["hw3.metric.sequences-locked"] == "macro_f1"
    assert run.answers[0].comparison is not None
    assert parent.tags["hw3.take.sequences-locked"] == run.answers[0].comparison.take
    assert f"**mlp** on **locked**: macro F1 {shown}" in children(run)["mlp"].data.tags["mlflow.note.content"]


def test_a_single_family_is_shown_by_the_metric_that_is_asked_for_as_well() -> None:
    run = sequences(small(families=("majority",), metric="cross_entropy"))
    assert run.answers[0].comparison is None
    assert "cross-entropy 0.69" in children(run)["majority"].data.tags["mlflow.note.content"]
    assert run.tracking is not None
    parent = client_of(run).get_run(run.tracking.run_id).data
    assert "locked/majority/cross_entropy" in parent.metrics
    assert parent.tags["hw3.verdict.sequences-locked"] == "One family only: nothing to compare."
    assert "hw3.take.sequences-locked" not in parent.tags
