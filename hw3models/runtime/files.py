"""Files that hold all of what was written, or what they held before; and that are not what was read."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hw3models.errors import SpecError


def check_output(output: Path, inputs: Iterable[Path | str]) -> None:
    """Refuse to replace what is read, under whatever name: links and other spellings are the same file.

    Raises:
        SpecError: `output` is one of the `inputs`.
    """
    for one in inputs:
        try:
            is_same = output.samefile(one)
        except OSError:
            continue  # one of them does not exist
        if is_same:
            raise SpecError(f"{output} is the input {one}, which would be replaced. Name another file to write.")


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """`path` holds all of `data`, or what it held before."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file next to `path`, to be written; at the end it is flushed to disk and renamed, after an error it is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """The path of an empty file next to `path`, for who opens files by name; it ends as that of `atomic_file` does.

    The file is as open to others as one that was simply written. Its name is its own: two may write at once.
    """
    temporary = path.with_name(f".{path.name[:40]}.{uuid4().hex}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
