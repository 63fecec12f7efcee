"""What is read is never replaced by what is written, under whatever name; and who writes at once does not mix."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.calibrate import write_calibration
from flows.check import check
from flows.cli.evidence import compare
from flows.export import export_model
from flows.predict import predict
from flows.studies.pages import rewrite
from hw3models.errors import DataError, SpecError
from hw3models.runtime import files
from hw3models.runtime.files import atomic_path, write_atomically
from hw3models.serving.batch import score_file
from hw3models.specs import DataSpec
from tests.forked import FORKS
from tests.hw3models.serving.test_batch import examples, long_form, make_predictor
from tests.report_fixtures import run_report


def same(path: Path) -> Path:
    return path


def spelt(path: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


def symlink(path: Path) -> Path:
    link = path.with_name(f"link-{path.name}")
    link.symlink_to(path)
    return link


def hard_link(path: Path) -> Path:
    link = path.with_name(f"hard-{path.name}")
    os.link(path, link)
    return link


def table(folder: Path) -> Path:
    path = folder / "d.csv"
    long_form(examples(12)).assign(label=lambda frame: frame["sample"].isin([f"s{i}" for i in range(6)])).to_csv(
        path, index=False
    )
    return path


def predicted(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    make_predictor(folder / "model")
    path = table(folder)
    return path, lambda: predict(str(folder / "model"), path, name(path))


def predicted_over_the_model(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    make_predictor(folder / "model")
    path, weights = table(folder), folder / "model" / "model.safetensors"
    output = folder / "p.csv"
    if name is hard_link:
        os.link(weights, output)
    else:
        output.symlink_to(weights)
    return weights, lambda: predict(str(folder / "model"), path, output)


def exported_over_the_model(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    make_predictor(folder / "model")
    weights, output = folder / "model" / "model.safetensors", folder / "m.onnx"
    if name is hard_link:
        os.link(weights, output)
    else:
        output.symlink_to(weights)
    return weights, lambda: export_model(str(folder / "model"), output)


def predicted_over_the_run(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    run, path = folder / "run.csv", table(folder)
    run.write_text(run_report(folder).model_dump_json())
    return run, lambda: predict(None, path, name(run), run=str(run))


def checked(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    path = table(folder)
    return path, lambda: check(DataSpec(source=str(path)), name(path))


def checked_beside(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    """The labels beside an array are read as well."""
    import numpy as np

    np.save(folder / "a.npy", examples(12))
    np.save(folder / "a_labels.npy", np.arange(12) % 2)
    return folder / "a_labels.npy", lambda: check(DataSpec(source=str(folder / "a.npy")), name(folder / "a_labels.npy"))


def compared(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    path = folder / "predictions.csv"
    rows = [(f, s, e, e % 2, (e + (f == "b") * (e % 5 == 0)) % 2) for f in "ab" for s in range(3) for e in range(40)]
    pd.DataFrame(rows, columns=["family", "seed", "example", "label", "prediction"]).to_csv(path, index=False)
    return path, lambda: compare(path, report=name(path))


def reported(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    path = folder / "r.json"
    path.write_text(run_report(folder).model_dump_json())
    return path, lambda: rewrite(path, name(path))


def reported_over_predictions(folder: Path, name: Callable[[Path], Path]) -> tuple[Path, Callable[[], object]]:
    run = run_report(folder)
    (folder / "r.json").write_text(run.model_dump_json())
    path = Path(next(iter(run.answers[0].evaluation.values())).table_path)
    return path, lambda: rewrite(folder / "r.json", name(path))


@pytest.mark.parametrize("name", [same, spelt, symlink, hard_link])
@pytest.mark.parametrize(
    "made",
    [
        predicted,
        predicted_over_the_model,
        predicted_over_the_run,
        exported_over_the_model,
        checked,
        checked_beside,
        compared,
        reported,
        reported_over_predictions,
    ],
)
def test_an_output_that_is_an_input_is_refused_by_every_command(
    made: Callable[[Path, Callable[[Path], Path]], tuple[Path, Callable[[], object]]],
    name: Callable[[Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HW3_CACHE", str(tmp_path / "cache"))
    path, run = made(tmp_path, name)
    before = path.read_bytes()
    with pytest.raises(SpecError, match=r"is the input .*, which would be replaced\. Name another file"):
        run()
    assert path.read_bytes() == before


def test_predictions_do_not_go_into_the_folder_that_is_read(tmp_path: Path) -> None:
    """They would replace a recording, or be one to the next command."""
    make_predictor(tmp_path / "model")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "recordings")
    (tmp_path / "recordings" / "one.csv").write_text("x\n1\n2\n")
    for name in ("recordings/one.csv", "recordings/new.csv", "link/new.csv", "recordings/deep/new.parquet"):
        with pytest.raises(SpecError, match=r"is in the folder .*recordings, which is read"):
            predict(str(tmp_path / "model"), tmp_path / "recordings", tmp_path / name)
    assert [path.name for path in (tmp_path / "recordings").iterdir()] == ["one.csv"]


def test_long_work_does_not_begin_where_its_result_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for output, why in (("folder", "Is a directory"), ("file/page.md", "File exists"), (f"{'x' * 300}.md", "too long")):
        with pytest.raises(SpecError, match=rf"cannot be written \({why}|cannot be written \(File name {why}"):
            write_calibration(tmp_path / output, repeats=20, trained=0)
    make_predictor(tmp_path / "model")
    with pytest.raises(SpecError, match=r"file/m\.onnx: cannot be written \(File exists\)"):
        export_model(str(tmp_path / "model"), tmp_path / "file" / "m.onnx")


def test_a_run_file_that_is_called_as_a_page_is_not_replaced_by_it(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text(run_report(tmp_path).model_dump_json())
    with pytest.raises(SpecError, match=r"r\.html is the input"):
        rewrite(path, None)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_two_predictions_to_one_file_at_once_do_not_mix(suffix: str, tmp_path: Path) -> None:
    predictor = make_predictor(tmp_path / "model")
    tables = {}
    for name, number in (("long", 2500), ("short", 7)):
        long_form(examples(number)).to_csv(tmp_path / f"{name}.csv", index=False)
        score_file(predictor, tmp_path / f"{name}.csv", tmp_path / f"{name}-alone.{suffix}")
        tables[name] = (tmp_path / f"{name}-alone.{suffix}").read_bytes()
    both, found = tmp_path / f"both.{suffix}", []

    def other(done: int) -> None:
        """The other command, from beginning to end, between two pieces of the first."""
        if done == 1024:
            score_file(predictor, tmp_path / "short.csv", both)
            found.append(both.read_bytes())

    assert score_file(predictor, tmp_path / "long.csv", both, on_progress=other) == 2500
    assert found == [tables["short"]]
    assert both.read_bytes() == tables["long"]
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_file_that_is_written_by_name_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 100 + ".csv")
    path.write_text("before")

    def fail() -> None:
        with atomic_path(path) as part:
            part.write_text("half")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail()
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]
    with atomic_path(path) as part:
        part.write_text("whole")
    (tmp_path / "plain").write_text("")
    assert path.read_text() == "whole"
    write_atomically(tmp_path / f"{'é' * 125}.html", b"a page for colleagues")
    plain, page = (tmp_path / name for name in ("plain", f"{'é' * 125}.html"))
    assert path.stat().st_mode == page.stat().st_mode == plain.stat().st_mode
    write_atomically(tmp_path / "secret", b"", private=True)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def begin_to_write(path: Path, is_killed: bool, begun: Any, go_on: Any) -> None:
    """In a process of its own, which is killed before it is done, or lives as long as it may."""
    with atomic_path(path) as part:
        part.write_bytes(b"half")
        begun.set()
        if is_killed:
            os.kill(os.getpid(), signal.SIGKILL)
        go_on.wait(100)
        part.write_bytes(b"whole")


@pytest.mark.slow
def test_what_a_killed_process_has_begun_goes_with_the_next_writing_and_what_a_living_one_writes_stays(
    tmp_path: Path,
) -> None:
    """Also of another file in that folder; and nobody's own files, whatever they are called."""
    mine = tmp_path / f".d.csv.{'0' * 32}"
    mine.write_text("")
    go_on, started = FORKS.Event(), []
    for name, is_killed in (("killed.csv", True), ("a" * 60, True), ("alive.csv", False)):
        begun = FORKS.Event()
        process = FORKS.Process(target=begin_to_write, args=(tmp_path / name, is_killed, begun, go_on))
        process.start()
        assert begun.wait(100)
        if is_killed:
            process.join(100)
        started.append(process)
    # The third has cleared up after the first two, and its own file is locked.
    (part,) = (path for path in tmp_path.iterdir() if path != mine)
    assert part.name.startswith(".alive.csv.")
    write_atomically(tmp_path / "page.html", b"another file")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((part.name, mine.name, "page.html"))
    go_on.set()
    started[-1].join(100)
    assert sorted(path.name for path in tmp_path.iterdir()) == [mine.name, "alive.csv", "page.html"]
    assert (tmp_path / "alive.csv").read_bytes() == b"whole"


