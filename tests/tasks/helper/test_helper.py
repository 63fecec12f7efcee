"""The helper against the command that does everything itself: the same in MLflow and on the page."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw3models.errors import DataError
from hw3models.report import write_report
from hw3models.specs import DataReport, SequencesSpec, TrainReport
from tasks import tracking
from tasks.helper import Draw, Helper, OtherStoreError, RefusedError, Send, Write, resting, with_room
from tasks.reporting import draw_ahead, report
from tasks.tracking.journal import Facts, Figures, Text, outbox
from tasks.tracking.journal.events import decode, encode
from tests.report_fixtures import run_report
from tests.tasks.helper.helped import artifacts, helped, in_mlflow, recorded


@pytest.fixture(scope="module")
def helper(module_home: None) -> Iterator[Helper]:
    """For tests that leave it alive."""
    with helped() as one:
        yield one


def forbid_heavy_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process nothing is drawn, and no model logged."""

    def forbidden(*_: object) -> None:
        raise AssertionError("done by the command itself")

    monkeypatch.setattr("tasks.tracking.journal.shipping.family_figures", forbidden)
    monkeypatch.setattr("tasks.tracking.journal.shipping.log_model", forbidden)


def test_a_run_is_the_same_in_mlflow_whoever_sends_it(
    helper: Helper, data: DataReport, training: TrainReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as nobody:
        nobody.setattr("tasks.helper.calling._current", None)
        alone = recorded(data, training)
        assert outbox().flush(60) == 0
    forbid_heavy_work(monkeypatch)
    together = recorded(data, training)
    assert outbox().flush(60) == 0
    wanted, found = in_mlflow(alone), in_mlflow(together)
    assert found == wanted
    assert {"figures/confusion.svg", "figures/learning_curves.svg"} <= artifacts(together).keys()
    assert found["models"] == 1


def test_the_page_is_the_same_whoever_writes_it(helper: Helper, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    write_report(run, tmp_path / "alone.html")
    for answer in run.answers:
        draw_ahead(answer)
    draw_ahead(run.homework[0])
    helper.ask(Write(run=run, page=tmp_path / "helped.html")).result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


def test_figures_are_drawn_before_the_families_are_compared(helper: Helper, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    write_report(run, tmp_path / "alone.html")
    for answer in run.answers:
        helper.ask(Draw(of=answer.model_copy(update={"comparison": None, "claims": ()}))).result(60)
    # Nothing that a figure is drawn from is there any more.
    (tmp_path / "run").rename(tmp_path / "gone")
    helper.ask(Write(run=run, page=tmp_path / "helped.html")).result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


@pytest.mark.usefixtures("helper")
def test_a_page_that_cannot_be_written_is_told_as_ever(tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"the report cannot be written .* Free the path or name another one"):
        report.fn(run, tmp_path / "file" / "report.html")


@pytest.mark.usefixtures("helper")
def test_what_mlflow_refuses_is_kept_with_its_reason() -> None:
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    outbox().put(parent, Facts(params={"seeds": "another value than the spec's"}))
    outbox().put(parent, Text(path="after.txt", text="goes on"))
    assert outbox().flush(60) == 0
    refused = next(outbox().store.glob("*/*.refused")).read_text()
    assert "MlflowException" in refused
    assert "seeds" in refused
    assert artifacts(parent)["after.txt"] == b"goes on"


def test_a_helper_of_other_settings_sends_nothing(
    helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "other"))
    line = encode(Facts(tags={"a": "b"})).decode().rstrip("\n")
    with pytest.raises(RefusedError, match="sends the journals of") as found:
        helper.ask(Send(store=outbox().store, run_id="a" * 32, lines=(line,))).result(60)
    assert found.value.name == OtherStoreError.__name__
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    outbox().put(parent, Text(path="note.txt", text="here"))
    assert outbox().flush(60) == 0
    assert artifacts(parent)["note.txt"] == b"here"


def test_nothing_is_begun_while_the_helper_rests(helper: Helper, tmp_path: Path) -> None:
    part = run_report(tmp_path / "run").homework[0]
    with resting():
        drawn = helper.ask(Draw(of=part))
        with pytest.raises(TimeoutError):
            drawn.result(1.5)
    drawn.result(60)


def test_it_goes_on_when_a_core_is_left_free(helper: Helper, tmp_path: Path) -> None:
    answer = run_report(tmp_path / "run").answers[0]
    with resting() as leave_room:
        drawn = helper.ask(Draw(of=answer))
        with pytest.raises(TimeoutError):
            drawn.result(0.5)
        leave_room()
        drawn.result(5)


def test_it_rests_for_a_while_only(helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.helper.calling.REST", 0.5)
    answer = run_report(tmp_path / "run").answers[1]
    with resting():
        helper.ask(Draw(of=answer)).result(60)


def test_intervals_without_an_end_arrive_as_they_are(helper: Helper, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    answer = run.answers[0]
    name = next(iter(answer.evaluation))
    score = answer.evaluation[name].metrics["accuracy"].model_copy(update={"low": -math.inf, "high": math.inf})
    metrics = answer.evaluation[name].metrics | {"accuracy": score}
    endless = answer.evaluation[name].model_copy(update={"metrics": metrics})
    answer = answer.model_copy(update={"evaluation": answer.evaluation | {name: endless}})
    run = run.model_copy(update={"answers": (answer,)})
    write_report(run, tmp_path / "alone.html")
    helper.ask(Write(run=run, page=tmp_path / "helped.html")).result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()
    event = Figures(training=answer.training[name], evaluation=endless, data=answer.data)
    assert decode(encode(event)) == event


def test_a_long_training_that_leaves_a_core_free_has_room_for_its_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.helper.calling.LONG", 0.2)
    there_is_room = with_room()
    with resting() as leave_room:
        time.sleep(0.3)
        assert not there_is_room(), "it keeps all cores busy"
        leave_room()
        assert there_is_room()
    assert not there_is_room(), "the training has ended"
    with resting() as leave_room:
        leave_room()
        assert not there_is_room(), "it may be over in a moment"
        time.sleep(0.3)
        assert there_is_room()


def test_after_a_while_it_imports_whether_there_is_room_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.helper.calling.LATEST", 0.2)
    there_is_room = with_room()
    assert not there_is_room()
    time.sleep(0.3)
    assert there_is_room()
