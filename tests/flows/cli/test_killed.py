"""Commands that write a file, ended in the middle: nothing half-written, nothing left beside it, nobody left behind."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from hw3models.runtime.files import write_atomically
from tests.forked import FORKS, _command
from tests.hw3models.serving.test_batch import examples, long_form, make_predictor
from tests.report_fixtures import run_report

pytestmark = pytest.mark.slow


def calibrating(folder: Path, output: Path) -> tuple[str, ...]:
    return "calibrate", "--quick", "--repeats", "20", "--output", str(output / "c.md")


def predicting(folder: Path, output: Path) -> tuple[str, ...]:
    make_predictor(folder / "model")
    long_form(examples(4_000)).to_csv(folder / "d.csv", index=False)
    return "predict", str(folder / "d.csv"), "--model", str(folder / "model"), "-o", str(output / "o.csv")


def exporting(folder: Path, output: Path) -> tuple[str, ...]:
    make_predictor(folder / "model")
    return "export", str(folder / "model"), "-o", str(output / "o.pt2")


def checking(folder: Path, output: Path) -> tuple[str, ...]:
    frame = long_form(examples(400))
    frame.assign(label=frame["sample"].astype("category").cat.codes % 2).to_csv(folder / "d.csv", index=False)
    return "check", str(folder / "d.csv"), "--output", str(output / "k.html")


def comparing(folder: Path, output: Path) -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    rows = [(f, s, e, e % 2, int(rng.random() < 0.5)) for f in "abcd" for s in range(5) for e in range(500)]
    columns = ["family", "seed", "example", "label", "prediction"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "p.csv", index=False)
    return "compare", str(folder / "p.csv"), "--report", str(output / "c.html")


def reporting(folder: Path, output: Path) -> tuple[str, ...]:
    (folder / "r.json").write_text(run_report(folder).model_dump_json())
    return "report", str(folder / "r.json"), "--output", str(output / "r.html")


def run(environment: Mapping[str, str], arguments: tuple[str, ...], files: tuple[Path, Path], imported: Path) -> None:
    """The command, once its modules are there: what comes before is tested in `test_interrupts.py`."""
    import flows.cli.main  # noqa: F401

    imported.touch()
    _command(dict(environment), arguments, files)


def has_begun(output: Path, errors: Path, imported: Path) -> bool:
    """Something has been told or written, or the command has been at work for a while."""
    if not imported.exists():
        return False
    is_seen = bool(list(output.iterdir())) or errors.stat().st_size > 0
    return is_seen or time.time() - imported.stat().st_mtime > 1


MADE = [calibrating, predicting, exporting, checking, comparing, reporting]
# A pool of processes made in a fork of a fork server is another one than a user's: that it ends was tried by hand.
ENDED = [(made, signal.SIGINT) for made in MADE] + [(made, signal.SIGKILL) for made in MADE[1:]]


@pytest.mark.parametrize(("made", "number"), ENDED)
def test_a_command_that_is_ended_in_the_middle_leaves_nothing_half_done(
    made: Callable[[Path, Path], tuple[str, ...]], number: signal.Signals, home: Path, tmp_path: Path
) -> None:
    output, errors = tmp_path / "output", tmp_path / "stderr"
    output.mkdir()
    errors.touch()
    arguments = made(tmp_path, output)
    environment: Mapping[str, str] = dict(os.environ)
    files, imported = (tmp_path / "stdout", errors), tmp_path / "imported"
    process = FORKS.Process(target=run, args=(environment, arguments, files, imported))
    process.start()
    assert process.pid is not None
    while process.is_alive() and not has_begun(output, errors, imported):
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True) if process.is_alive() else []
    if process.is_alive():
        os.kill(process.pid, number)
    process.join(100)
    whole = [path for path in output.iterdir() if not path.name.startswith(".")]
    if process.exitcode != 0:
        assert process.exitcode == (130 if number == signal.SIGINT else -number), errors.read_text()
        assert not whole
    if number == signal.SIGINT:
        assert not [path for path in output.iterdir() if path not in whole]
        told = errors.read_text()
        assert "Traceback" not in told
        assert process.exitcode == 0 or told.endswith("hw3: interrupted: what was finished is kept.\n")
    if number == signal.SIGKILL:
        write_atomically(output / "next", b"")
        assert not [path for path in output.iterdir() if path not in whole and path.name != "next"]
    psutil.wait_procs(children, timeout=20)
    assert not [child for child in children if child.is_running()], "a process was left behind"
