"""What is kept between commands, with a sum: an edited, cut or exchanged piece is not taken for what was written."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.runtime.file_digests import file_digest
from hw3models.runtime.files import atomic_file

_DIGITS = 16
_SUM = "sum"


def with_sum(line: str) -> str:
    """The line (without a line break), and behind it the sum of it."""
    return f"{line} {_of(line)}"


def without_sum(line: str) -> str | None:
    """The line that `with_sum` was given; None where it is another one."""
    text, _, found = line.rstrip("\n").rpartition(" ")
    return text if found == _of(text) else None


def _of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]], *beside: Path) -> None:
    """Write `.npz` (no pickle) that belongs to the files `beside` it, as they are now."""
    with atomic_file(path, is_ours=True) as out:
        np.savez(out, allow_pickle=False, **arrays, **{_SUM: _of_arrays(arrays, beside)})


def load_arrays(path: Path, *beside: Path) -> dict[str, NDArray[Any]] | None:
    """What `save_arrays` wrote; None where it is not there, or one of the files is not what it was."""
    try:
        # Opened by hand: numpy leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        found = arrays.pop(_SUM)
        return arrays if np.array_equal(found, _of_arrays(arrays, beside)) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        return None


def _of_arrays(arrays: dict[str, NDArray[Any]], beside: tuple[Path, ...]) -> NDArray[np.uint8]:
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(f"{name}{arrays[name].dtype.str}{arrays[name].shape}".encode())
        sha.update(np.ascontiguousarray(arrays[name]).data)
    for path in beside:
        sha.update(file_digest(path).encode())
    return np.frombuffer(sha.digest(), np.uint8)
