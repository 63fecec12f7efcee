"""Ctrl-C ends a command wherever it lands."""

import subprocess
import sys

import pytest

DROPPED = """
import gc, signal, time, weakref
from flows.cli.interrupts import catch_dropped_interrupts

class Thing:
    def __del__(self):
        if how == "__del__":
            signal.raise_signal(signal.SIGINT)

def press(*_):
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
