"""A Ctrl-C that Python would drop comes again."""

import os
import signal
import sys
import threading
from typing import Any

AGAIN_AFTER = 0.05
"""Seconds: by then the callback that has dropped it is over."""


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
        again = threading.Timer(AGAIN_AFTER, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
