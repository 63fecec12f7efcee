"""What a failure is called, and the exit code that goes with it."""

import linecache
import tempfile
import traceback
from pathlib import Path
from typing import Any

from cyclopts import CycloptsError

from flows.cli.foreign import first_line, of_a_server, of_this_machine
from hw3models.printable import printable

_OURS = tuple(Path(__file__).resolve().parents[2] / name for name in ("flows", "tasks", "hw3models"))


def explain(error: Exception) -> tuple[str, int]:
    """Message and exit code. A traceback goes to a file."""
    from pydantic import ValidationError

    from hw3models.errors import DataError, DigestError, DownloadError, Hw3Error, SpecError

    if isinstance(error, ValidationError):
        return _validation(error), 2
    if isinstance(error, Hw3Error):
        bad_input = isinstance(error, (SpecError, DataError, DigestError)) and not isinstance(error, DownloadError)
        return str(error), 2 if bad_input else 1
    if told := of_a_server(error) or of_this_machine(error):
        return told
    return f"{type(error).__name__}: {first_line(error)}. Nobody has foreseen this; it is told in {_kept(error)}", 1


def _kept(error: Exception) -> str:
    """Where the traceback is, for whoever looks for the cause: under the home, or where temporary files are."""
    text = "".join(traceback.format_exception(error))
    try:
        from tasks.settings import Settings

        folder = Settings().work / "errors"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError):
        folder = Path(tempfile.gettempdir())
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="hw3-", suffix=".log", dir=folder, delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
        return f"{file.name}."
    except OSError:
        return f"no file, since none can be written: {text}"


def plain_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Ours are for the user, in a sentence; those of others keep Python's form, with their place in the code."""
    if category is UserWarning and any(map(Path(filename).resolve().is_relative_to, _OURS)):
        return f"{printable(f'hw3: {message}')}\n"
    text = linecache.getline(filename, lineno).strip() if line is None else line
    return f"{printable(f'{filename}:{lineno}: {category.__name__}: {message}')}\n  {text}\n"


def usage(error: CycloptsError) -> str:
    """What is wrong with a command line that cannot be read."""
    from pydantic import ValidationError

    cause = error.__cause__ or error.__context__
    return _validation(cause) if isinstance(cause, ValidationError) else str(error)


def _validation(error: Any) -> str:
    """Every wrong field in one line each, without pydantic's addresses."""
    lines = []
    for fault in error.errors(include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        lines.append(text if "`" in text else f"`{where}`: {text[0].lower()}{text[1:]}, got {fault['input']!r}.")
    return " ".join(lines)
