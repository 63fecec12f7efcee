"""Ctrl-C, wherever it lands: in imports, in transactions, in what Python would drop, and after the end."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

AGAIN_AFTER = 0.05
"""Seconds: by then the callback that has dropped it, or the import that it was held for, may be over."""
INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as shells have it."""
TOLD = "interrupted: what was finished is kept."
_IMPORT = "<frozen importlib._bootstrap"
"""Begin of the file that Python's own frames of an import are in."""
_TRANSACTIONS = (f"{os.sep}sqlalchemy{os.sep}", f"{os.sep}sqlalchemy_store.py")
"""Parts of the paths of files whose frames say that a transaction is open."""


def end_at_once() -> None:
    """Have a Ctrl-C end this process in a line from now on: nothing has begun, or all is done."""
    if _is_heard():
        signal.signal(signal.SIGINT, end_interrupted)


def interrupt_after_imports() -> None:
    """Have a Ctrl-C be `KeyboardInterrupt`, as Python has it, but not within an import or a transaction; a second one
    at once.

    In an import pydantic takes it for an error of the class that it is at, numpy for a broken installation; the command
    would go on as if nothing had been pressed, or tell something else. In a transaction the traceback would keep the
    statement open and MLflow's database locked, while the runs are to be closed.
    """
    if _is_heard():
        signal.signal(signal.SIGINT, _Held())


def _is_heard() -> bool:
    """Shells make what they start in the background deaf to Ctrl-C."""
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def end_interrupted(*_: object) -> None:
    """End this process now, in the line and with the code of every command that Ctrl-C ends."""
    # Not through `sys.stderr`, which may be in the middle of something.
    os.write(2, f"hw3: {TOLD}\n".encode())
    os._exit(INTERRUPTED)


class _Held:
    """The handler of a Ctrl-C that waits for imports and transactions to end."""

    def __init__(self) -> None:
        self._waiting: threading.Timer | None = None
        self._comes_again = False

    def __call__(self, _: int, frame: FrameType | None) -> None:
        """Raise it, or give it once more in a moment."""
        comes_again, self._comes_again = self._comes_again, False
        importer = _importer(frame)
        if importer is not None and Path(importer).parent == Path(__file__).parent:
            end_interrupted()  # a command imports what it will do, and has done nothing yet
        is_held = importer is not None or _is_in_transaction(frame)
        if is_held and (comes_again or self._waiting is None):
            self._waiting = _in_a_moment(self._press)
            return
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        raise KeyboardInterrupt

    def _press(self) -> None:
        self._comes_again = True
        _press()


def _importer(frame: FrameType | None) -> str | None:
    """The file whose import, of those in each other, began first; None outside of imports."""
    found = None
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT):
            found = frame.f_back and frame.f_back.f_code.co_filename
        frame = frame.f_back
    return found


def _is_in_transaction(frame: FrameType | None) -> bool:
    while frame is not None:
        if any(part in frame.f_code.co_filename for part in _TRANSACTIONS):
            return True
        frame = frame.f_back
    return False


def _press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _in_a_moment(call: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(AGAIN_AFTER, call)
    timer.daemon = True
    timer.start()
    return timer


def catch_dropped_interrupts() -> None:
    """Give a Ctrl-C that Python drops in this process once more, from now on.

    Where a Ctrl-C lands in the callback of a weak reference, in `__del__` or in one of the garbage collector, Python
    prints it as "ignored" and goes on: `hw3 run` once went on training.
    """
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)
            return
        # Not from here: it would be dropped again.
        _in_a_moment(_press)

    sys.unraisablehook = hook
