"""Errors of others in our words: those of MLflow's and Prefect's clients, of databases, and of the operating system."""

import errno
import os
import re
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

from hw3models.runtime.redaction import without_password

Told = tuple[str, int] | None
"""A message and its exit code; None for what has no words here."""

_NUMBERED = re.compile(r"\[Errno (\d+)\] [^\n:]*(?:: '([^'\n]*)')?")
_AGAIN = "What was finished is kept: give the same command again."


def first_line(error: BaseException) -> str:
    """What it says, shortly."""
    return (str(error).strip() or "no message").splitlines()[0][:300].rstrip(".")


def of_a_server(error: Exception) -> Told:
    """What MLflow's or Prefect's server has refused, or that it is away. Their packages are not imported for this."""
    mlflow = sys.modules.get("mlflow.exceptions")
    if mlflow is not None and isinstance(error, mlflow.MlflowException):
        return of_this_machine(error) or _of_mlflow(error, str(getattr(error, "error_code", "")))
    httpx = sys.modules.get("httpx")
    if httpx is None:
        return None
    if isinstance(error, httpx.TransportError):
        return f"Prefect's server does not answer any more. {_AGAIN}", 1
    if isinstance(error, httpx.HTTPStatusError):
        return _of_prefect(error.response.status_code, f"{error.response.status_code} {error.response.reason_phrase}")
    return None


def _of_mlflow(error: Exception, code: str) -> Told:
    from tasks.patience import is_outage

    name = os.environ.get("MLFLOW_TRACKING_URI")
    where = f"MLflow at {without_password(name)}" if name else "MLflow"
    said = without_password(first_line(error))
    if code == "UNAUTHENTICATED":
        return (
            f"{where} does not let us in ({said}). Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, to what its owner has given you.",
            2,
        )
    if code == "PERMISSION_DENIED":
        return f"{where} does not allow this ({said}). Ask its owner for the right, or name another user.", 2
    if is_outage(error):
        return f"{where} does not answer as it should ({said}). {_AGAIN}", 1
    return None


def _of_prefect(code: int, said: str) -> Told:
    where = f"Prefect's server at {without_password(os.environ.get('PREFECT_API_URL', 'its profile'))}"
    if code in (401, 403):
        return (
            f"{where} does not let us in ({said}). Set PREFECT_API_AUTH_STRING (`user:password`), or PREFECT_API_KEY, "
            "to what its owner has given you.",
            2,
        )
    if code >= 500 or code == 429:
        return f"{where} does not answer as it should ({said}). {_AGAIN}", 1
    return None


def _has_folder() -> bool:
    """Is the working directory still there?"""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def of_this_machine(error: Exception) -> Told:
    """What the disk, its owner or another process does not allow, told by Python, SQLite, SQLAlchemy or MLflow."""
    text = str(error)
    # MLflow quotes what the operating system has said.
    quoted = _NUMBERED.search(text)
    code = error.errno if isinstance(error, OSError) else int(quoted[1]) if quoted else None
    name = getattr(error, "filename", None) or (quoted and quoted[2])
    named = f" ({name})" if name else ""
    if code in (errno.ENOSPC, errno.EDQUOT) or "database or disk is full" in text:
        return f"No space left on the disk{named}: free some space, and give the same command again.", 1
    if code == errno.EFBIG:
        return (
            f"A file may not grow any more{named}: raise the limit (`ulimit -f`), and give the same command again.",
            1,
        )
    if code in (errno.EMFILE, errno.ENFILE):
        return f"Too many files are open{named}: raise the limit (`ulimit -n`), and give the same command again.", 1
    if code == errno.ENOENT and not _has_folder():
        return "The folder that this was started in is gone: change to one that is there.", 2
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: end other programs, or ask for less at once.", 1
    if isinstance(error, BrokenExecutor):
        return f"A process that computed for this was killed, which systems do when memory runs out. {_AGAIN}", 1
    if "database is locked" in text:
        return (
            "Another process keeps a database locked (database is locked). Wait for it or end it, and give the same "
            "command again.",
            1,
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS) or "attempt to write a readonly database" in text:
        told = f"{type(error).__name__}: {quoted[0] if quoted else first_line(error)}"
        return f"{told}. Something cannot be written there: set `HW3_HOME` to a folder where that is allowed.", 2
    return None
