"""Digests of files that are computed once in a process, for as long as a file stays as it is.

Whether it did is asked of the file system: the same file, as large, neither written nor renamed over since. A file that
was written a moment ago is not trusted so: its clock ticks, and a second writing within a tick would not be seen.
"""

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SETTLED = 0.1
"""Seconds after which a later writing has another time. Clocks of local file systems tick every 10 ms at most."""
COARSE = 2.0
"""The same where times are whole seconds."""


class FileState(NamedTuple):
    """What a file was when somebody looked."""

    path: str
    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds; of the content."""
    changed: int
    """Nanoseconds; of the content or of what is known about it. No program sets it at will."""

    def is_settled(self) -> bool:
        """Would a writing from now on show?"""
        pause = SETTLED if self.modified % 10**9 else max(SETTLED, COARSE)
        return time.time_ns() - max(self.modified, self.changed) >= pause * 10**9


_known: dict[tuple[str, tuple[FileState, ...]], str] = {}


def state_of(path: Path) -> FileState:
    """Of now.

    Raises:
        OSError: there is no such file.
    """
    found = path.stat()
    return FileState(str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def known(what: str, *states: FileState) -> str | None:
    """What `learn` was told about these files; None where they are others now, or nobody knows."""
    return _known.get((what, states))


def learn(what: str, value: str, *states: FileState) -> None:
    """Remember what was read from the files since they had these states, if they still have them."""
    with suppress(OSError):  # gone meanwhile
        if all(state_of(Path(state.path)) == state and state.is_settled() for state in states):
            _known[what, states] = value


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal, of the whole content.

    Raises:
        OSError: it cannot be read.
    """
    before = state_of(path)
    digest = known(algorithm, before)
    if digest is None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
        learn(algorithm, digest, before)
    return digest
