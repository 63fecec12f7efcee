"""Helping processes end with the one that started them, however that ends."""

import os
import threading
import time
from contextlib import suppress

from psutil import STATUS_ZOMBIE, NoSuchProcess, Process  # type: ignore[import-untyped]

LOOK_EVERY = 0.5
"""Seconds between looks at who the parent is."""


def end_with(parent: int) -> None:
    """Have this process end soon after the process `parent` is gone; for the initializer of a pool.

    It is asked for by its id: where a fork server makes the processes of a pool, that one is their parent. After a
    `kill -9` nobody tells them, and each keeps the pipe open whose end the others wait for.
    """
    threading.Thread(target=_watch, args=(Process(parent),), name="end-with-parent", daemon=True).start()


def _watch(parent: Process) -> None:
    with suppress(NoSuchProcess):
        while parent.is_running() and parent.status() != STATUS_ZOMBIE:
            time.sleep(LOOK_EVERY)
    os._exit(1)
