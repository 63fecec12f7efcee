"""Errors of MLflow, Prefect, SQLAlchemy and the system: each is caused for real, and is one sentence that is true."""

import contextlib
import json
import os
import resource
import shutil
import socket
import sqlite3
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from flows.cli.messages import explain
from flows.local import embedded, servers
from tasks.tracking import store as tracking_store
from tests.flows.cli.test_settings_faults import Command, Ended, command, fresh

__all__ = ["command", "fresh"]
CHAMPION = "hw3-sequences@champion"
OF_MLFLOW = {
    "history": ("history",),
    "rollback": ("rollback", "hw3-sequences"),
    "reconcile": ("reconcile",),
    "predict": ("predict", "d.csv", "--model", CHAMPION, "-o", "o.csv"),
    "predict --run": ("predict", "d.csv", "--run", "abc", "-o", "o.csv"),
    "export": ("export", CHAMPION, "-o", "o.onnx"),
    "explain": ("explain", CHAMPION),
    "compare": ("compare", "--runs", "abc"),
    "upload": ("upload", "d.csv"),
    "promote": ("promote", "abc"),
    "drift": ("drift", "--reference", CHAMPION, "--new", "d.csv"),
    "sequences": ("sequences", "regime:locked"),
    "learning-curve": ("learning-curve", "regime:locked"),
}
"""Every command that asks MLflow, by the name that a failure shows."""
OF_PREFECT = {name: OF_MLFLOW[name] for name in ("reconcile", "promote", "drift", "sequences", "learning-curve")}


class Odd:
    """A server that is well by its /health, and answers everything else with something."""

    def __init__(self, is_prefect: bool) -> None:
        self.answer: tuple[int, bytes, dict[str, str]] | None = (200, b"", {})
        self.asked: list[tuple[str, str | None]] = []
        self.released = threading.Event()
        outer, well = self, b"true" if is_prefect else b"OK"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/health"):
                    outer.send(self, 200, well, {})
                    return
                outer.asked.append((self.path, self.headers["Authorization"]))
                outer.say(self)

            do_POST = do_PATCH = do_GET  # noqa: N815  # names of http.server

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}{'/api' if is_prefect else ''}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, headers: dict[str, str]) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def say(self, handler: BaseHTTPRequestHandler) -> None:
        if self.answer is not None:
            self.send(handler, *self.answer)
        elif self.released.is_set():
            # No lingering: the other side sees a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        else:
            self.released.wait(60)

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def odd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Odd]:
    """In a folder with a table, and set as the server that the test is about."""
    server = Odd(is_prefect=request.param == "PREFECT_API_URL")
    monkeypatch.setenv(request.param, server.address)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text(
        "sample,time,x,label\n" + "".join(f"{i},{t},{t},{i % 2}\n" for i in range(8) for t in (0, 1))
    )
    yield server
    server.close()


JSON = {"Content-Type": "application/json"}
ODDITIES = {
    "html": (
        (200, b"<html>Sign in</html>", {}),
        2,
        "something else than {} answers: to a question it says '<html>Sign",
    ),
    "not found": (
        (404, b"<html>no</html>", {}),
        2,
        "something else than {} answers: to a question it says 404 Not Found",
    ),
    "elsewhere": ((302, b"", {"Location": "/login"}), 2, "something else than {} answers: to a question it says 302"),
    "list": ((200, b"[1]", JSON), 2, "something else than {} answers: to a question it says '[1]'"),
    "error": (
        (500, b"boom", {}),
        1,
        "is well by its /health, and answers questions with 500 Internal Server Error, 'boom'",
    ),
    "busy": ((503, b"", {"Retry-After": "120"}), 1, "and answers questions with 503 Service Unavailable"),
    "too many": ((429, b"", {"Retry-After": "120"}), 1, "and answers questions with 429 Too Many Requests"),
}


def of(odd: Odd) -> tuple[str, str, dict[str, tuple[str, ...]]]:
    if odd.address.endswith("/api"):
        return "PREFECT_API_URL", "Prefect", OF_PREFECT
    return "MLFLOW_TRACKING_URI", "MLflow", OF_MLFLOW


