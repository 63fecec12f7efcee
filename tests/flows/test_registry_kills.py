"""Promotions and rollbacks that are killed at every call: history and aliases agree after all."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow import MlflowClient

from flows.registry import history, rollback
from hw3models.errors import SpecError
from hw3models.specs import GateDecision, PromoteSpec, RegistryEvent
from tasks import promotion
from tasks.tracking import registry
from tasks.tracking.store import connect
from tests.forked import FORKS

pytestmark = pytest.mark.usefixtures("store")
MODEL = "hw3-images"
CALLS = ("set_model_version_tag", "update_model_version", "set_registered_model_alias")
"""What changes the registry."""


class KilledError(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.fixture
def runs() -> list[str]:
    """Runs of three versions, the second of which is the champion after the first."""
    client, experiment = connect()
    client.create_registered_model(MODEL)
    made = []
    for number in (1, 2, 3):
        run_id = client.create_run(experiment).info.run_id
        client.create_model_version(MODEL, source=f"runs:/{run_id}/model", run_id=run_id, description="card")
        made.append(run_id)
        if number < 3:
            at = registry.now(MODEL)
            event = RegistryEvent(
                at=at, model=MODEL, version=number, event="champion", reason="better", champion=number
            )
            registry.write_down(event, note="**champion**: better\n\ncard")
            registry.move(MODEL, registry.CHALLENGER, number)
            registry.move(MODEL, registry.CHAMPION, number)
    return made


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch, command: Callable[[], Any]) -> bool:
    """Run the command, which is killed before (even) or after (odd) a change of the registry; was it?"""
    left = [number // 2]
    with monkeypatch.context() as patched:
        for name in CALLS:
            real = getattr(MlflowClient, name)

            def change(*arguments: Any, _real: Any = real, **named: Any) -> Any:
                left[0] -= 1
                if left[0] == -1 and number % 2 == 0:
                    raise KilledError
                found = _real(*arguments, **named)
                if left[0] == -1:
                    raise KilledError
                return found

            patched.setattr(MlflowClient, name, change)
        try:
            command()
        except KilledError:
            return True
    return False


def told() -> list[tuple[int, str]]:
    return [(event.version, event.event) for event in history(MODEL)]


@pytest.mark.parametrize("number", range(8))
def test_a_rollback_that_is_killed_is_told_and_done_once(
    number: int, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed_at(number, monkeypatch, lambda: rollback(MODEL, None, "a test"))
    if registry.version_with(MODEL, registry.CHAMPION) == 1:
        assert told()[-1] == (1, "rollback"), "no champion without an event"
    else:
        assert rollback(MODEL, None, "a test").version == 1
    assert told() == [(1, "champion"), (2, "champion"), (1, "rollback")]
    assert history(MODEL)[-1].reason == "Rolled back from version 2: a test"
    assert registry.version_with(MODEL, registry.CHAMPION) == 1


def test_a_rollback_has_no_more_points_at_which_it_can_be_killed(
    runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not killed_at(8, monkeypatch, lambda: rollback(MODEL, None, "a test"))


def promote(run_id: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A promotion whose gate has decided."""
    decided = GateDecision.model_validate({"outcome": outcome, "reason": "so it is", "metric": "accuracy"})
    already = GateDecision(outcome="champion", reason="It is the champion already.", metric="accuracy")
    monkeypatch.setattr(promotion, "model_card", lambda *_, **__: "card")
    monkeypatch.setattr(promotion.tracking, "log_card", lambda *_: None)
    monkeypatch.setattr(promotion, "_decide", lambda *given: already if given[-2] == given[-1] else decided)
    answer: Any = SimpleNamespace(kind="images", data=SimpleNamespace(name="digits"), training={"mlp": None})
    spec = SimpleNamespace(fingerprint=lambda: "f")
    training = SimpleNamespace(family="mlp")
    run: Any = SimpleNamespace(run_id=run_id, spec=spec, training=training, members=1, environment=None)
    data: Any = SimpleNamespace(name="digits", digest="0" * 16)
    return promotion.promote.fn(answer, PromoteSpec(), run, data)


