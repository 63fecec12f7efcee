"""Which flow runs live in which processes of this home: what a killed process leaves behind tells the sweep."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hw3models.runtime.files import write_atomically
from tasks.processes import ProcessId, known_start
from tasks.settings import Settings

_ID = re.compile(r"[0-9a-f-]{36}")


class Absent(NamedTuple):
    """A flow run whose process is gone."""

    flow_run_id: str
    process: ProcessId
    path: Path


def _folder() -> Path:
    return Settings().work / "flow-runs"


@contextmanager
def present(flow_run_id: str | None) -> Iterator[None]:
    """Note down that the flow run lives in this process until the block ends. Does nothing outside a flow run."""
    if flow_run_id is None:
        yield
        return
    path = _folder() / flow_run_id
    me = ProcessId.own()
    write_atomically(path, f"{me.pid} {me.started} {me.host}".encode())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def absent() -> Iterator[Absent]:
    """Flow runs of this home whose process died on this host without ending them."""
    folder = _folder()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _ID.fullmatch(path.name):
            continue
        try:
            pid, started, host = path.read_text().split(maxsplit=2)
            process = ProcessId(host, int(pid), known_start(started))
        except (OSError, ValueError):
            continue
        if process.is_dead():
            yield Absent(path.name, process, path)
