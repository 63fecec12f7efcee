"""The journal against a real MLflow server behind a gate: nothing is lost, nothing is there twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from hw3models.engine.fit import EpochReport
from hw3models.errors import DataError
from hw3models.specs import DataReport, SequencesSpec, TrainSpec
from tasks import progress, tracking
from tasks.tracking.journal import End, Facts, Files, Name, Open, Points, Text, outbox
from tasks.tracking.journal.events import Event, decode, encode
from tasks.tracking.journal.files import JournalFile, files_of, folder_of_run, runs_in
from tests.gate import Gate, Mode, gate
from tests.servers import mlflow_server, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_store, folder)
    with mlflow_server(folder) as address:
        yield address


@pytest.fixture
def way(server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The tracker goes through a gate, tries again quickly, and has the patience that a busy machine needs."""
    with gate(server) as one:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", one.address)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
        monkeypatch.setattr("tasks.tracking.opening.PATIENCE", 0.0)
        monkeypatch.setattr("tasks.tracking.parents.PATIENCE", 0.0)
        monkeypatch.setattr("tasks.tracking.journal.sending.PAUSES", (0.05, 0.2))
        yield one


def open_runs(data: DataReport, seeds: tuple[int, ...] = (0,)) -> tuple[str, str]:
    parent = tracking.open_parent("a study", SequencesSpec(), {})
    return parent, tracking.open_child(parent, TrainSpec(family="mlp", seeds=seeds), data, {})


def epoch(number: int) -> EpochReport:
    return EpochReport(number, 50, (0,), (True,), (1 / number,), (1 / number,), (0.5,), 0.1)


def points(server: str, run_id: str, name: str) -> list[tuple[int, float]]:
    history = MlflowClient(server).get_metric_history(run_id, name)
    return [(point.step, point.value) for point in history]


WANTED = [(number, 1 / number) for number in range(1, 51)]


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["error", "slow", "hang"])
def test_a_training_goes_on_while_the_server_does_not_answer_and_all_its_points_arrive(
    way: Gate, server: str, data: DataReport, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = 5  # seconds after which the server's silence is taken for no answer
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(silence))
    monkeypatch.setattr("tasks.tracking.epochs.EVERY", 0.0)
    _, run_id = open_runs(data)
    log = tracking.EpochLog(run_id, 1)
    for number in range(1, 26):
        log(epoch(number))
    assert outbox().flush(60) == 0
    way.mode, way.delay = mode, silence - 1
    longest = 0.0
    for number in range(26, 51):
        before = time.perf_counter()
        log(epoch(number))
        longest = max(longest, time.perf_counter() - before)
    log.close()
    tracking.end_run(run_id, "FINISHED")
    assert longest < silence / 2, "an epoch waited for the server"
    if mode == "slow":
        way.delay = 0.2
    else:
        assert outbox().flush(1.5) > 0
        assert points(server, run_id, "train_loss") == WANTED[:25]
        wait_until(lambda: outbox().is_away, "the server is taken for away", timeout=60)
        way.mode = "pass"
    assert outbox().flush(60) == 0
    assert points(server, run_id, "train_loss") == WANTED
    assert MlflowClient(server).get_run(run_id).info.status == "FINISHED"
    assert not runs_in(outbox().store), "a journal that was sent whole is gone"


