"""Faults of the surroundings are one sentence at once, before anything starts."""

import contextlib
import os
import shutil
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.cli.messages import explain
from tasks.tracking import store as tracking_store

SECONDS = 50
"""Ten times what a command may take here: other work may keep the machine busy."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Stores are looked at once a process."""
    tracking_store._connect.cache_clear()
    yield
    tracking_store._connect.cache_clear()


class Ended:
    """How a command ended."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Command:
    """The command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["hw3", *arguments])
        begun, code = time.monotonic(), object()
        try:
            main()
            code = 0
        except SystemExit as stopped:
            code = stopped.code
        assert time.monotonic() - begun < SECONDS
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return Ended(code, out, err)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


COMMANDS = [("history",), ("reconcile",), ("sequences", "regime:locked"), ("rollback", "hw3-images")]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("MLFLOW_TRACKING_URI", "databricks", "is 'databricks', which is neither a server"),
        ("MLFLOW_TRACKING_URI", "/tmp/mlruns", "is '/tmp/mlruns', which is neither a server"),
        ("MLFLOW_TRACKING_URI", "file:///tmp/mlruns", "is 'file:///tmp/mlruns', which is neither"),
        ("MLFLOW_TRACKING_URI", "foo://bar", "is 'foo://bar', which is neither"),
        ("MLFLOW_TRACKING_URI", "http:", "is 'http:', which is neither"),
        ("MLFLOW_TRACKING_URI", "", "is '', which is neither"),
        ("HW3_EXPERIMENT", "", "`HW3_EXPERIMENT` is ''; MLflow takes names of 1 to 256 letters."),
        ("HW3_EXPERIMENT", "  ", "`HW3_EXPERIMENT` is '  '; MLflow takes"),
        ("HW3_EXPERIMENT", "x" * 600, "and so on, 600 letters; MLflow takes names of 1 to 256"),
        ("PREFECT_API_URL", "127.0.0.1:4200/api", "which is no address of a server"),
        ("PREFECT_API_URL", "localhost", "which is no address of a server"),
        ("PREFECT_API_URL", "ftp://localhost/api", "which is no address of a server"),
        ("HW3_HOME", "/tmp/\udcff", "is not UTF-8. Choose another folder."),
        ("HW3_HOME", "/tmp/" + "x/" * 300, "Choose a shorter one."),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told_before_anything_starts(
    variable: str, value: str, told: str, home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    for arguments in COMMANDS:
        ended = command(*arguments)
        assert (ended.code, ended.out) == (2, ""), ended.err
        assert told in ended.err
    assert not home.exists()


@pytest.fixture
def another_server() -> Iterator[str]:
    """A web server that is neither Prefect nor MLflow, and has an answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("variable", "who"), [("PREFECT_API_URL", "Prefect"), ("MLFLOW_TRACKING_URI", "MLflow")])
def test_a_server_that_is_another_one_is_said_to_be(
    variable: str, who: str, another_server: str, home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, another_server)
    for arguments in COMMANDS[:3]:
        ended = command(*arguments)
        assert ended.code == 2
        assert f"{variable} is {another_server}, where something else than {who} answers" in ended.err
        assert "'<html>It works!</html>'" in ended.err


def test_a_database_that_is_away_is_told_at_once(home: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://ann:secret@127.0.0.1:{port}/hw3")
        ended = command("history")
    assert ended.code == 2
    assert "a database that cannot be had" in ended.err
    assert "secret" not in ended.err


def damaged(path: Path, how: str) -> None:
    if how == "truncated":
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2 + 100)
    elif how == "garbage":
        path.write_bytes(os.urandom(10_000))
    else:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            version = {"older": "451aebb31d03", "newer": "ffffffffffff"}.get(how)
            if version is None:
                database.execute("DROP TABLE alembic_version")
            else:
                database.execute("UPDATE alembic_version SET version_num = ?", (version,))


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("truncated", "cannot be read as MLflow's database (database disk image is malformed)"),
        ("garbage", "cannot be read as MLflow's database (file is not a database)"),
        ("older", "is of an older MLflow (its tables have version 451aebb31d03)"),
        ("newer", "probably a newer one (its tables have version ffffffffffff)"),
        ("another", "is a database, but not MLflow's"),
    ],
)
def test_a_store_that_cannot_be_used_is_told_at_once(how: str, told: str, store: Path, command: Command) -> None:
    damaged(store, how)
    before = store.read_bytes()
    for arguments in (("history",), ("rollback", "hw3-images")):
        ended = command(*arguments)
        assert (ended.code, ended.out) == (2, ""), ended.err
        assert told in ended.err
        assert str(store) in ended.err
    assert store.read_bytes() == before


def test_an_experiment_that_was_deleted_is_said_to_be(store: Path, command: Command) -> None:
    client, experiment_id = tracking_store.connect()
    client.delete_experiment(experiment_id)
    tracking_store._connect.cache_clear()
    ended = command("history")
    assert ended.code == 2
    assert "was deleted in MLflow. Set another name, or bring it back with `mlflow experiments restore" in ended.err


def test_a_home_that_can_only_be_read_is_enough_to_read(store: Path, command: Command) -> None:
    tracking_store.connect()
    tracking_store._connect.cache_clear()
    if os.geteuid() == 0:
        # Rights do not bind root.
        lock = store.parent / ".lock"
        lock.unlink(missing_ok=True)
        lock.mkdir()
    else:
        store.parent.chmod(0o500)
    try:
        ended = command("history")
        assert (ended.code, ended.out) == (0, "no model has been promoted yet\n"), ended.err
    finally:
        store.parent.chmod(0o700)


def test_what_nobody_has_foreseen_is_a_sentence_and_a_file(home: Path) -> None:
    try:
        raise KeyError("x\ny")
    except KeyError as error:
        message, code = explain(error)
    assert code == 1
    assert "\n" not in message
    assert "Nobody has foreseen this" in message
    path = Path(message.rsplit(" ", 1)[1].rstrip("."))
    assert path.is_relative_to(home)
    assert "Traceback (most recent call last)" in path.read_text()
    shutil.rmtree(home)
    home.write_text("no folder")
    message, _ = explain(ValueError("y"))
    path = Path(message.rsplit(" ", 1)[1].rstrip("."))
    assert path.is_file()
    path.unlink()


def test_a_folder_that_is_not_ours_is_told(home: Path) -> None:
    message, code = explain(PermissionError(13, "Permission denied", "/x/y"))
    assert code == 2
    assert "'/x/y'" in message
    assert "Something cannot be written there: set `HW3_HOME`" in message
    assert explain(sqlite3.OperationalError("attempt to write a readonly database"))[1] == 2
