"""However the helper ends, and whenever: nothing is lost, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from hw3models.specs import DataReport, SequencesSpec, TrainReport
from tasks import tracking
from tasks.helper import HelperGoneError, RefusedError, Send, coming, current, helping
from tasks.tracking.journal import Facts, Text, outbox
from tasks.tracking.journal.events import Event, encode
from tasks.tracking.journal.shipping import Shipping
from tests.servers import free_port, wait_until
from tests.tasks.helper.helped import artifacts, helped, in_mlflow, recorded


def test_what_is_logged_arrives_though_the_helper_is_killed(data: DataReport, training: TrainReport) -> None:
    with helped() as helper:
        run_id = recorded(data, training)
        helper.process.kill()
        assert outbox().flush(60) == 0
        assert current() is None
    found = in_mlflow(run_id)
    assert found["status"] == "FINISHED"
    assert found["models"] == 1


def test_what_waits_for_a_helper_that_is_starting_is_sent_at_once_when_somebody_waits_for_it(
    data: DataReport, training: TrainReport
) -> None:
    with helping(lambda: True):
        run_id = recorded(data, training)
        before = time.monotonic()
        assert outbox().flush(60) == 0
        assert in_mlflow(run_id)["models"] == 1
        assert time.monotonic() - before < 30


def test_an_outage_is_told_from_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    line = encode(Facts(tags={"a": "b"})).decode().rstrip("\n")
    with helped() as helper, pytest.raises(RefusedError) as found:
        helper.ask(Send(store=outbox().store, run_id="a" * 32, lines=(line,))).result(60)
    assert found.value.is_outage


def test_a_helper_that_has_ended_says_so() -> None:
    with helped() as helper:
        helper.process.kill()
        helper.process.wait()
        with pytest.raises(HelperGoneError):
            helper.ask(Send(store=Path("nowhere"), run_id="a", lines=())).result(60)


def test_a_block_that_ends_before_the_helper_may_start_has_none() -> None:
    with helping(lambda: False):
        assert current() is None
    assert current() is None


def test_the_helper_ends_with_the_block() -> None:
    with helped() as helper:
        pass
    assert helper.process.poll() is not None
    assert current() is None


MINE = """
import time
from tasks.helper import Helper
helper = Helper()
helper.let_import()
print(helper.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("pause", [0.2, 8.0], ids=["while it imports", "when it is ready"])
def test_the_helper_of_a_killed_command_ends(pause: float) -> None:
    with subprocess.Popen([sys.executable, "-c", MINE], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        pid = int(command.stdout.readline())
        assert psutil.pid_exists(pid)
        time.sleep(pause)
        os.kill(command.pid, signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(pid), "the helper has ended", timeout=20)


def test_a_send_that_the_helper_did_not_answer_is_repeated_by_the_command(
    data: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    real = Shipping.send

    def send(shipping: Shipping, run_id: str, events: Sequence[Event]) -> None:
        sent.append(events[0].kind)
        real(shipping, run_id, events)

    monkeypatch.setattr(Shipping, "send", send)
    with helped() as helper:
        parent = tracking.open_parent("a study", SequencesSpec(), {})
        helper.process.send_signal(signal.SIGSTOP)
        outbox().put(parent, Text(path="note.txt", text="here"))
        time.sleep(0.5)
        assert "text" not in sent
        helper.process.kill()
        assert outbox().flush(60) == 0
    assert "text" in sent
    assert artifacts(parent)["note.txt"] == b"here"


def test_a_helper_that_cannot_read_a_request_ends_and_is_not_waited_for() -> None:
    with helped() as helper:
        assert helper.process.stdin is not None
        helper.process.stdin.write(b"{}\n")
        helper.process.stdin.flush()
        line = encode(Facts(tags={"a": "b"})).decode().rstrip("\n")
        with pytest.raises(HelperGoneError):
            helper.ask(Send(store=Path("nowhere"), run_id="a", lines=(line,))).result(60)


def test_what_is_asked_before_it_may_import_waits_and_is_done_then() -> None:
    may_import: list[bool] = []
    with helping(lambda: True, lambda: bool(may_import)):
        helper = wait_until(coming, "it takes requests", timeout=20)
        answered = helper.ask(Send(store=Path("nowhere"), run_id="a", lines=()))
        time.sleep(6)
        assert helper.is_starting
        assert not answered.done()
        may_import.append(True)
        with pytest.raises(RefusedError):
            answered.result(60)
        assert helper.is_ready