@pytest.mark.parametrize("odd", ["MLFLOW_TRACKING_URI", "PREFECT_API_URL"], indirect=True)
@pytest.mark.parametrize("oddity", ODDITIES)
def test_a_server_that_answers_oddly_is_told_by_every_command(
    oddity: str, odd: Odd, home: Path, command: Command
) -> None:
    odd.answer, code, told = ODDITIES[oddity]
    variable, who, commands = of(odd)
    for name, arguments in commands.items():
        ended = one_sentence(command(*arguments), code, name)
        assert f"{variable} is {odd.address}, " in ended.err
        assert told.format(who) in ended.err, name
    assert len(odd.asked) <= 25 * len(commands), "once each, and redirects"


@pytest.mark.parametrize("odd", ["MLFLOW_TRACKING_URI", "PREFECT_API_URL"], indirect=True)
@pytest.mark.parametrize("released", [False, True])
def test_a_server_that_hangs_or_hangs_up_is_told_in_seconds(
    released: bool, odd: Odd, home: Path, command: Command
) -> None:
    odd.answer = None
    if released:
        odd.released.set()
    ended = one_sentence(command("sequences", "regime:locked"), 1, "sequences")
    why = "Connection reset by peer" if released else "timed out"
    assert "is well by its /health, but answers no question (" in ended.err
    assert why in ended.err


def one_sentence(ended: Ended, code: object, name: str) -> Ended:
    assert (ended.code, ended.out) == (code, ""), f"{name}: {ended.err}"
    assert ended.err.count("\n") == 1, f"{name}: {ended.err}"
    assert "Nobody has foreseen" not in ended.err, f"{name}: {ended.err}"
    return ended


@pytest.mark.parametrize("odd", ["MLFLOW_TRACKING_URI"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, b"who?", {}), "does not let us in (API request to endpoint /api/2.0/mlflow/"),
        (
            (403, json.dumps({"error_code": "PERMISSION_DENIED", "message": "not yours"}).encode(), JSON),
            "does not allow this (PERMISSION_DENIED: not yours). Ask its owner for the right",
        ),
    ],
)
def test_an_mlflow_that_does_not_let_us_in_is_said_to(
    answer: tuple[int, bytes, dict[str, str]], told: str, odd: Odd, home: Path, command: Command
) -> None:
    odd.answer = answer
    for name, arguments in OF_MLFLOW.items():
        if name in OF_PREFECT:
            continue  # they start Prefect's temporary server first
        tracking_store._connect.cache_clear()
        ended = one_sentence(command(*arguments), 2, name)
        assert f"MLflow at {odd.address} {told}" in ended.err, f"{name}: {ended.err}"


@pytest.mark.parametrize("odd", ["PREFECT_API_URL"], indirect=True)
@pytest.mark.parametrize("version", ["2.20.1", "4.0.0"])
def test_a_prefect_of_another_major_version_is_said_to_be(version: str, odd: Odd, home: Path, command: Command) -> None:
    odd.answer = (200, json.dumps(version).encode(), JSON)
    ended = one_sentence(command("sequences", "regime:locked"), 2, "sequences")
    assert f"a Prefect server of version {version}, which Prefect 3." in ended.err


@pytest.mark.parametrize("odd", ["MLFLOW_TRACKING_URI", "PREFECT_API_URL"], indirect=True)
def test_the_first_question_has_the_passwords_that_are_set(
    odd: Odd, home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd.answer = (500, b"", {})
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "ada:s3cret")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    ended = command("sequences", "regime:locked")
    assert odd.asked[0][1] == "Basic YWRhOnMzY3JldA=="
    assert "s3cret" not in ended.err


def test_a_database_that_another_process_keeps_locked_is_said_to_be(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}", connect_args={"timeout": 0})
        with pytest.raises(SQLAlchemyError) as caught, engine.connect() as connection:
            connection.execute(text("CREATE TABLE t (x)"))
        engine.dispose()
    message, code = explain(caught.value)
    assert (code, message.partition(" (")[0]) == (1, "Another process keeps a database locked")


