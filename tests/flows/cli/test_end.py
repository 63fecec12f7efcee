"""How the command `hw3` ends: at once, but with everything said, saved and counted."""

import subprocess
import sys

import pytest

BEFORE = """
import atexit, sys, threading, time
import flows.cli.main as module
from flows.cli import command

class Heavy:
    def __del__(self):
        print("looked at")

heavy = Heavy()
def main():
    atexit.register(print, "saved")
    threading.Timer(0.3, print, ["the thread has ended"]).start()
    {main}
module.main = main
command()
"""


def ended(main: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BEFORE.format(main=main)], capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize(
    ("main", "code", "said"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('too late')", 1, "too late\n"),
        ("raise RuntimeError('unforeseen')", 1, "RuntimeError: unforeseen\n"),
    ],
)
def test_code_and_message_are_those_of_python(main: str, code: int, said: str) -> None:
    done = ended(main)
    assert done.returncode == code
    assert done.stderr.endswith(said)
    assert bool(done.stderr) == bool(said)


def test_threads_end_and_what_is_to_be_saved_is_saved_before_but_nothing_is_taken_apart() -> None:
    assert ended("pass").stdout == "the thread has ended\nsaved\n"


def test_all_that_was_printed_arrives() -> None:
    done = ended("print('x' * 3_000_000, end='')")
    assert done.stdout.startswith("x" * 3_000_000)


def test_a_reader_who_has_left_is_no_traceback_and_no_success() -> None:
    code = BEFORE.format(main="print('x' * 3_000_000)")
    script = f'{sys.executable} -c "$0" | head -c 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", script, code], capture_output=True, text=True, timeout=240)
    assert done.returncode != 0
    assert done.stdout == "x"
