"""What MLflow's pages open with: kind of the experiment, a study's saved view, its address; what the machine did."""

import json
from pathlib import Path

import pytest

from hw3models.specs import DataReport, DataSpec, SequencesSpec, TrainSpec
from tasks import tracking
from tasks.settings import Settings
from tasks.tracking.journal import SeedRun, Seeds, View, views
from tasks.tracking.store import KIND, TRAINING, connect
from tests.report_fixtures import sequences_answer

pytestmark = pytest.mark.usefixtures("store")


def opened(data: DataReport) -> tuple[str, str]:
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    return parent, tracking.open_child(parent, TrainSpec(data=DataSpec(), family="mlp"), data, {})


def view(at: int) -> View:
    return View(metrics=("accuracy", "macro_f1"), ascending=False, group_by=("family",), at=at)


def test_the_experiment_is_one_of_training_also_when_it_was_made_before(home: Path) -> None:
    client, experiment = connect()
    assert client.get_experiment(experiment).tags[KIND] == TRAINING
    client.delete_experiment_tag(experiment, KIND)
    from tasks.tracking.store import _connect  # the cache of connections: a new process has none

    _connect.cache_clear()
    client, experiment = connect()
    assert client.get_experiment(experiment).tags[KIND] == TRAINING
    client.set_experiment_tag(experiment, KIND, "regression")
    _connect.cache_clear()
    assert connect()[0].get_experiment(experiment).tags[KIND] == "regression", "somebody's own choice is left alone"


def test_the_view_of_a_study_shows_its_seeds_by_family_and_the_oldest_views_go(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "KEPT", 2)
    parents = [tracking.open_parent(f"study {number}", SequencesSpec(), {}) for number in range(3)]
    for number, parent in enumerate(parents):
        tracking.outbox().put(parent, view(at=number))
        assert tracking.outbox().flush(20) == 0
    client, experiment = connect()
    tags = client.get_experiment(experiment).tags
    kept = {name.rpartition("hw3-")[2]: one for name, one in tags.items() if "sharedViewState" in name}
    everything = json.loads(kept.pop("studies"))
    assert len(client.search_runs([experiment], everything["searchFilter"])) == 3, "the view of all studies stays"
    assert set(kept) == set(parents[1:])
    state = json.loads(kept[parents[2]])
    assert parents[2] in state["searchFilter"]
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "family"}]
    assert state["orderByKey"] == "metrics.`accuracy`"
    assert client.search_runs([experiment], state["searchFilter"]) == [], "a filter that MLflow reads"


def test_addresses_open_the_training_pages_and_an_embedded_store_has_none(
    data: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, _ = opened(data)
    assert tracking.study_link(parent) is None
    assert tracking.tracking(parent).link is None
    monkeypatch.setattr(views, "experiment_page", lambda run_id: "http://host:5000/#/experiments/7/runs")
    start = "http://host:5000/#/experiments/7/runs"
    assert tracking.study_link(parent) == f"{start}?workflowType=machine_learning&viewStateShareKey=hw3-{parent}"
    assert tracking.run_link(parent) == f"{start}/{parent}?workflowType=machine_learning"


def test_seeds_that_are_sent_again_are_there_once_and_whole(data: DataReport) -> None:
    parent, run_id = opened(data)
    event = Seeds(
        name="mlp on x",
        tags={"family": "mlp"},
        params={"family": "mlp"},
        seeds=(SeedRun(seed=3, metrics={"accuracy": 0.5}), SeedRun(seed=4, metrics={"accuracy": 0.75})),
        at=1_700_000_000_000,
    )
    tracking.outbox().put(run_id, event)
    assert tracking.outbox().flush(20) == 0
    client, experiment = connect()
    mine = f"tags.`hw3.study` = '{parent}' and tags.`hw3.role` = 'seed'"
    half = client.search_runs([experiment], f"{mine} and tags.seed = '4'")[0].info.run_id
    # As a process leaves it that is killed in between.
    client.update_run(half, status="RUNNING")
    tracking.outbox().put(run_id, event)
    assert tracking.outbox().flush(20) == 0
    found = client.search_runs([experiment], mine)
    assert {run.data.params["seed"]: run.data.metrics["accuracy"] for run in found} == {"3": 0.5, "4": 0.75}
    assert len(found) == 2
    assert {run.info.status for run in found} == {"FINISHED"}
    assert len(client.get_metric_history(half, "accuracy")) == 1


def test_a_study_of_several_data_sets_names_a_winner_for_each_and_no_score(data: DataReport, tmp_path: Path) -> None:
    parent, _ = opened(data)
    answer = sequences_answer(tmp_path / "answer")
    tracking.log_winner(parent, [answer, answer.model_copy(update={"data": data})])
    assert tracking.outbox().flush(20) == 0
    client, _ = connect()
    found = client.get_run(parent).data
    assert answer.comparison is not None
    take = answer.comparison.take
    assert found.tags["winner"] == f"{answer.data.name}: {take}; {data.name}: {take}"
    assert "accuracy" not in found.metrics


def test_the_machine_is_watched_until_the_end(data: DataReport) -> None:
    parent, _ = opened(data)
    with tracking.watched(parent):
        pass
    assert tracking.outbox().flush(20) == 0
    client, _ = connect()
    found = client.get_run(parent).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(found)
    assert 0 < found["system/system_memory_usage_percentage"] < 100
    assert Settings().mlflow_tracking_uri is None
