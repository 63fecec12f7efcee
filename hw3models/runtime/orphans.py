"""Helping processes end with the one that started them, however that ends."""

import os
import threading
import time

LOOK_EVERY = 0.5
"""Seconds between looks at who the parent is."""


def end_with(parent: int) -> None:
    """Have this process end soon after `parent`, which started it, is gone; for the initializer of a pool.

    After a `kill -9` nobody tells the processes of a pool, and each keeps the pipe open whose end the others wait for.
    """
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os._exit(1)
