"""The journals on disk: a folder per run, in it a file per process that wrote to it, beside each how far it was sent.

.hw3/journal/<store>/<run>/<nanoseconds>-<pid>-<start of the process>@<host>.jsonl    .sent    .refused
                          /run_id    of a run that was pending: the id that it got
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hw3models.errors import DataError
from hw3models.runtime.files import write_atomically
from tasks.processes import ProcessId, known_start
from tasks.tracking.journal.events import Event, encode
from tasks.tracking.store import PENDING

_RUN = re.compile(r"[0-9A-Za-z_-]{1,100}")
_NAME = re.compile(r"(?P<nanoseconds>\d{1,20})-(?P<pid>\d{1,10})-(?P<started>[0-9a-f.]{1,80})@(?P<host>[^/]{1,255})")
LINES = 64 * 2**20
"""Bytes of a line at most: a figure is a few hundred thousand."""


def folder_of_store(root: Path, tracking_uri: str, experiment: str) -> Path:
    """Where the journals of a store are: another store's are never sent to it."""
    parts = urlsplit(tracking_uri)
    # Passwords may change, and stay out of names.
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return root / hashlib.sha256(f"{address}|{experiment}".encode()).hexdigest()[:16]


def folder_of_run(store: Path, run_id: str) -> Path:
    """Where the journals of a run are."""
    if not _RUN.fullmatch(run_id):
        raise DataError(f"{run_id!r} is no id of a run.")
    return store / run_id


class JournalFile:
    """One process's events for one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sent_path = path.with_suffix(".sent")

    @classmethod
    def new(cls, folder: Path) -> "JournalFile":
        """A file of this process."""
        me = ProcessId.own()
        return cls(folder / f"{time.time_ns()}-{me.pid}-{me.started}@{me.host}.jsonl")

    @property
    def writer(self) -> ProcessId:
        """Who writes, or wrote, the file."""
        match = _NAME.fullmatch(self.path.stem)
        assert match is not None
        return ProcessId(match["host"], int(match["pid"]), known_start(match["started"]))

    def append(self, event: Event) -> None:
        """Add the event, or nothing of it. A process that is killed after this has not lost it.

        Raises:
            OSError: it could not be written, such as on a full disk.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        left = encode(event)
        # Opened for each: a file that was sent is removed, and handles are few.
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                while left:
                    left = left[file.write(left) :]
            except OSError:
                # What fitted on a full disk would spoil the next event's line.
                file.truncate(before)
                raise

    def sent(self) -> int:
        """Bytes that MLflow has. An offset that cannot be true is not believed: what is sent twice does no harm."""
        try:
            offset = int(self._sent_path.read_text())
            with self.path.open("rb") as file:
                file.seek(offset - 1)
                return offset if file.read(1) == b"\n" else 0
        except (OSError, ValueError):
            return 0

    def acknowledge(self, offset: int) -> None:
        """MLflow has everything up to `offset`."""
        write_atomically(self._sent_path, str(offset).encode())

    def unsent(self) -> Iterator[tuple[int, bytes]]:
        """Lines that were not sent, each with the offset behind it. A last line without an end is being written."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self.sent())
            while line := file.readline(LINES):
                if not line.endswith(b"\n") and len(line) < LINES:
                    return
                yield file.tell(), line

    def num_unsent(self) -> int:
        """How many lines wait."""
        return sum(1 for _ in self.unsent())

    def refuse(self, line: bytes, reason: str) -> Path:
        """Keep a line that cannot be sent, with the reason, for people."""
        path = self.path.with_suffix(".refused")
        with path.open("ab") as file:
            file.write(f"# {reason}\n".encode() + line.rstrip(b"\n") + b"\n")
        return path

    def remove(self) -> None:
        """Everything was sent: forget the file, not what was refused."""
        for path in (self.path, self._sent_path):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def files_of(folder: Path) -> list[JournalFile]:
    """The journals of a run, oldest first."""
    found = [path for path in folder.glob("*.jsonl") if _NAME.fullmatch(path.stem)]
    return [JournalFile(path) for path in sorted(found, key=lambda path: int(path.name.partition("-")[0]))]


def runs_in(store: Path) -> list[str]:
    """Runs that have journals."""
    return sorted({path.parent.name for path in store.glob("*/*.jsonl")})


def started_as(store: Path, run_id: str) -> str | None:
    """The id that MLflow knows the run by; None while it is pending."""
    if not run_id.startswith(PENDING):
        return run_id
    try:
        found = (folder_of_run(store, run_id) / "run_id").read_text().strip()
    except FileNotFoundError:
        return None
    return found if _RUN.fullmatch(found) else None


def note_start(store: Path, run_id: str, real_id: str) -> None:
    """The pending run was started."""
    write_atomically(folder_of_run(store, run_id) / "run_id", real_id.encode())
