"""Commands that write a file, ended in the middle: nothing half-written, nothing left beside it, nobody left behind."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from flows.sequences import sequences
from hw3models.runtime.files import write_atomically
from hw3models.specs import DataSpec, SequencesSpec
from tasks import tracking
from tasks.tracking.store import connect
from tasks.tracking.uploads import experiment_of_uploads
from tests.forked import FORKS, _command
from tests.hw3models.data.pictures.made import tree
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


def explaining(folder: Path, output: Path) -> tuple[str, ...]:
    make_predictor(folder / "model")
    frame = long_form(examples(60))
    names = np.array(["calm", "wild"])[frame["sample"].astype("category").cat.codes % 2]
    frame.assign(label=names).to_csv(folder / "d.csv", index=False)
    return "explain", str(folder / "model"), "--on", str(folder / "d.csv"), "-o", str(output / "e.html")


def uploading(folder: Path, output: Path) -> tuple[str, ...]:
    tree(folder / f"pictures of {output.name}", num=60, size=(40, 40))
    (folder / f"pictures of {output.name}" / "about.md").write_text(output.name)  # nothing that was left before
    return "upload", str(folder / f"pictures of {output.name}")


def drifting(folder: Path, output: Path) -> tuple[str, ...]:
    run = (folder / "run").read_text()
    return "drift", "--reference", run, "--new", "regime:dynamics"


def run(environment: Mapping[str, str], arguments: tuple[str, ...], files: tuple[Path, Path], imported: Path) -> None:
    """The command, once its modules are there: what comes before is tested in `test_interrupts.py`."""
    import flows.cli.main
    import flows.upload

    flows.upload.is_server = lambda _: True  # this machine's store counts as one
    imported.touch()
    _command(dict(environment), arguments, files)


def has_begun(output: Path, errors: Path, imported: Path) -> bool:
    """Something has been told or written, or the command has been at work for a while."""
    if not imported.exists():
        return False
    is_seen = bool(list(output.iterdir())) or errors.stat().st_size > 0
    return is_seen or time.time() - imported.stat().st_mtime > 1


MOMENTS = [
    *((signal.SIGINT, share) for share in (0.2, 0.5, 0.9)),
    *((signal.SIGKILL, share) for share in (0.5, 0.9)),
]
"""Signals, and the shares of the time that a whole command takes."""
MADE = [calibrating, predicting, exporting, checking, comparing, reporting]
# A pool of processes made in a fork of a fork server is another one than a user's: that it ends was tried by hand.
ENDED = [(made, signal.SIGINT) for made in MADE] + [(made, signal.SIGKILL) for made in MADE[1:]]


def started(arguments: tuple[str, ...], folder: Path) -> tuple[Any, Path, Path]:
    """The process of a command, what it tells, and a file that is there once its modules are."""
    errors, imported = folder / "stderr", folder / "imported"
    errors.touch()
    imported.unlink(missing_ok=True)
    environment: Mapping[str, str] = dict(os.environ)
    process = FORKS.Process(target=run, args=(environment, arguments, (folder / "stdout", errors), imported))
    process.start()
    assert process.pid is not None
    return process, errors, imported


def is_whole(path: Path) -> bool:
    """Was it written to its end, before the signal came?"""
    if path.suffix == ".html":
        return path.read_text().rstrip().endswith("</html>")
    if path.suffix == ".json":
        return bool(json.loads(path.read_text()))
    return path.read_bytes().endswith(b"\n") if path.suffix in (".csv", ".md") else path.stat().st_size > 0


def end(process: Any, number: signal.Signals, output: Path, errors: Path) -> None:
    """End it, and look at what is left."""
    children = psutil.Process(process.pid).children(recursive=True) if process.is_alive() else []
    if process.is_alive():
        os.kill(process.pid, number)
    process.join(100)
    whole = [path for path in output.iterdir() if not path.name.startswith(".")]
    if process.exitcode != 0:
        assert process.exitcode == (130 if number == signal.SIGINT else -number), errors.read_text()
        assert all(map(is_whole, whole))
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


@pytest.mark.parametrize(("made", "number"), ENDED)
def test_a_command_that_is_ended_in_the_middle_leaves_nothing_half_done(
    made: Callable[[Path, Path], tuple[str, ...]], number: signal.Signals, home: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    output.mkdir()
    process, errors, imported = started(made(tmp_path, output), tmp_path)
    while process.is_alive() and not has_begun(output, errors, imported):
        time.sleep(0.01)
    end(process, number, output, errors)


@pytest.mark.parametrize("made", [explaining, comparing, exporting, uploading, drifting])
def test_a_command_may_be_ended_at_any_moment(
    made: Callable[[Path, Path], tuple[str, ...]], prefect: None, store: Path, tmp_path: Path
) -> None:
    """The first time it is let alone, to see how long it takes."""
    if made is drifting:
        study = sequences(SequencesSpec(data=DataSpec(source="regime:dynamics"), families=("mlp",), seeds=2, epochs=1))
        tracking.outbox().flush(60)
        (tmp_path / "run").write_text(study.answers[0].run_ids["mlp"])
    took = 0.0
    for number, share in [(signal.SIGTERM, 1.0), *MOMENTS]:
        folder = tmp_path / f"{number.name} {share}"
        output = folder / f"{number.name} at {share}"
        output.mkdir(parents=True)
        arguments = made(folder if made is not drifting else tmp_path, output)
        process, errors, imported = started(arguments, folder)
        while process.is_alive() and not imported.exists():
            time.sleep(0.01)
        begun = time.monotonic()
        process.join(share * took if took else 300)
        if not took:
            took = time.monotonic() - begun
            assert process.exitcode == 0, errors.read_text()
            continue
        end(process, number, output, errors)
        assert made is not uploading or all_are_whole(folder), "finished, but without its files"


def all_are_whole(folder: Path) -> bool:
    """Has every upload with the name of a folder in this one that is finished its files?"""
    client, _ = connect()
    names = {f"upload {path.name}" for path in folder.glob("pictures of *")}
    runs = client.search_runs(experiment_of_uploads(client), "attributes.status = 'FINISHED'")
    return all(client.list_artifacts(run.info.run_id) for run in runs if run.info.run_name in names)
