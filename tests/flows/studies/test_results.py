"""What collects while a study trains: a family that fails stops no other, wherever it was trained."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flows.studies import results as module
from flows.studies.results import StudyResults
from hw3models.errors import PlacementError, TrainingError
from hw3models.pipeline.plan import StudyPlan
from tasks import progress, tracking
from tasks.placement import Decision, Outcome, RemoteTraining
from tests.flows.studies.made import Trainer, plan_of, prepared

HERE = Decision("here", None, "here", "asked for")
RUN = "a" * 32


class Listener(progress.Listener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Study:
    """A plan of one network, its results, and what went to MLflow."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plan: StudyPlan = plan_of(prepared(folder), ("mlp", "cnn"), metric="macro_f1")
        self.results = StudyResults(self.plan.data, metric="macro_f1", fresh=True)
        self.spec = self.plan.training("mlp", (0, 1))
        self.trainer = Trainer(folder / "models", {"mlp": 0.9, "cnn": 0.8})
        self.ended: list[tuple[str, str, str]] = []
        self.given: dict[str, Any] = {}
        monkeypatch.setattr(tracking, "log_placement", lambda *_: None)
        # What is journalled would be sent by a thread that outlives the test, to wherever the next one's store is.
        monkeypatch.setattr(tracking, "log_seeds", lambda *_: None)
        monkeypatch.setattr(tracking, "end_run", lambda *ending: self.ended.append(ending))
        monkeypatch.setattr(module, "train_family", self.train)

    def train(self, spec: Any, data: Any, _: str, **given: Any) -> Any:
        self.given = given
        return (*self.trainer.train(spec, data), ())


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "home"))
    return Study(tmp_path, monkeypatch)


def child(study: Study, *, may_come_back: bool = True) -> RemoteTraining:
    decision = Decision("auto" if may_come_back else "gpu", "gpu", "hw3-gpu", "a worker is there")
    return RemoteTraining("mlp", RUN, UUID(int=7), "token", decision)


def test_a_family_trained_here_is_shown_by_the_metric_of_the_study(study: Study) -> None:
    listener = Listener()
    with progress.listening(listener):
        study.results.train_here(study.spec, RUN, HERE)
    assert study.results.training["mlp"].seeds == (0, 1)
    assert study.results.placement["mlp"].where == "here"
    assert study.results.run_ids == {"mlp": RUN}
    assert study.given == {"metric": "macro_f1", "fresh": True}
    [said] = listener.said
    assert said.startswith("mlp on tiny sequences: macro F1 ")
    assert said.endswith(", 2 seeds, 2.0 s")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(TrainingError("no replicate is left"), "no replicate is left"), (MemoryError("4 GiB"), "MemoryError: 4 GiB")],
)
def test_a_family_that_cannot_be_trained_ends_its_run_and_stops_no_other(
    study: Study, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(module, "train_family", fail)
        study.results.train_here(study.spec, RUN, HERE)
    assert study.results.failures == {"mlp": reason}
    assert study.ended == [(RUN, "FAILED", reason)]
    study.results.train_here(study.plan.training("cnn", (0,)), "b" * 32, HERE)
    assert list(study.results.training) == ["cnn"]
    assert study.results.without_failures(("cnn", "mlp")) == ["cnn"]


def test_what_a_pool_gives_back_untrained_is_trained_here_and_said(study: Study) -> None:
    study.results.take(Outcome(child(study), "free", "nobody took it"), study.spec)
    assert study.results.placement["mlp"].reason == "nobody took it"
    assert study.results.placement["mlp"].flow_run_id == str(UUID(int=7))
    assert study.results.notes == ["mlp was to be trained on hw3-gpu: nobody took it"]


def test_what_was_to_be_trained_on_a_pool_and_nowhere_else_has_failed(study: Study) -> None:
    study.results.take(Outcome(child(study, may_come_back=False), "free", "nobody took it"), study.spec)
    assert study.results.failures == {"mlp": "nobody took it"}
    assert study.results.training == {}


def test_results_that_cannot_be_fetched_are_a_failure_of_their_family(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise OSError("no such artifact")

    monkeypatch.setattr(tracking, "fetch_results", gone)
    study.results.take(Outcome(child(study), "done"), study.spec)
    assert study.results.failures == {"mlp": "its results could not be fetched: no such artifact"}


def test_results_of_a_worker_count_as_ours(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "fetch_results", lambda _, spec, data, __: (*study.trainer.train(spec, data), True))
    study.results.take(Outcome(child(study), "done"), study.spec)
    assert study.results.placement["mlp"].where == "hw3-gpu"
    assert study.results.cached == ["train mlp"]


def test_what_cannot_be_queued_comes_back_or_fails(study: Study) -> None:
    class Closed:
        def submit(self, *_: Any, **given: Any) -> None:
            assert given == {"metric": "macro_f1", "fresh": True}
            raise PlacementError("the pool is paused")

    closed: Any = Closed()
    instead = study.results.send(closed, study.spec, RUN, child(study).decision)
    assert instead is not None
    assert (instead.where, instead.reason) == ("here", "could not be queued on hw3-gpu: the pool is paused")
    assert study.results.failures == {}
    assert study.results.send(closed, study.spec, RUN, child(study, may_come_back=False).decision) is None
    assert study.results.failures == {"mlp": "could not be queued on hw3-gpu: the pool is paused"}


def test_reports_are_in_the_order_that_was_asked_for(study: Study) -> None:
    study.trainer(study.plan, study.plan.trainings(("cnn", "mlp"), (0,)), study.results)
    training, evaluation = study.results.in_order(("mlp", "gru", "cnn"))
    assert list(training) == list(evaluation) == ["mlp", "cnn"]
    empty = study.results.empty()
    assert (empty.data, empty.metric, empty.fresh) == (study.plan.data, "macro_f1", True)
    assert (empty.training, empty.run_ids, empty.cached) == ({}, {}, [])
