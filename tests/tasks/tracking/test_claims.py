"""The two flags: whoever races, a training is never done both on a pool and here."""

import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from hw3models.specs import DataReport, TrainJob, TrainSpec
from tasks import tracking
from tasks.patience import hurry, is_outage, patiently
from tasks.tracking import claims


@pytest.fixture
def run_id(store: Path) -> str:
    return tracking.open_parent("race", TrainJob(), {})


def test_a_child_that_claims_first_keeps_the_training(run_id: str) -> None:
    fencing_token = tracking.issue(run_id)
    assert tracking.claim(run_id, "child", fencing_token)
    assert not tracking.reclaim(run_id, fencing_token)
    assert tracking.is_owner(run_id, fencing_token), "its results are wanted"
    assert tracking.child_of(run_id) == "child"


def test_a_child_that_was_called_back_never_begins(run_id: str) -> None:
    fencing_token = tracking.issue(run_id)
    assert tracking.reclaim(run_id, fencing_token)
    assert not tracking.claim(run_id, "child", fencing_token)
    assert tracking.claim(run_id, "another child", tracking.issue(run_id)), "the next one may"


def test_the_bearer_of_an_old_ticket_neither_begins_nor_records(run_id: str) -> None:
    first = tracking.issue(run_id)
    assert tracking.claim(run_id, "child of the first attempt", first)
    second = tracking.issue(run_id)
    assert not tracking.is_owner(run_id, first), "it trains on, but keeps what it finds to itself"
    assert not tracking.claim(run_id, "one that nobody knows of", first)
    assert tracking.child_of(run_id) == "child of the first attempt", "the run names none that trains nothing"
    assert tracking.claim(run_id, "child", second)


def test_what_is_trained_here_belongs_to_no_ticket(run_id: str) -> None:
    fencing_token = tracking.issue(run_id)
    tracking.revoke(run_id)
    assert not tracking.claim(run_id, "child", fencing_token)


def test_of_two_that_race_at_most_one_trains(run_id: str) -> None:
    rng = np.random.default_rng(0)
    for number in range(60):
        fencing_token, gate = tracking.issue(run_id), threading.Barrier(2)
        delays = rng.uniform(0, 0.01, 2)
        begins: list[bool] = []

        def run_child(
            begins: list[bool] = begins,
            fencing_token: str = fencing_token,
            gate: threading.Barrier = gate,
            delay: float = float(delays[0]),
        ) -> None:
            gate.wait()
            time.sleep(delay)
            begins.append(tracking.claim(run_id, "child", fencing_token))

        thread = threading.Thread(target=run_child)
        thread.start()
        gate.wait()
        time.sleep(delays[1])
        trains_here = tracking.reclaim(run_id, fencing_token)
        thread.join()
        assert not (begins[0] and trains_here), f"round {number}: both"


def test_a_study_that_acts_while_the_child_stands_between_its_flag_and_its_look_leaves_it_the_training(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a race may or may not bring about, is caused here; whole claims before and after stand above."""
    fencing_token, look = tracking.issue(run_id), claims.is_owner
    trains_here: list[bool] = []

    def held_up(run_id: str, fencing_token: str) -> bool:
        trains_here.append(tracking.reclaim(run_id, fencing_token))
        return look(run_id, fencing_token)

    monkeypatch.setattr(claims, "is_owner", held_up)
    assert tracking.claim(run_id, "child", fencing_token)
    assert trains_here == [False]


def test_a_child_that_acts_while_the_study_stands_between_its_flag_and_its_look_does_not_begin(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fencing_token, raise_flag = tracking.issue(run_id), claims.revoke
    begins: list[bool] = []

    def held_up(run_id: str) -> None:
        raise_flag(run_id)
        begins.append(tracking.claim(run_id, "child", fencing_token))

    monkeypatch.setattr(claims, "revoke", held_up)
    assert not tracking.reclaim(run_id, fencing_token), "it has seen the claim, and does not train either"
    assert begins == [False]


def test_signs_of_life_differ_each_time(run_id: str) -> None:
    assert tracking.last_heartbeat(run_id, "child") is None
    tracking.heartbeat(run_id, "child")
    first = tracking.last_heartbeat(run_id, "child")
    tracking.heartbeat(run_id, "child")
    assert tracking.last_heartbeat(run_id, "child") != first


def test_ending_the_runs_of_a_dead_flow_run_touches_no_others(store: Path) -> None:
    mine = tracking.open_parent("mine", TrainJob(), {"prefect.flow_run_id": "a"})
    other = tracking.open_parent("other", TrainJob(), {"prefect.flow_run_id": "b"})
    assert tracking.end_runs_of("a", tracking.KILLED, "cancelled") == [mine]
    assert tracking.end_runs_of("a", tracking.KILLED, "again") == []
    assert tracking.open_runs_of(other) == [other]


def test_a_flow_run_tried_again_goes_on_in_the_same_mlflow_run(store: Path) -> None:
    first = tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "a"})
    tracking.end_run(first, "FAILED")
    assert tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "a"}) == first
    assert tracking.open_runs_of(first) == [first], "its end has not come behind its second beginning"
    tracking.outbox().flush(60)
    assert tracking.open_runs_of(first) == [first]
    assert tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "b"}) != first
    assert tracking.open_parent("outside", TrainJob(), {}) != tracking.open_parent("outside", TrainJob(), {})


def test_runs_below_those_of_a_dead_flow_run_end_with_them(store: Path) -> None:
    parent = tracking.open_parent("hw3 run", TrainJob(), {"prefect.flow_run_id": "outer"})
    data = DataReport(
        name="d", kind="sequences", source="d", path="d", digest="d", num_train=1, num_validation=0, num_test=1,
        shape=(2, 1), class_names=("a", "b"), class_counts=(1, 1),
    )  # fmt: skip
    family = tracking.open_child(parent, TrainSpec(), data, {"prefect.flow_run_id": "inner"})
    assert set(tracking.end_runs_of("outer", tracking.FAILED, "crashed")) == {parent, family}


def test_an_outage_is_told_from_a_refusal(run_id: str) -> None:
    with pytest.raises(Exception, match="not found") as refused:
        tracking.heartbeat("no such run", "child")
    assert isinstance(refused.value, Exception)
    assert not is_outage(refused.value)
    assert is_outage(httpx.ConnectError("refused"))


def test_a_call_is_repeated_while_a_server_is_away_but_not_for_ever() -> None:
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise httpx.ConnectError("away")
        return len(calls)

    assert patiently(call, pause=0.01) == 3
    calls.clear()
    with hurry(), pytest.raises(httpx.ConnectError, match="away"):
        patiently(call, pause=0.01)
    assert len(calls) == 1