ONLY_READ = ("history", "predict", "predict --run", "export", "compare")
NOT_OF_A_FILE = ("upload",)
"""What refuses a store that is no server."""


@pytest.mark.parametrize("how", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_locked_store_is_told_by_every_command_before_anything_starts(
    how: str, store: Path, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`IMMEDIATE` lets others read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(servers, "LOCKED", 0.1)
    monkeypatch.setattr(embedded, "_Child", None)
    (tmp_path / "d.csv").write_text("sample,time,x\n0,0,1\n0,1,2\n")
    assert command("history").code == 0, "the first one makes the experiment"
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        for name, arguments in OF_MLFLOW.items():
            if name in NOT_OF_A_FILE or (how == "IMMEDIATE" and name in ONLY_READ):
                continue
            ended = one_sentence(command(*arguments), 1, name)
            assert f"{store}: another process has kept MLflow's database locked" in ended.err, name
        if how == "IMMEDIATE":
            assert command("history").out == "no model has been promoted yet\n"


@pytest.mark.parametrize("asked", ["history", "rollback"])
def test_a_store_that_is_locked_for_a_moment_is_waited_for(asked: str, store: Path, command: Command) -> None:
    with contextlib.closing(sqlite3.connect(store, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(1.0, other.rollback).start()
        ended = command(*OF_MLFLOW[asked])
    told = ended.out if asked == "history" else ended.err
    assert "no model has been promoted yet" in told or "no registered model 'hw3-sequences'" in told


def test_a_folder_that_is_gone_under_a_command_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        Path.cwd()
    assert explain(caught.value) == ("The folder that this was started in is gone: change to one that is there.", 2)


def files_that_may_not_grow(home: Path, _: pytest.MonkeyPatch) -> Iterator[str]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    yield "but it could not be brought to "
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def a_folder_that_may_not_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if os.geteuid() == 0:
        pytest.skip("rights do not bind root")
    folder = home.parent / "closed"
    folder.mkdir(mode=0o500)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield "Something cannot be written there"


def artifacts_that_were_removed(home: Path, _: pytest.MonkeyPatch) -> Iterator[str]:
    shutil.rmtree(home / "mlflow" / "store" / "artifacts")
    yield "artifacts were removed"


FAULTS = [files_that_may_not_grow, a_folder_that_may_not_be_written, artifacts_that_were_removed]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("asked", ["predict --run", "explain", "compare", "promote"])
def test_what_fails_here_is_not_said_to_be_missing_there(
    asked: str,
    fault: Callable[[Path, pytest.MonkeyPatch], Iterator[str]],
    store: Path,
    home: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The true cause, whichever command brings something from MLflow."""
    client, experiment_id = tracking_store.connect()
    run_id = client.create_run(experiment_id, tags={"hw3.role": "parent"}).info.run_id
    client.log_text(run_id, "{}" * 5_000, "answers/locked.json")
    (home.parent / "d.csv").write_text("sample,time,x\n1,0,1\n1,1,2\n2,0,1\n2,1,2\n")
    monkeypatch.chdir(home.parent)
    tracking_store._connect.cache_clear()
    arguments = {
        "predict --run": ("predict", "d.csv", "--run", run_id, "-o", "o.csv"),
        "explain": ("explain", run_id),
        "compare": ("compare", "--runs", run_id),
        "promote": ("promote", run_id),
    }[asked]
    if asked == "promote":
        # It asks before a server starts.
        monkeypatch.setattr("flows.local.run.embedded_server", contextlib.nullcontext)
    with contextlib.contextmanager(fault)(home, monkeypatch) as told:
        ended = command(*arguments)
    one_sentence(ended, ended.code, asked)
    assert ended.code == (2 if fault in (a_folder_that_may_not_be_written, artifacts_that_were_removed) else 1)
    assert told in ended.err
    assert not (home.parent / "o.csv").exists()