@pytest.mark.parametrize("outcome", ["champion", "challenger", "refused"])
@pytest.mark.parametrize("number", range(12))
def test_a_promotion_that_is_killed_and_repeated_is_told_and_done_once(
    number: int, outcome: str, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(number, monkeypatch, lambda: promote(runs[2], outcome, monkeypatch))
    found = promote(runs[2], outcome, monkeypatch)
    assert found.champion_now == (3 if outcome == "champion" else 2)
    assert told() == [(1, "champion"), (2, "champion"), (3, outcome)]
    assert history(MODEL)[-1].reason == "so it is"
    client, _ = connect()
    version = client.get_model_version(MODEL, "3")
    assert version.tags["hw3.gate"] == outcome
    assert version.tags["hw3.gate_reason"] == "so it is"
    assert version.description == f"**{outcome}**: so it is\n\ncard"
    assert registry.version_with(MODEL, registry.CHAMPION) == found.champion_now
    assert registry.version_with(MODEL, registry.CHALLENGER) == (2 if outcome == "refused" else 3)


def decide_at_once(environment: dict[str, str], run_id: str | None, both: Any) -> None:
    """One of the two, in a process of its own."""
    os.environ.update(environment)
    connect()
    both.wait()
    if run_id is None:
        rollback(MODEL, None, "a test")
    else:
        promote(run_id, "champion", pytest.MonkeyPatch())


@pytest.mark.slow
def test_a_promotion_and_a_rollback_at_the_same_time_come_one_after_the_other(runs: list[str]) -> None:
    both = FORKS.Barrier(2)
    pair = [FORKS.Process(target=decide_at_once, args=(dict(os.environ), run, both)) for run in (runs[2], None)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
    assert [process.exitcode for process in pair] == [0, 0]
    champion = registry.version_with(MODEL, registry.CHAMPION)
    first = [(1, "champion"), (2, "champion")]
    either = {3: [(1, "rollback"), (3, "champion")], 2: [(3, "champion"), (2, "rollback")]}
    assert champion in either
    assert told() == first + either[champion]
    assert history(MODEL)[-1].champion == champion


def test_who_waits_for_a_decision_says_so_and_does_not_wait_for_ever(
    runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the other command was stopped, or hangs."""
    monkeypatch.setattr(registry, "PATIENCE", 0.1)
    with (
        registry.alone(MODEL),
        pytest.warns(UserWarning, match="another command decides about hw3-images: waiting"),
        pytest.raises(SpecError, match=r"another command has been deciding about hw3-images for"),
    ):
        rollback(MODEL, None, "a test")
    assert rollback(MODEL, None, "a test").version == 1


def test_events_stay_in_order_when_the_clock_is_set_back(runs: list[str]) -> None:
    last = history(MODEL)[-1]
    ahead = last.model_copy(update={"at": "2999-01-01T00:00:00.000000Z", "version": 1})
    registry.write_down(ahead)
    assert registry.now(MODEL) == "2999-01-01T00:00:00.000001Z"


def test_a_model_without_its_files_is_said_to_have_lost_them_or_to_be_another_ones(tmp_path: Path) -> None:
    client, experiment = connect()
    run_id = client.create_run(experiment).info.run_id
    (tmp_path / "README").touch()
    client.log_artifact(run_id, str(tmp_path / "README"), "model")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    for name, description in (("hw3-images", "Made by hw3; and so on."), ("theirs", "A model of ours.")):
        client.create_registered_model(name, description=description)
        client.create_model_version(name, source=source, run_id=run_id)
    lost = (
        r"holds 0 files `model.safetensors` or `model.skops` in MLflow instead of one \(README\): hw3 made it, and its "
        "artifacts were"
    )
    with pytest.raises(SpecError, match=lost):
        registry.fetch_model("hw3-images/1", tmp_path / "a")
    with pytest.raises(SpecError, match=r"\(README\): it was not made by hw3\. Registered: hw3-images\."):
        registry.fetch_model("theirs/1", tmp_path / "b")
