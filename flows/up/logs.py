"""A log file per service: appended to, with a line for every start, and put aside when it is large."""

import time
from pathlib import Path
from typing import BinaryIO

LARGE = 10 * 2**20
"""Bytes above which a log is put aside (once, as `.1`) when its service starts."""


def open_log(path: Path, title: str) -> BinaryIO:
    """Open the log of a service that is about to start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGE:
        path.replace(path.with_name(f"{path.name}.1"))
    log = path.open("ab", buffering=0)
    log.write(f"\n===== {title} starts, {time.strftime('%Y-%m-%d %H:%M:%S')} =====\n".encode())
    return log


def tail(path: Path, lines: int = 12) -> str:
    """The last lines, indented; only what the last start wrote."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 20_000))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    last = text.rpartition("\n===== ")[2].partition("=====\n")[2] if "\n===== " in text else text
    return "\n".join(f"    | {line}" for line in last.rstrip().splitlines()[-lines:])
