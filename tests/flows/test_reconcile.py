"""`hw3 reconcile` after a real crash: both sides are put in order, once, and the same command still goes on."""

import json
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from prefect import flow, get_client
from prefect.client.schemas.objects import State, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings

from hw3models.specs import SequencesSpec
from tasks import tracking
from tasks.liveness import present
from tasks.reconciling import Sweep, sweep
from tasks.tracking.resuming import adopt
from tasks.tracking.store import connect
from tasks.tracking.sweeping import end_swept
from tests.flows.cli.test_cli import environment, hw3
from tests.flows.studies.test_resume import STUDY, checkpoints, in_the_middle, runs

__all__ = ["environment"]


def nothing_done(found: Sweep) -> bool:
    return not (found.sent or found.ended or found.released)


@pytest.mark.timeout(900)
@pytest.mark.servers  # a minute; `make reliability` runs it, too
def test_a_killed_study_is_swept_once_and_can_still_be_gone_on_with(environment: dict[str, str], home: Path) -> None:
    environment = environment | {"HW3_CHECKPOINT_EVERY": "0"}
    home.mkdir(exist_ok=True)
    with in_the_middle(environment) as study:
        assert checkpoints(home)
        family = psutil.Process(study.pid).children(recursive=True)
    psutil.wait_procs(family, timeout=60)

    first = hw3(environment, "reconcile", "--json")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert {one["status"] for one in found["ended"]} == {"FAILED"}
    assert "gru on locked" in {one["name"] for one in found["ended"]}
    assert all("is gone" in one["reason"] for one in (*found["ended"], *found["released"]))
    assert [one["state"] for one in found["released"]] == ["Running"]
    assert "RUNNING" not in {run.info.status for run in runs(home)}

    second = hw3(environment, "reconcile")
    assert (second.returncode, second.stdout) == (0, "nothing to do\n"), second.stderr

    again = hw3(environment, *STUDY)
    assert again.returncode == 0, again.stderr
    assert "whose process died" in again.stderr
    ended = runs(home)
    assert {run.info.status for run in ended} == {"FINISHED"}
    assert len(ended) == 4
    assert hw3(environment, "reconcile").stdout == "nothing to do\n"


@pytest.mark.usefixtures("store", "prefect")
def test_what_lives_is_left_alone_and_what_is_elsewhere_is_said() -> None:
    run_id = tracking.open_parent("a study", SequencesSpec(), {})
    other = tracking.open_parent("another", SequencesSpec(seeds=3), {})
    client, _ = connect()
    client.set_tag(other, "hw3.host", "elsewhere")
    with present("00000000-0000-0000-0000-000000000001"):
        found = sweep()
    assert nothing_done(found)
    assert [text for text in found.left if "elsewhere" in text]
    assert {client.get_run(one).info.status for one in (run_id, other)} == {"RUNNING"}


@pytest.mark.usefixtures("store")
def test_a_run_that_was_taken_for_dead_and_finished_does_not_say_that_it_was_interrupted() -> None:
    run_id = tracking.open_parent("a study", SequencesSpec(), {})
    end_swept(run_id, tracking.FAILED, "its process is gone")
    tracking.end_run(run_id, "FINISHED")
    assert tracking.outbox().flush(60) == 0
    client, _ = connect()
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert not {"hw3.ended", "hw3.swept"} & set(run.data.tags)


@pytest.mark.usefixtures("store")
def test_a_run_that_is_gone_on_with_forgets_how_it_ended_before() -> None:
    spec = SequencesSpec()
    run_id = tracking.open_parent("a study", spec, {})
    client, _ = connect()
    client.set_tag(run_id, "hw3.pid", "999999999")
    end_swept(run_id, tracking.FAILED, "its process is gone")
    assert adopt(spec.fingerprint(), {}) == run_id
    run = client.get_run(run_id)
    assert run.info.status == "RUNNING"
    assert not {"hw3.ended", "hw3.swept"} & set(run.data.tags)


@pytest.mark.usefixtures("store", "prefect")
@pytest.mark.parametrize(("state", "status"), [("CANCELLED", "KILLED"), ("CRASHED", "FAILED")])
def test_a_run_of_another_host_ends_as_its_flow_run_did_after_a_while(
    state: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with get_client(sync_client=True) as prefect:
        run = prefect.create_flow_run(nothing)
        over = State(type=StateType[state], message="the host burned down")
        prefect.set_flow_run_state(run.id, over, force=True)
    parent = tracking.open_parent("a study", SequencesSpec(), {"prefect.flow_run_id": str(run.id)})
    client, _ = connect()
    client.set_tag(parent, "hw3.host", "elsewhere")
    assert nothing_done(sweep()), "its process may still be sending what it logged"
    monkeypatch.setattr("tasks.reconciling.GRACE", 0.0)
    [ended] = sweep().ended
    assert (ended.run_id, ended.status) == (parent, status)
    assert "the host burned down" in ended.reason
    assert client.get_run(parent).info.status == status
    assert nothing_done(sweep())


@pytest.mark.usefixtures("store")
def test_without_a_prefect_server_mlflow_is_put_in_order_all_the_same() -> None:
    parent = tracking.open_parent("a study", SequencesSpec(), {"prefect.flow_run_id": str(uuid4())})
    client, _ = connect()
    client.set_tag(parent, "hw3.pid", "999999999")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        found = sweep()
    assert [one.run_id for one in found.ended] == [parent]
    assert any("Prefect does not answer" in text for text in found.left)


@flow
def nothing() -> None:
    """A flow whose runs others put into states."""