def test_a_part_that_is_cleared_before_it_is_locked_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = files.fcntl.flock, []

    def late(number: int, how: int) -> None:
        if not seen:
            seen.extend(tmp_path.iterdir())
            seen[0].unlink()
        real(number, how)

    monkeypatch.setattr(files.fcntl, "flock", late)
    write_atomically(tmp_path / "a", b"whole")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]
    assert len(seen) == 1


def test_a_file_system_without_locks_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    left = tmp_path / f".a.{'0' * 32}.hw3-part"
    left.write_text("of somebody, who may live")
    monkeypatch.setattr(files.fcntl, "flock", refuse)
    write_atomically(tmp_path / "a", b"whole")
    assert {path: path.read_text() for path in tmp_path.iterdir()} == {tmp_path / "a": "whole", left: left.read_text()}


def test_a_pipe_a_device_and_a_folder_are_not_replaced_by_a_file(tmp_path: Path) -> None:
    """`--output /dev/null` as root would take it away from the whole machine. (A pipe stands for it here.)"""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    path = table(tmp_path)
    for name, why in (("pipe", "Is no ordinary file"), ("link", "Is no ordinary file"), ("folder", "Is a directory")):
        with pytest.raises(DataError, match=rf"{name}: the page cannot be written \({why}\)\. Name another one"):
            check(DataSpec(source=str(path)), tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_a_link_as_output_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "page")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "page").read_bytes() == b"new"
