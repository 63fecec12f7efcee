"""The one place that prints. What is in files reaches a terminal as text, never as a command to it."""

import io
import sys
import time
from typing import TextIO

from hw3models.printable import ascii_json, printable

_BEGUN = time.monotonic()


def elapsed() -> float:
    """Seconds since this process has begun to import the command line: all that somebody waits for."""
    return time.monotonic() - _BEGUN


def prepare_streams() -> None:
    """A character that the terminal's encoding does not have is shown by its number: no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: object) -> None:
    """Print an answer, on stdout, at once."""
    _print(printable(str(text)), sys.stdout)


def show_json(text: str) -> None:
    """Print an answer for programs, on stdout, at once."""
    _print(ascii_json(text), sys.stdout)


def remark(text: str) -> None:
    """Print what is not the answer, on stderr, at once."""
    _print(printable(text), sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    print(text, file=stream, flush=True)
