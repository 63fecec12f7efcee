"""The background process: the same page whoever writes it, nothing lost when it is killed, nothing left behind."""

import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest

from hw3models.errors import DataError
from hw3models.report import write_report
from tasks import background
from tasks.background import Background, draw, resting, solve, write
from tasks.reporting import draw_ahead, report
from tests.report_fixtures import run_report
from tests.servers import wait_until


@pytest.mark.slow
def test_the_page_is_the_same_whoever_writes_it(process: Background, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    write_report(run, tmp_path / "alone.html")
    for answer in run.answers:
        draw_ahead(answer)
    process.do(draw, run.homework[0])
    process.do(write, run, tmp_path / "helped.html").result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


@pytest.mark.slow
def test_figures_are_drawn_before_the_families_are_compared(process: Background, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    write_report(run, tmp_path / "alone.html")
    for answer in run.answers:
        process.do(draw, answer.model_copy(update={"comparison": None, "claims": ()})).result(60)
    # Nothing that a figure is drawn from is there any more.
    (tmp_path / "run").rename(tmp_path / "gone")
    process.do(write, run, tmp_path / "helped.html").result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


def test_the_report_is_written_by_the_process(
    process: Background, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.reporting.write_report", None)
    run = run_report(tmp_path / "run")
    assert report.fn(run, tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.usefixtures("process")
def test_a_page_that_cannot_be_written_is_told_as_ever(tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"the report cannot be written .* Free the path or name another one"):
        report.fn(run, tmp_path / "file" / "report.html")


def test_intervals_without_an_end_arrive_as_they_are(process: Background, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    answer = run.answers[0]
    name = next(iter(answer.evaluation))
    score = answer.evaluation[name].metrics["accuracy"].model_copy(update={"low": -math.inf, "high": math.inf})
    metrics = answer.evaluation[name].metrics | {"accuracy": score}
    endless = answer.evaluation[name].model_copy(update={"metrics": metrics})
    answer = answer.model_copy(update={"evaluation": answer.evaluation | {name: endless}})
    run = run.model_copy(update={"answers": (answer,)})
    write_report(run, tmp_path / "alone.html")
    process.do(write, run, tmp_path / "helped.html").result(60)
    assert (tmp_path / "helped.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


def test_nothing_is_begun_while_it_rests_and_it_goes_on_after(process: Background) -> None:
    with resting():
        done = process.do(os.getpid)
        with pytest.raises(TimeoutError):
            done.result(1)
    assert done.result(60) == process.process.pid


def test_it_goes_on_when_a_core_is_left_free(process: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "REST", 600)
    with resting() as leave_room:
        done = process.do(os.getpid)
        with pytest.raises(TimeoutError):
            done.result(0.5)
        leave_room()
        assert done.result(60) == process.process.pid


def test_it_rests_for_a_while_only(process: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "REST", 0.5)
    with resting():
        assert process.do(os.getpid).result(60) == process.process.pid


@pytest.mark.usefixtures("lasting")
def test_a_training_without_it_has_nobody_to_give_room_to() -> None:
    assert background.current() is None
    with resting() as leave_room:
        leave_room()


def test_it_has_a_low_priority_and_is_deaf_to_ctrl_c(process: Background) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert process.do(os.getpriority, os.PRIO_PROCESS, 0).result(60) == min(19, ours + background.NICENESS)
    os.kill(process.do(os.getpid).result(60), signal.SIGINT)
    assert process.do(os.getpid).result(60) == process.process.pid


def test_ctrl_c_reaches_the_command_after_it_has_started_the_process() -> None:
    with background.background(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


# ------------------------------------------------------------------------------------- however it ends


def test_what_a_killed_process_was_asked_for_the_command_does_itself(tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    write_report(run, tmp_path / "alone.html")
    with background.background() as process, resting():
        drawn = process.do(draw, run.answers[0])
        wait_until(drawn.running, "it waits for a core", timeout=20)
        process.process.kill()
        process.core_is_free.set()
        with pytest.raises(BrokenProcessPool):
            drawn.result(60)
        report.fn(run, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == (tmp_path / "alone.html").read_bytes()


@pytest.mark.slow
def test_one_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 1)
    run = run_report(tmp_path / "run")
    with background.background() as process:
        assert process.process.pid is not None
        os.kill(process.process.pid, signal.SIGSTOP)
        assert report.fn(run, tmp_path / "report.html").stat().st_size > 10_000
    assert not process.process.is_alive()


def test_it_ends_with_the_block_whatever_it_is_doing() -> None:
    with background.background() as process:
        sleeping = process.do(time.sleep, 600)
        waiting = process.do(os.getpid)
        wait_until(sleeping.running, "it sleeps", timeout=20)
        assert background.current() is process
    assert background.current() is None
    assert not process.process.is_alive()
    with pytest.raises(BrokenProcessPool):
        sleeping.result(0)
    with pytest.raises(CancelledError):
        waiting.result(0)


MINE = """
import multiprocessing, time
from tasks.background import Background, solve

process = Background()
print(process.process.pid, flush=True)
if {busy}:
    print(process.do(solve, "1A").result(60).part, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("busy", [False, True], ids=["while it starts", "when it has worked"])
def test_that_of_a_killed_command_ends(busy: bool) -> None:
    command = [sys.executable, "-c", MINE.format(busy=busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        if busy:
            assert parent.stdout.readline() == b"1A\n"
        started = psutil.Process(parent.pid).children(recursive=True)
        assert child in started
        parent.kill()
    assert psutil.wait_procs(started, timeout=60)[1] == []


@pytest.mark.slow
def test_it_imports_neither_prefect_nor_mlflow_nor_what_compares(process: Background, tmp_path: Path) -> None:
    run = run_report(tmp_path / "run")
    process.do(solve, "1B").result(60)
    process.do(write, run, tmp_path / "report.html").result(60)
    # A function that it can find without importing anything of ours.
    modules = set(process.do(eval, "list(__import__('sys').modules)").result(60))
    assert "matplotlib" in modules
    assert not {"prefect", "mlflow", "scipy.stats", "sklearn", "numba"} & modules
