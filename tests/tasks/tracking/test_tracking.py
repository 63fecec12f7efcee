"""The tracker against a real embedded store."""

import math
import threading
from pathlib import Path
from statistics import fmean, stdev

import pytest
from mlflow import MlflowClient

from hw3models.engine.fit import EpochReport
from hw3models.specs import DataReport, DataSpec, SequencesSpec, TrainSpec
from tasks import tracking
from tasks.settings import Settings
from tasks.tracking.journal import Facts
from tasks.tracking.store import connect

pytestmark = pytest.mark.usefixtures("store")


def epoch(number: int, seeds: tuple[int, ...], *losses: float, running: tuple[bool, ...] | None = None) -> EpochReport:
    return EpochReport(number, 3, seeds, running or (True,) * len(seeds), losses, losses, None, 0.1)


def points(run_id: str, name: str) -> list[tuple[int, float]]:
    assert tracking.outbox().flush(20) == 0
    client, _ = connect()
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


def open_runs(data: DataReport) -> tuple[str, str]:
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    return parent, tracking.open_child(parent, TrainSpec(data=DataSpec(), family="mlp"), data, {})


def test_epochs_of_separate_replicates_are_logged_once_all_have_reported(data: DataReport) -> None:
    _, run_id = open_runs(data)
    log = tracking.EpochLog(run_id, 2)
    for report in (epoch(1, (0,), 0.5), epoch(2, (0,), 0.4), epoch(1, (1,), 0.7)):
        log(report)
    log.close()
    assert points(run_id, "train_loss") == [(1, pytest.approx(fmean([0.5, 0.7]))), (2, 0.4)]
    assert points(run_id, "diagnostics/train_loss_sd") == [(1, pytest.approx(stdev([0.5, 0.7])))]


def test_failed_and_stopped_replicates_do_not_spoil_the_mean(data: DataReport) -> None:
    _, run_id = open_runs(data)
    log = tracking.EpochLog(run_id, 3)
    log(epoch(1, (0, 1, 2), 0.5, math.nan, 0.9, running=(True, True, False)))
    log.close()
    assert points(run_id, "train_loss") == [(1, 0.5)]


def test_the_same_family_under_the_same_parent_is_the_same_run(data: DataReport) -> None:
    parent, run_id = open_runs(data)
    again = tracking.open_child(parent, TrainSpec(data=DataSpec(), family="mlp"), data, {})
    other = tracking.open_child(parent, TrainSpec(data=DataSpec(), family="mlp", seeds=(9,)), data, {})
    assert again == run_id != other


def test_connecting_does_not_pass_for_a_setting_of_the_user(data: DataReport) -> None:
    open_runs(data)
    assert Settings().mlflow_tracking_uri is None


def test_open_runs_of_a_parent_are_found_and_closed(data: DataReport) -> None:
    parent, run_id = open_runs(data)
    finished = tracking.open_child(parent, TrainSpec(data=DataSpec(), family="gru"), data, {})
    tracking.end_run(finished, "FINISHED")
    assert tracking.outbox().flush(20) == 0
    assert set(tracking.open_runs_of(parent)) == {parent, run_id}
    for one in tracking.open_runs_of(parent):
        tracking.end_run(one, "KILLED")
    assert tracking.outbox().flush(20) == 0
    client = MlflowClient(tracking.tracking(parent).tracking_uri)
    assert [client.get_run(one).info.status for one in (parent, run_id, finished)] == ["KILLED", "KILLED", "FINISHED"]


def test_more_points_than_mlflow_takes_in_a_call_are_logged_in_several(data: DataReport) -> None:
    _, run_id = open_runs(data)
    log = tracking.EpochLog(run_id, 1)
    for number in range(1, 801):
        log(epoch(number, (0,), 1 / number))
    log.close()
    assert len(points(run_id, "train_loss")) == len(points(run_id, "diagnostics/learning_rate")) == 800


def test_processes_that_log_a_new_data_set_at_the_same_moment_all_succeed(home: Path) -> None:
    parent = tracking.open_parent("race", TrainSpec(), {})
    gate = threading.Barrier(8)
    found: list[str] = []

    def open_one(seed: int, data: DataReport) -> None:
        gate.wait()
        found.append(tracking.open_child(parent, TrainSpec(seeds=(seed,)), data, {}))

    for round_ in range(5):
        data = DataReport(
            name="new", kind="sequences", source="new", path="new", digest=f"digest-{round_}", num_train=1,
            num_validation=0, num_test=1, shape=(2, 1), class_names=("a", "b"), class_counts=(1, 1),
        )  # fmt: skip
        threads = [threading.Thread(target=open_one, args=(seed, data)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 40


def test_more_parameters_and_tags_than_a_call_takes_all_arrive(data: DataReport) -> None:
    _, run_id = open_runs(data)
    params, tags = {f"p{n}": str(n) for n in range(250)}, {f"t{n}": str(n) for n in range(120)}
    tracking.outbox().put(run_id, Facts(params=params, tags=tags))
    assert tracking.outbox().flush(20) == 0
    client, _ = connect()
    found = client.get_run(run_id).data
    assert (params.items() <= found.params.items(), tags.items() <= found.tags.items()) == (True, True)
