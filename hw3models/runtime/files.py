"""Files that hold all of what was written, or what they held before; and that are not what was read."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hw3models.errors import SpecError


def check_output(output: Path, inputs: Iterable[Path | str]) -> None:
    """Refuse to replace what is read, under whatever name: links and other spellings are the same file.

    Raises:
        SpecError: `output` is one of the `inputs`, or a table in one that is a folder: the next command would read it.
    """
    for one in inputs:
        try:
            is_same = output.samefile(one)
        except OSError:
            is_same = False  # one of them does not exist
        if is_same:
            raise SpecError(f"{output} is the input {one}, which would be replaced. Name another file to write.")
        is_page = output.suffix.lower() == ".html"
        if not is_page and Path(one).is_dir() and output.resolve().is_relative_to(Path(one).resolve()):
            raise SpecError(f"{output} is in the folder {one}, which is read. Name a file elsewhere to write.")


def check_writable(output: Path) -> None:
    """Try before long work whether a file can be written there at the end.

    Raises:
        SpecError: it cannot; the message says why.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        _check_ordinary(output)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise SpecError(f"{output}: cannot be written ({error.strerror or error}). Name another file.") from error


def _check_ordinary(path: Path) -> None:
    if path.exists() and not path.is_file():
        # Renaming a file over /dev/null takes it away from everybody.
        code, why = (errno.EISDIR, "Is a directory") if path.is_dir() else (errno.EINVAL, "Is no ordinary file")
        raise OSError(code, why, str(path))


def is_file(path: Path) -> bool:
    """Is a file there? What stands in a table may be no name of one at all: too long, or with a NUL."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def remove(place: Path) -> None:
    """Remove a file, a folder with all that is in it, or a link but not what it leads to."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes | memoryview, *, private: bool = False, is_ours: bool = False) -> None:
    """`path` holds all of `data`, or what it held before; nobody else may read it if it is `private`."""
    with atomic_file(path, private=private, is_ours=is_ours) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path, *, private: bool = False, is_ours: bool = False) -> Iterator[BinaryIO]:
    """A file next to `path`, to be written; at the end it is flushed to disk and renamed, after an error it is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, private=private, is_ours=is_ours) as part, part.open("wb") as file:
        yield file


@contextmanager
def atomic_path(path: Path, *, private: bool = False, is_ours: bool = False) -> Iterator[Path]:
    """The path of an empty file next to `path`, for who opens files by name; it ends as that of `atomic_file` does.

    The file is as open to others as one that was simply written, or to nobody. Its name is its own: two may write at
    once. A link stays one, and what it leads to is written; unless the place `is_ours`, as in the cache: there the link
    is replaced, since what it leads to is somebody else's.

    Raises:
        OSError: there is a folder, or something else that a file must not replace: a device, a pipe.
    """
    if path.is_symlink() and not is_ours:
        path = path.resolve()
    _check_ordinary(path)
    _clear(path.parent)
    temporary, lock = _part_of(path, 0o600 if private else 0o666)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)


_PART = re.compile(r"\..{1,40}\.([0-9a-f]{8})[0-9a-f]{24}\.hw3-part(\.\w{1,8})?", re.DOTALL)
"""Name of a file that is being written, with its machine. Whoever writes it keeps it locked, however it ends. One with
a suffix is made beside it for who asks for that suffix, and is not locked itself."""
_ABANDONED = 24 * 3600
"""Seconds after which another machine's is no longer written: its locks may not be seen here, on some network discs."""


@lru_cache(maxsize=1)
def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _part_of(path: Path, mode: int) -> tuple[Path, int]:
    """A new empty file next to `path`, and the lock on it."""
    while True:
        part = path.with_name(f".{path.name[:40]}.{_machine()}{uuid4().hex[8:]}.hw3-part")
        lock = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with suppress(OSError):  # not every file system has locks: nobody can clear there, either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if part.exists():
            return part, lock
        # Somebody has cleared it before it was locked.
        os.close(lock)


@lru_cache(maxsize=1024)
def _clear(folder: Path) -> None:
    """Remove what killed processes have left half-written in a folder; once is enough for a process."""
    with suppress(OSError):
        for part in sorted(Path(entry) for entry in os.scandir(folder)):
            match = _PART.fullmatch(part.name)
            if match is None or (match[2] and part.with_suffix("").exists()):
                continue
            if match[1] == _machine() or _is_old(part):
                _remove_abandoned(part)


def _is_old(part: Path) -> bool:
    with suppress(OSError):
        return time.time() - part.lstat().st_mtime > _ABANDONED
    return False


def _remove_abandoned(part: Path) -> None:
    with suppress(OSError):  # it is locked, or gone, or not ours to remove
        lock = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
        finally:
            os.close(lock)
