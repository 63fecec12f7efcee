"""The command line as a user meets it: real processes, no server set."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from tests import forked

HW3 = str(Path(sys.executable).with_name("hw3"))


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory, home: Path) -> dict[str, str]:
    """No server, no terminal, a Prefect home that the tests of this process share (making one takes seconds)."""
    shared = tmp_path_factory.getbasetemp() / "prefect-home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {"PREFECT_HOME": str(shared), "NO_COLOR": "1", "COLUMNS": "100"}


def hw3(environment: Mapping[str, str], *arguments: str, timeout: float = 200) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HW3, *arguments], env=environment, capture_output=True, text=True, timeout=timeout)


QUICK = ("--num-train", "80", "--num-test", "60", "--epochs", "2", "--seeds", "3", "--families", "mlp,majority")


@pytest.mark.usefixtures("store")
def test_json_has_the_promised_shape_and_nothing_else_is_on_stdout(environment: dict[str, str]) -> None:
    done = hw3(environment, "sequences", "regime:locked", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    dataset = answer["dataset"]
    assert {key: dataset[key] for key in ("name", "train", "validation", "test", "shape", "classes")} == {
        "name": dataset["name"], "train": 72, "validation": 8, "test": 60, "shape": [50, 8], "classes": ["0", "1"],
    }  # fmt: skip
    assert len(dataset["digest"]) == 16
    mlp = answer["families"]["mlp"]
    assert set(mlp["accuracy"]) == {"mean", "low", "high", "per_seed"}
    assert len(mlp["accuracy"]["per_seed"]) == 3
    assert mlp["accuracy"]["mean"] == pytest.approx(np.mean(mlp["accuracy"]["per_seed"]))
    assert mlp["accuracy"]["low"] <= mlp["accuracy"]["mean"] <= mlp["accuracy"]["high"]
    assert {"train_seconds", "parameters", "device", "cross_entropy", "auroc"} <= set(mlp)
    [pair] = answer["pairs"]
    assert (pair["a"], pair["b"]) == ("mlp", "majority")
    assert pair["verdict"] in {"a better", "b better", "equivalent", "cannot tell"}
    assert pair["low"] <= pair["difference"] <= pair["high"]
    assert isinstance(answer["verdict"], str)
    assert set(answer["mlflow"]) == {"tracking_uri", "experiment", "run_id", "link"}
    assert Path(answer["report"]).exists()
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.usefixtures("store")
def test_plain_output_leads_with_the_verdict_and_ends_with_a_report_that_can_be_written_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = hw3(environment, "sequences", "regime:locked", *QUICK)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("locked: Take ")
    assert "majority class" in done.stdout
    page = Path(lines[-1].removeprefix("report: ").rpartition(" (done in ")[0].strip())
    assert "mlp on " in done.stderr, "progress goes to stderr"
    assert "] regime:locked: found; loading torch, Prefect and MLflow" in done.stderr.splitlines()[0]
    again = hw3(environment, "report", "--output", str(tmp_path / "again.html"))
    assert again.returncode == 0, again.stderr
    assert Path(again.stdout.strip()) == tmp_path / "again.html"
    assert (tmp_path / "again.html").read_text() == page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sequences"], "requires an argument"),
        (["sequences", "nowhere.ts"], "nowhere.ts"),
        (["sequences", "regime:moti"], "motif"),
        (["sequences", "digits"], "'digits' does not hold sequences"),
        (["sequences", "regime:motif", "--families", "cnm"], "Did you mean 'cnn'?"),
        (["sequences", "regime:motif", "--sedes", "3"], "Did you mean --seeds?"),
        (["sequences", "regime:motif", "--seeds", "0"], "`seeds`: input should be greater than or equal to 1, got"),
        (["sequences", "regime:motif", "--seeds", "many"], "seeds"),
        (["images", "imagenet"], "'imagenet' does not hold images"),
        (["run", "--regimes", "mortif"], "mortif"),
        (["report", "nothing.json"], "nothing.json: not the JSON of a run"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_told_in_one_message_with_exit_code_2(
    environment: dict[str, str], arguments: list[str], message: str, tmp_path: Path
) -> None:
    assert_told(forked.hw3(environment, *arguments, folder=tmp_path), message)


@pytest.mark.slow
def test_data_with_another_digest_than_was_asked_for_are_told_when_they_are_prepared(
    environment: dict[str, str],
) -> None:
    assert_told(hw3(environment, "sequences", "regime:motif", "--digest", "0123456789abcdef"), "0123456789abcdef")


def assert_told(done: subprocess.CompletedProcess[str], message: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_version_and_help_need_no_torch() -> None:
    code = (
        "import sys; sys.argv = ['hw3', '--help']\n"
        "from flows.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'prefect', 'mlflow', 'numpy'} & set(sys.modules), 'heavy imports'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = subprocess.run([HW3, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("hw3 0.")


def test_help_and_the_list_of_sources_come_from_the_registry_without_torch(tmp_path: Path) -> None:
    """A package's source is among them, and one that cannot be loaded is told in the list."""
    info = tmp_path / "more-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[hw3.sources]\nxyz = more:XYZ\ngone = nothing_here:GONE\n")
    (tmp_path / "more.py").write_text(
        "from hw3models.data.source import file_source\nXYZ = file_source('.xyz', 'a made-up format', read=print)"
    )
    code = (
        "import sys; sys.argv[0] = 'hw3'\n"
        "from flows.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'prefect', 'mlflow', 'pandas'} & set(sys.modules), 'heavy imports'"
    )
    root = str(Path(__file__).resolve().parents[3])
    surroundings = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{tmp_path}", "NO_COLOR": "1", "COLUMNS": "100"}

    def shown(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return " ".join(re.sub(r"[│╭╰─╮╯]", " ", done.stdout).split())

    for command in ("images", "autoencoder"):
        text = shown(command, "--help")
        assert "fashion-mnist (70,000 pictures of clothes, downloaded)" in text
        assert "regime:trend" not in text
    for command in ("sequences", "check"):
        text = shown(command, "--help")
        assert "regime:noise (synthetic series of 50 x 8)" in text
        assert ".xyz (a made-up format)" in text
    asked_about = shown("predict", "--help")
    assert ".csv, .tsv" in asked_about
    assert ".xyz" not in asked_about, "a source that only reads with labels is not asked about"
    listed = shown("sources")
    assert ".xyz a made-up format (sequences; brought by more 2.0)" in listed
    assert "The source 'gone' of more 2.0 (nothing_here:GONE) cannot be loaded: ModuleNotFoundError" in listed


@pytest.mark.slow
def test_doctor_says_what_answers_and_what_does_not(environment: dict[str, str]) -> None:
    done = hw3(environment | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)
    assert "DOES NOT ANSWER" in findings["servers"]["prefect"]
    assert "embedded" in findings["servers"]["mlflow"]
    assert findings["stores"]["home"].startswith(environment["HW3_HOME"])
    assert {"mlp", "cnn", "lstm", "gru", "rocket"} <= set(findings["families"]["sequences"])
    assert "torch" in hw3(environment, "doctor").stdout


def test_a_reader_that_has_gone_is_no_error_to_tell(environment: dict[str, str]) -> None:
    """As in `hw3 doctor | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([HW3, "doctor"], env=environment, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_server_that_does_not_answer_is_told_at_once(environment: dict[str, str]) -> None:
    dead = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    # An outage in the middle of a study would be waited out for 180 s.
    done = hw3(environment | dead, "sequences", "regime:locked", *QUICK, timeout=150)
    assert done.returncode == 1
    assert "PREFECT_API_URL is http://127.0.0.1:9/api, which does not answer" in done.stderr
    assert "MLFLOW_TRACKING_URI is http://127.0.0.1:9, which does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_two_runs_started_together_on_a_fresh_home_both_answer(environment: dict[str, str]) -> None:
    # --fresh: otherwise the slower one may find that the other has just answered, and give that.
    command = [HW3, "sequences", "regime:locked", *QUICK, "--fresh", "--json"]
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = []
    for run in runs:
        out, err = run.communicate(timeout=200)
        assert run.returncode == 0, err
        answers.append(json.loads(out))
    first, second = answers
    assert first["families"]["mlp"]["accuracy"] == second["families"]["mlp"]["accuracy"]
    assert first["report"] != second["report"]
    assert first["mlflow"]["run_id"] != second["mlflow"]["run_id"]


@pytest.mark.usefixtures("store")
def test_ctrl_c_on_a_terminal_closes_all_runs_and_keeps_what_was_finished(environment: dict[str, str]) -> None:
    arguments = ["sequences", "regime:locked", "--num-train", "200", "--num-test", "60", "--seeds", "2"]
    arguments += ["--families", "majority,gru", "--epochs", "5000"]
    # A pseudo-terminal: like a user's, its Ctrl-C reaches every process in the foreground, Prefect's server included.
    pid, terminal = pty.fork()
    if pid == 0:
        # Inherited as ignored where the tests themselves were started in the background by a script.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.execve(HW3, [HW3, *arguments], environment)
    shown = read_until(terminal, "loss", timeout=240)
    os.write(terminal, b"\x03")
    shown += read_until(terminal, None, timeout=240)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130, shown
    assert "interrupted: what was finished is kept. Runs are marked KILLED and Cancelled." in " ".join(shown.split())
    assert "Traceback" not in shown
    store = Path(environment["HW3_HOME"]) / "mlflow" / "store" / "mlflow.db"
    client = MlflowClient(f"sqlite:///{store}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    states = {run.data.tags.get("family", "parent"): run.info.status for run in runs}
    assert states == {"parent": "KILLED", "gru": "KILLED", "majority": "FINISHED"}
    assert flow_state(environment) == "CANCELLED"


def read_until(terminal: int, wanted: str | None, *, timeout: float) -> str:
    """What the terminal shows until `wanted` stands there, or until its program ends."""
    text, end = "", time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side is gone
            return text
        text += piece.decode(errors="replace")
        if not piece or (wanted is not None and wanted in text):
            return text
    raise AssertionError(f"{wanted!r} was not shown within {timeout} s: {text[-2000:]}")


def flow_state(environment: dict[str, str]) -> str:
    """State of the newest flow run in the embedded Prefect's own database."""
    import sqlite3

    with sqlite3.connect(Path(environment["PREFECT_HOME"]) / "prefect.db") as database:
        row = database.execute("select state_type from flow_run order by created desc limit 1").fetchone()
    return str(row[0])
