"""`python -m flows.local.temporary_server SOCKET`: Prefect's temporary server, as a process that ends with its parent.

It is given the number of a bound socket, and at the other end of its standard input it has its parent: one that was
killed closes it, too.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import uvicorn
from filelock import FileLock, Timeout

from tasks.processes import importing

GRACE = 5.0
"""Seconds for the server to end by itself."""
TICK = 0.5
"""Seconds between two looks at whether it should end. uvicorn looks ten times a second."""
BUSY = 5.0
"""Seconds for which Prefect's background tasks run: what it does once an hour, such as to delete old events, it does
first when it starts. After that they would only ask for work, a hundred times a second, beside trainings."""
TURN_SECONDS = 0.05
"""Between two looks at whether another server has made its tables."""
_settled = threading.Event()
"""Its tables are made, or are not going to be."""


def main() -> None:
    """What `prefect server start` serves, without its pages."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    application = "prefect.server.api.server:create_app"
    config = uvicorn.Config(application, factory=True, log_level="error", lifespan="on")
    with importing():
        _have_background_tasks_end()
        config.load()
    server = _Server(config)
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
    sys.exit(0 if server.started else 1)


class _Server(uvicorn.Server):
    """Starts when no other server of this home does: two that make a fresh database's tables at once both fail."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        from prefect.settings import PREFECT_HOME

        home = PREFECT_HOME.value()
        home.mkdir(parents=True, exist_ok=True)
        # The system lets go of it when its holder dies.
        turn = FileLock(home / "hw3-server-start.lock")
        while not turn.is_locked:
            if self.should_exit:
                _settled.set()
                return
            try:
                turn.acquire(timeout=0)
            except Timeout:
                await asyncio.sleep(TURN_SECONDS)
        try:
            with importing():
                await super().startup(sockets)
        finally:
            turn.release()
            _settled.set()

    async def main_loop(self) -> None:
        """As uvicorn's, with fewer looks."""
        tenths = 0
        while not await self.on_tick(tenths):
            await asyncio.sleep(TICK)
            tenths += round(10 * TICK)


def _have_background_tasks_end() -> None:
    """After `BUSY` seconds. Nothing that a command asks of its server is done by them."""
    from prefect.server.api import server

    theirs = vars(server).get("background_worker")
    if theirs is None:
        # Another version of Prefect: its server is as busy as it is.
        return

    def briefly(*arguments: Any, **options: Any) -> AbstractAsyncContextManager[None]:
        return for_a_while(theirs(*arguments, **options), BUSY)

    vars(server)["background_worker"] = briefly


@asynccontextmanager
async def for_a_while(work: AbstractAsyncContextManager[None], seconds: float) -> AsyncIterator[None]:
    """Hold `work` open for so long, or to the end of the block where that comes first."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        # In one task: what has been opened in a task must be closed in it.
        try:
            async with work:
                begun.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), seconds)
        finally:
            begun.set()

    task = asyncio.create_task(hold())
    await begun.wait()
    if task.done():
        await task
    try:
        yield
    finally:
        over.set()
        await task


def _end_with_parent() -> None:
    # Not `sys.stdin`: a thread that waits in there must not be left at exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Tables that are half made would be the end of this home's database: no command would start again.
    _settled.wait()
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
