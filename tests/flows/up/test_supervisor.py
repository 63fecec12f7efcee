"""The supervisor with small programs instead of servers."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.up import deaths, supervisor
from flows.up.options import StartError
from flows.up.processes import NAME, TOKEN, Identity, marked
from flows.up.services import Service
from flows.up.supervisor import KilledAtOnce, ServerLostError, Stopped, Supervisor
from tests.servers import free_port, wait_until

SLEEP = "import time; print('alive', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)
WITH_CHILD = (
    "import subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True); "
    "print('ready', flush=True); time.sleep(600)"
)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "logs", f"test-{os.getpid()}-{time.time()}", lambda _: None)
    yield made
    made.kill_everything()


def service(code: str, name: str = "one", **more: object) -> Service:
    return Service(name, name, (sys.executable, "-c", code), dict(os.environ), **more)  # type: ignore[arg-type]


def pid(keeper: Supervisor, name: str = "one") -> int | None:
    process = keeper.children[name].process
    return None if process is None else process.pid


def said(keeper: Supervisor, word: str, name: str = "one") -> None:
    wait_until(lambda: word in (keeper.logs / f"{name}.log").read_text(), word, timeout=240)


def test_what_dies_is_started_again_and_its_last_words_are_shown(
    keeper: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.start(service(SLEEP))
    said(keeper, "alive")
    first = pid(keeper)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    keeper.until(lambda: keeper.children["one"].restarts == 1, "restart", 120)
    assert pid(keeper) not in (None, first)
    shown = capsys.readouterr().out
    assert "DIED: it was killed by SIGKILL" in shown
    assert "| alive" in shown
    assert "starts again in 1 s" in shown


def test_a_worker_is_given_up_loudly_and_the_rest_goes_on(
    keeper: Supervisor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deaths, "LIMIT", 2)
    keeper.start(service("raise SystemExit(3)"))
    keeper.start(service(SLEEP, "two"))
    keeper.until(lambda: len(keeper.children["one"].deaths.times) == 2, "second death", 120)
    keeper.tick()
    shown = capsys.readouterr().out
    assert "ended with code 3" in shown
    assert "GIVEN UP" in shown
    assert keeper.children["one"].due is None
    assert pid(keeper, "two") is not None


def test_a_server_that_is_given_up_takes_everything_down(keeper: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deaths, "LIMIT", 2)
    # It was ready once.
    keeper.start(service("raise SystemExit(3)", health="http://127.0.0.1:9")).unready_since = None
    with pytest.raises(ServerLostError, match="so everything is stopped"):
        keeper.until(lambda: False, "never", 30)


def test_a_server_that_dies_before_it_is_ready_is_told_with_its_log(keeper: Supervisor) -> None:
    bad = service("print('no such database'); raise SystemExit(1)", health="http://127.0.0.1:9")
    keeper.start(bad)
    with pytest.raises(StartError, match=r"(?s)could not be started, it ended with code 1:.*\| no such database"):
        keeper.until(lambda: keeper.is_ready(bad), "one", 120)


HEALTHY = """
import http.server, sys
class Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Well).serve_forever()
"""


@pytest.mark.slow
def test_a_server_that_is_stopped_is_told_of_with_what_lets_it_go_on(
    keeper: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervisor, "LOOK", 0.0)
    port = free_port()
    server = service(HEALTHY, "server", health=f"http://127.0.0.1:{port}")
    server = replace(server, command=(*server.command, str(port)))
    worker = service(SLEEP, "worker")
    shown: list[str] = []

    def says(words: str) -> bool:
        shown.append(capsys.readouterr().out)
        return words in "".join(shown)

    for one in (server, worker):
        keeper.start(one)
    said(keeper, "alive", "worker")
    keeper.until(lambda: keeper.is_ready(server), "server", 100)
    for name in ("server", "worker"):
        os.kill(pid(keeper, name) or 0, signal.SIGSTOP)
    keeper.until(lambda: says("DOES NOT ANSWER") and says("STANDS STILL"), "told", 100)
    for name in ("server", "worker"):
        assert f"it was stopped; `kill -CONT {pid(keeper, name)}` lets it go on" in "".join(shown)
        os.kill(pid(keeper, name) or 0, signal.SIGCONT)
    keeper.until(lambda: says("answers again") and says("goes on\n"), "told", 100)
    assert "".join(shown).count("DOES NOT ANSWER (timed out), though it runs") == 1
    assert "".join(shown).count("STANDS STILL") == 1


def test_one_that_was_stopped_ends_in_order(keeper: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    keeper.start(service(SLEEP))
    said(keeper, "alive")
    os.kill(pid(keeper) or 0, signal.SIGSTOP)
    keeper.stop([keeper.children["one"].service])
    assert "killed" not in capsys.readouterr().out


def test_who_does_not_end_is_killed_after_the_grace(
    keeper: Supervisor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 1.0)
    one = service(STUBBORN)
    keeper.start(one)
    said(keeper, "ready")
    keeper.stop([one])
    assert "did not end within 1 s, killed" in capsys.readouterr().out
    assert marked(keeper.token) == []


def test_what_a_service_has_started_in_another_session_ends_with_it(keeper: Supervisor) -> None:
    one = service(WITH_CHILD)
    keeper.start(one)
    said(keeper, "ready")
    assert len(wait_until(lambda: len(found := marked(keeper.token, name="one")) == 2 and found, "two processes")) == 2
    keeper.stop([one])
    assert marked(keeper.token) == []


def test_children_can_be_interrupted_even_where_we_were_told_to_ignore_it(
    keeper: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        one = service(SLEEP, end=signal.SIGINT)
        keeper.start(one)
        said(keeper, "alive")
        keeper.stop([one])
    finally:
        signal.signal(signal.SIGINT, before)
    assert "killed" not in capsys.readouterr().out


def test_only_processes_of_this_session_are_ours(keeper: Supervisor) -> None:
    keeper.start(service(SLEEP))
    said(keeper, "alive")
    assert [one.pid for one in marked(keeper.token)] == [pid(keeper)]
    assert marked("another") == []
    assert {TOKEN, NAME}.isdisjoint(os.environ)
    assert Identity(os.getpid(), 1.0) not in marked(keeper.token)


def test_the_first_signal_stops_in_order_and_the_second_kills_at_once(keeper: Supervisor) -> None:
    before = {number: signal.getsignal(number) for number in supervisor.SIGNALS}
    keeper.listen()
    try:
        keeper.start(service(SLEEP))
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            keeper.tick()
        with pytest.raises(KilledAtOnce):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)  # a third one changes nothing
        keeper.kill_everything()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert marked(keeper.token) == []