def test_a_point_that_was_sent_but_not_acknowledged_is_not_there_twice(
    way: Gate, server: str, data: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run_id = open_runs(data)
    real = JournalFile.acknowledge

    def forget_once(file: JournalFile, offset: int) -> None:
        monkeypatch.setattr(JournalFile, "acknowledge", real)
        raise ConnectionResetError("killed between the answer and its acknowledgement")

    monkeypatch.setattr(JournalFile, "acknowledge", forget_once)
    log = tracking.EpochLog(run_id, 1)
    for number in range(1, 51):
        log(epoch(number))
    log.close()
    assert outbox().flush(60) == 0
    assert sorted(points(server, run_id, "train_loss")) == WANTED


def test_a_run_that_cannot_be_started_yet_is_started_later_with_everything_in_it(
    way: Gate, server: str, data: DataReport, tmp_path: Path
) -> None:
    way.mode = "error"
    parent, run_id = open_runs(data)
    assert parent.startswith("pending-")
    assert run_id.startswith("pending-")
    log = tracking.EpochLog(run_id, 1)
    for number in range(1, 51):
        log(epoch(number))
    log.close()
    (tmp_path / "page.html").write_text("<h1>report</h1>")
    tracking.log_report(parent, tmp_path / "page.html", "what it says")
    tracking.end_run(run_id, "FAILED", "because")
    tracking.end_run(parent, "FINISHED")
    assert tracking.run_link(run_id) is None
    ended = 1000 * time.time()
    time.sleep(0.1)
    way.mode = "pass"
    assert outbox().flush(60) == 0
    client = MlflowClient(server)
    real_parent, real_child = (outbox().known_as(one) for one in (parent, run_id))
    assert real_parent
    assert real_child
    child = client.get_run(real_child)
    assert child.data.tags["mlflow.parentRunId"] == real_parent
    assert child.data.tags["hw3.ended"] == "because"
    assert child.info.start_time <= child.info.end_time <= ended, "times are those of the run, not of the sending"
    assert child.data.params["data_digest"] == data.digest
    assert child.inputs.dataset_inputs[0].dataset.digest == data.digest
    assert (child.info.status, client.get_run(real_parent).info.status) == ("FAILED", "FINISHED")
    assert points(server, real_child, "train_loss") == WANTED
    assert {one.path for one in client.list_artifacts(real_parent)} == {"page.html", "spec.json"}
    # The same run again: found, not made anew.
    assert tracking.open_child(parent, TrainSpec(family="mlp", seeds=(0,)), data, {}) == real_child


def test_what_the_server_refuses_is_kept_and_does_not_hold_up_the_rest(
    way: Gate, server: str, data: DataReport
) -> None:
    said: list[str] = []

    class Listener(progress.Listener):
        def say(self, text: str) -> None:
            said.append(text)

    _, run_id = open_runs(data)
    with progress.listening(Listener()):
        outbox().put(run_id, Facts(params={"family": "a parameter cannot change"}))
        outbox().put(run_id, Files(source="/is/not/there"))
        outbox().put(run_id, Facts(tags={"good": "yes"}))
        assert outbox().flush(60) == 0
    assert MlflowClient(server).get_run(run_id).data.tags["good"] == "yes"
    [kept] = folder_of_run(outbox().store, run_id).glob("*.refused")
    assert kept.read_text().count("# ") == 2
    assert sum("refused" in text for text in said) == 2
    assert any("/is/not/there" in text for text in said)


def test_tables_are_shown_as_mlflow_shows_its_own(way: Gate, server: str, data: DataReport) -> None:
    _, run_id = open_runs(data)
    table = {"columns": ["family", "accuracy"], "data": [["mlp", 0.5], ["cnn", 0.75]]}
    for _ in range(2):
        outbox().put(run_id, Text(path="scores.json", text=json.dumps(table), is_table=True))
    assert outbox().flush(60) == 0
    client = MlflowClient(server)
    mlflow.set_tracking_uri(server)
    loaded = client.load_table(client.get_run(run_id).info.experiment_id, "scores.json", [run_id])
    assert loaded.to_dict("list") == {"family": ["mlp", "cnn"], "accuracy": [0.5, 0.75]}
    assert len(json.loads(MlflowClient(server).get_run(run_id).data.tags["mlflow.loggedArtifacts"])) == 1


WRITER = """
import sys, time
from tasks.tracking.journal import Facts, Points, outbox
run_id = sys.argv[1]
for number in range(1, 10_000):
    outbox().put(run_id, Points(points=(("loss", 1 / number, number, number),), new_run=True))
    print(number, flush=True)
    time.sleep(0.002)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pass", "error"])
def test_what_a_killed_process_has_written_is_sent_by_the_sweep(
    way: Gate, server: str, data: DataReport, mode: Mode
) -> None:
    _, run_id = open_runs(data)
    way.mode = mode
    with subprocess.Popen([sys.executable, "-c", WRITER, run_id], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        numbers = []
        for line in writer.stdout:
            numbers.append(int(line))
            if len(numbers) == 300:
                assert outbox().send_left_behind() == (0, []), "a journal of a process that lives is its own"
                way.mode = "error"  # so that it cannot have sent all of it when it is killed
            if len(numbers) == 320:
                writer.send_signal(signal.SIGKILL)
        numbers += [int(line) for line in writer.stdout]
    if mode == "error":
        sent, problems = outbox().send_left_behind()
        assert (sent, len(problems)) == (0, 1)
        assert "could not be sent" in problems[0]
    way.mode = "pass"
    left = sum(file.num_unsent() for file in files_of(folder_of_run(outbox().store, run_id)))
    assert left > (0 if mode == "pass" else 319)
    sent, problems = outbox().send_left_behind()
    assert (sent, problems) == (left, [])
    assert outbox().send_left_behind() == (0, [])
    got = points(server, run_id, "loss")
    assert Counter(step for step, _ in got) == Counter(range(1, len(got) + 1))
    assert len(got) >= numbers[-1], "what the writer was told is written, is there"


@pytest.mark.slow
def test_a_later_process_sends_first_what_a_dead_one_has_left(way: Gate, server: str, data: DataReport) -> None:
    _, run_id = open_runs(data)
    way.mode = "error"
    with subprocess.Popen([sys.executable, "-c", WRITER, run_id], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if line == "20\n":
                writer.send_signal(signal.SIGKILL)
    way.mode = "pass"
    # As a training that goes on from a checkpoint does: it reports its first steps again.
    outbox().put(run_id, Points(points=tuple(("loss", 1 / n, 5, n) for n in range(1, 101)), new_run=False))
    assert outbox().flush(60) == 0
    assert Counter(step for step, _ in points(server, run_id, "loss")) == Counter(range(1, 101))


def test_a_torn_line_is_the_last_and_an_altered_one_is_kept_apart(way: Gate, server: str, data: DataReport) -> None:
    _, run_id = open_runs(data)
    folder = folder_of_run(outbox().store, run_id)
    folder.mkdir(parents=True)
    lines = [encode(Facts(tags={f"tag{number}": "x"})) for number in range(4)]
    lines[1] = lines[1].replace(b"tag1", b"tagX")
    path = folder / f"1-999999999-1.0@{os.uname().nodename}.jsonl"
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert outbox().send_left_behind() == (3, [])
    tags = MlflowClient(server).get_run(run_id).data.tags
    assert {name for name in tags if name.startswith("tag")} == {"tag0", "tag2"}
    assert "its sum is another" in path.with_suffix(".refused").read_text()


FULL_IN_THE_MIDDLE = """
import resource, signal, sys
from pathlib import Path
from tasks.tracking.journal import Facts
from tasks.tracking.journal.events import decode
from tasks.tracking.journal.files import JournalFile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = JournalFile.new(Path(sys.argv[1]))
file.append(Facts(tags={"first": "1"}))
size, (_, hard) = file.path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
try:
    file.append(Facts(tags={"second": "2" * 1000}))
except OSError as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
file.append(Facts(tags={"third": "3"}))
print([sorted(decode(line).tags) for _, line in file.unsent()])
"""


@pytest.mark.slow
def test_an_event_that_fits_only_half_on_the_disk_does_not_spoil_the_next(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_IN_THE_MIDDLE, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "OSError\n[['first'], ['third']]\n", done.stderr


def test_another_hosts_journal_is_left_to_it(way: Gate, data: DataReport) -> None:
    _, run_id = open_runs(data)
    folder = folder_of_run(outbox().store, run_id)
    folder.mkdir(parents=True)
    path = folder / "1-1-1.0@elsewhere.jsonl"
    path.write_bytes(encode(Facts(tags={"a": "b"})))
    sent, problems = outbox().send_left_behind()
    assert sent == 0
    assert problems == [f"{run_id} has a journal that was written on elsewhere"]
    assert path.exists()


def test_threads_that_log_at_once_lose_nothing(way: Gate, server: str, data: DataReport) -> None:
    _, run_id = open_runs(data)

    def write(part: int) -> None:
        for number in range(100):
            step = 100 * part + number
            outbox().put(run_id, Points(points=(("loss", float(step), 1, step),), new_run=True))

    threads = [threading.Thread(target=write, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox().flush(60) == 0
    assert sorted(step for step, _ in points(server, run_id, "loss")) == list(range(800))


EVENTS: list[Event] = [
    Open(key="k", name="n", tags={"a": "b"}, at=1),
    Points(points=(("loss", 0.1 + 0.2, 1, 1),), new_run=True),
    Text(path="a.txt", text="ä\n\u2028 b"),
    Name(name="x"),
    End(status="KILLED", at=5),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_events_come_back_as_they_were(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode(line) == event


@given(st.sampled_from(EVENTS), st.data())
def test_any_changed_byte_is_noticed(event: Event, draw: st.DataObject) -> None:
    line = bytearray(encode(event))
    place = draw.draw(st.integers(0, len(line) - 1))
    line[place] = draw.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    with pytest.raises(DataError, match="torn or was altered"):
        decode(bytes(line))


def test_an_unknown_event_is_told_by_its_place() -> None:
    text = b'{"kind": "pickle", "data": "x"}'
    with pytest.raises(DataError, match=r"no event that this version knows.*kind"):
        decode(b"%08x %s\n" % (zlib.crc32(text), text))


def test_a_journal_of_one_store_is_not_sent_to_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = set()
    for uri in ("http://a:1", "http://b:1", "http://user:secret@b:1"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        folders.add(outbox().store)
    assert len(folders) == 2, "a password is no part of where a store is"
    assert not any("secret" in str(folder) for folder in folders)
