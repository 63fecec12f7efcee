"""Ctrl-C ends a command wherever it lands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DROPPED = """
import gc, signal, time, weakref
from flows.cli.interrupts import catch_dropped_interrupts

class Thing:
    def __del__(self):
        if how == "__del__":
            signal.raise_signal(signal.SIGINT)

def press(*given):
    if given[0] != "stop":  # a collector calls back at its beginning and at its end: once is enough
        signal.raise_signal(signal.SIGINT)

how = {how!r}
{catch}
thing = Thing()
reference = weakref.ref(thing, press) if how == "weak reference" else None
print("pressed", flush=True)
if how == "garbage collector":
    gc.callbacks.append(press)
    gc.collect()
    gc.callbacks.remove(press)
del thing
try:
    time.sleep(3)
except KeyboardInterrupt:
    print("ended", flush=True)
else:
    print("went on", flush=True)
"""


def outcome(how: str, catch: str) -> tuple[str, str]:
    program = DROPPED.format(how=how, catch=catch)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("how", ["weak reference", "__del__", "garbage collector"])
def test_a_dropped_interrupt_comes_again_and_says_nothing(how: str) -> None:
    assert outcome(how, "catch_dropped_interrupts()") == ("pressed\nended\n", "")


def test_python_alone_drops_it() -> None:
    """Why this is needed; when Python no longer does, it can go."""
    out, err = outcome("weak reference", "")
    assert out == "pressed\nwent on\n"
    assert "Exception ignored in" in err


def test_a_suite_that_a_shell_has_made_deaf_to_ctrl_c_hears_it_again() -> None:
    program = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
import tests.conftest
signal.raise_signal(signal.SIGINT)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
    assert "KeyboardInterrupt" in done.stderr


def test_other_errors_of_callbacks_are_told_as_before() -> None:
    program = """
import weakref
from flows.cli.interrupts import catch_dropped_interrupts
catch_dropped_interrupts()
class Thing: pass
thing = Thing()
reference = weakref.ref(thing, lambda _: 1 / 0)
del thing
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=True)
    assert "ZeroDivisionError" in done.stderr


PRESSED = """
import signal, sys

module, times = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]

class Press:
    \"\"\"Ctrl-C while a module is imported.\"\"\"

    def find_spec(self, name, path, target=None):
        global times
        while name == module and times:
            times -= 1
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Press())
from flows.cli import command
command()
"""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("flows.cli.app", ("--help",)),
        ("cyclopts", ("check", "nowhere.csv")),
        ("numpy", ("check", "nowhere.csv")),
        ("pydantic", ("--help",)),
        ("pandas", ("compare", "nowhere.csv")),
    ],
)
def test_an_interrupt_within_an_import_ends_the_command_in_a_line(
    module: str, arguments: tuple[str, ...], times: int, home: Path
) -> None:
    """Also one that numpy or pydantic would take for an error of their own."""
    command = [sys.executable, "-c", PRESSED, module, str(times), *arguments]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr == "hw3: interrupted: what was finished is kept.\n"


@pytest.mark.parametrize(("times", "told"), [(1, "after the import\n"), (2, "within the import\n")])
def test_an_interrupt_within_an_import_in_the_middle_of_work_comes_after_it_and_a_second_one_at_once(
    times: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "imported.py").write_text(
        f"import signal, time\nfor _ in range({times}):\n    signal.raise_signal(signal.SIGINT)\ntime.sleep(0.3)\n"
    )
    program = """
import sys, time
from flows.cli.interrupts import interrupt_after_imports
interrupt_after_imports()
try:
    import imported
    time.sleep(10)
except KeyboardInterrupt:
    print("after the import" if "imported" in sys.modules else "within the import")
"""
    path = os.pathsep.join((str(tmp_path), str(Path(__file__).resolve().parents[3])))
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=240)
    assert (done.stdout, done.stderr) == (told, "")


@pytest.mark.slow
@pytest.mark.parametrize(("times", "is_written"), [(1, True), (2, False)])
def test_an_interrupt_within_a_transaction_comes_after_it_and_a_second_one_at_once(
    times: int, is_written: bool, store: Path
) -> None:
    """Its traceback once kept a statement open, and the database locked for who closed the runs."""
    program = f"""
import signal
from sqlalchemy import event
from sqlalchemy.engine import Engine
from flows.cli.interrupts import interrupt_after_imports
from tasks.tracking.store import connect

client, experiment = connect()
run = client.create_run(experiment).info.run_id
client.set_tag(run, "before", "yes")
interrupt_after_imports()
pressed = []

@event.listens_for(Engine, "after_cursor_execute")
def press(*_):
    while len(pressed) < {times}:
        pressed.append(1)
        signal.raise_signal(signal.SIGINT)

try:
    client.set_tag(run, "tag", "yes")
    import time
    time.sleep(10)
except KeyboardInterrupt as error:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("tag" in client.get_run(run).data.tags if {times} == 1 else "at once")
    if {times} == 1:
        client.set_terminated(run, "KILLED")
"""
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, timeout=240)
    assert (done.stdout, done.returncode) == ("True\n" if is_written else "at once\n", 0), done.stderr


def test_an_interrupt_while_threads_save_at_the_end_ends_in_a_line() -> None:
    program = """
import os, signal, threading, time
import flows.cli.main as module
from flows.cli import command

def main():
    threading.Thread(target=time.sleep, args=(100,)).start()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

module.main = main
command()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stderr) == (130, "hw3: interrupted: what was finished is kept.\n")


def test_a_command_in_the_background_of_a_shell_stays_deaf_to_ctrl_c() -> None:
    program = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{PRESSED}"
    command = [sys.executable, "-c", program, "flows.cli.app", "1", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("", ""),
        ("reported._started.append(UUID(int=1))", " Its run in Prefect is marked Cancelled."),
        ("reported._finished['r'] = False", " Runs are marked KILLED and Cancelled."),
        ("reported._finished['r'] = True", ""),
    ],
)
def test_what_runs_are_marked_as_is_said_where_there_are_some(state: str, told: str, home: Path) -> None:
    """In the first seconds of a study there is none, though the modules that mark them are there."""
    program = f"""
import sys
from uuid import UUID
from flows.cli import main
from flows.studies import reported
{state}
def pressed(*_, **__):
    raise KeyboardInterrupt
main.app = pressed
sys.argv[1:] = ["check", "x"]
main.main()
"""
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (130, f"hw3: interrupted: what was finished is kept.{told}\n")
