"""Is something not in MLflow, or could it not be brought from there?"""

import errno
import re
import tempfile
from pathlib import PurePosixPath

from mlflow import MlflowClient

from hw3models.errors import Hw3Error
from tasks.patience import is_outage

_HERE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS,
    errno.EMFILE, errno.ENFILE,
)  # fmt: skip
_NUMBERED = re.compile(r"\[Errno (\d+)\]")
_BUSY = ("database is locked", "database or disk is full")
_REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED", "TEMPORARILY_UNAVAILABLE")


def raise_unless_absent(error: Exception) -> None:
    """Raise `error` again unless it may mean that something is not there: it is the disk, a right or the server.

    MLflow quotes what the operating system has said of each file, or hides it behind an error of its own.
    """
    one: BaseException | None = error
    while one is not None:
        if not isinstance(one, Hw3Error) and _is_another_matter(one):
            raise one
        one = one.__cause__ or one.__context__


def raise_unless_lacking(error: Exception, client: MlflowClient, run_id: str, path: str) -> None:
    """The same for an artifact of a run. MLflow may say no more than that it could not be downloaded: it is looked for.

    Raises:
        Hw3Error: MLflow has it.
    """
    raise_unless_absent(error)
    parent = str(PurePosixPath(path).parent)
    if path in {one.path for one in client.list_artifacts(run_id, None if parent == "." else parent)}:
        raise Hw3Error(
            f"MLflow has {path} of run {run_id}, but it could not be brought to {tempfile.gettempdir()}. Is there "
            "space, may files be written there and grow (`df`, `ulimit -f`), and may those of MLflow be read?"
        ) from error


def _is_another_matter(error: BaseException) -> bool:
    codes = {int(code) for code in _NUMBERED.findall(str(error))} | {getattr(error, "errno", None)}
    if getattr(error, "error_code", None) in _REFUSED or not codes.isdisjoint(_HERE):
        return True
    return any(text in str(error) for text in _BUSY) or (isinstance(error, Exception) and is_outage(error))
