"""The two flags: whoever races, a training is never done both on a pool and here."""

import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hw3models.specs import TrainJob
from tasks import tracking


@pytest.fixture
def run_id(home: Path) -> str:
    return tracking.open_parent("race", TrainJob(), {})


def test_a_child_that_claims_first_keeps_the_training(run_id: str) -> None:
    assert tracking.claim(run_id, "child")
    assert not tracking.call_back(run_id, "child")
    assert not tracking.is_called_back(run_id, "child"), "its results are wanted"


def test_a_child_that_was_called_back_never_begins(run_id: str) -> None:
    assert tracking.call_back(run_id, "child")
    assert not tracking.claim(run_id, "child")
    assert tracking.claim(run_id, "another child"), "the next one may"


def test_of_two_that_race_at_most_one_trains(run_id: str) -> None:
    rng = np.random.default_rng(0)
    seen: Counter[tuple[bool, bool]] = Counter()
    for number in range(60):
        child, gate = f"child-{number}", threading.Barrier(2)
        delays = rng.uniform(0, 0.01, 2)
        begins: list[bool] = []

        def run_child(child: str = child, gate: threading.Barrier = gate, delay: float = delays[0]) -> None:
            gate.wait()
            time.sleep(delay)
            begins.append(tracking.claim(run_id, child))  # noqa: B023  # joined below

        thread = threading.Thread(target=run_child)
        thread.start()
        gate.wait()
        time.sleep(delays[1])
        trains_here = tracking.call_back(run_id, child)
        thread.join()
        assert not (begins[0] and trains_here), f"round {number}: both"
        seen[begins[0], trains_here] += 1
    assert len(seen) >= 2, f"the race was no race: {seen}"


def test_a_disowned_child_keeps_its_results_to_itself(run_id: str) -> None:
    assert tracking.claim(run_id, "child")
    tracking.disown(run_id, "child")
    assert tracking.is_called_back(run_id, "child")


def test_signs_of_life_differ_each_time(run_id: str) -> None:
    assert tracking.last_beat(run_id, "child") is None
    tracking.beat(run_id, "child")
    first = tracking.last_beat(run_id, "child")
    tracking.beat(run_id, "child")
    assert tracking.last_beat(run_id, "child") != first


def test_ending_the_runs_of_a_dead_flow_run_touches_no_others(home: Path) -> None:
    mine = tracking.open_parent("mine", TrainJob(), {"prefect.flow_run_id": "a"})
    other = tracking.open_parent("other", TrainJob(), {"prefect.flow_run_id": "b"})
    assert tracking.end_runs_of("a", tracking.KILLED, "cancelled") == [mine]
    assert tracking.end_runs_of("a", tracking.KILLED, "again") == []
    assert tracking.open_runs_of(other) == [other]


def test_a_flow_run_tried_again_goes_on_in_the_same_mlflow_run(home: Path) -> None:
    first = tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "a"})
    tracking.end_run(first, "FAILED")
    assert tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "a"}) == first
    assert tracking.open_runs_of(first) == [first]
    assert tracking.open_parent("study", TrainJob(), {"prefect.flow_run_id": "b"}) != first
    assert tracking.open_parent("outside", TrainJob(), {}) != tracking.open_parent("outside", TrainJob(), {})
