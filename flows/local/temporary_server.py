"""`python -m flows.local.temporary_server SOCKET`: Prefect's temporary server, as a process that ends with its parent.

It is given the number of a bound socket, and at the other end of its standard input it has its parent: one that was
killed closes it, too.
"""

import asyncio
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import uvicorn
from filelock import FileLock, Timeout

from tasks.processes import importing

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Message, Receive, Scope, Send

GRACE = 5.0
"""Seconds for the server to end by itself."""
TURN_SECONDS = 0.05
"""Between two looks at whether another server has made its tables."""


def main() -> None:
    """What `prefect server start` serves, without its pages."""
    app = _InTurn()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    threading.Thread(target=_end_with_parent, args=(app, server), daemon=True).start()
    app.load()
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
    sys.exit(0 if server.started else 1)


class _InTurn:
    """Prefect's application, which starts when no other of this home does: two that make a fresh database's tables at
    once both fail.
    """

    def __init__(self) -> None:
        self.is_wanted = True
        self._app: FastAPI | None = None
        self._turn: FileLock | None = None

    def load(self) -> None:
        """Import it, which takes seconds."""
        with importing():
            from prefect.server.api.server import create_app
            from prefect.settings import PREFECT_HOME

            self._app = create_app(ephemeral=True, final=True)
        home = PREFECT_HOME.value()
        home.mkdir(parents=True, exist_ok=True)
        # The system lets go of it when its holder dies.
        self._turn = FileLock(home / "hw3-server-start.lock", thread_local=False)

    @property
    def is_at_its_turn(self) -> bool:
        """Tables that are half made would be the end of this home's database: no command would start again."""
        return self._turn is not None and self._turn.is_locked

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one event of ASGI."""
        assert self._app is not None
        if scope["type"] == "lifespan":
            send = await self._take_turn(send)
            if not self.is_wanted:
                await send({"type": "lifespan.startup.failed"})
                return
        await self._app(scope, receive, send)

    async def _take_turn(self, send: "Send") -> "Send":
        """Wait for it; what is returned ends it with the first message, which says whether the application started."""
        turn = self._turn
        assert turn is not None
        while not turn.is_locked:
            try:
                turn.acquire(timeout=0)
            except Timeout:
                await asyncio.sleep(TURN_SECONDS)

        async def tell(message: "Message") -> None:
            turn.release()
            await send(message)

        return tell


def _end_with_parent(app: _InTurn, server: uvicorn.Server) -> None:
    # Not `sys.stdin`: a thread that waits in there must not be left at exit.
    while os.read(0, 1):
        pass
    app.is_wanted, server.should_exit = False, True
    while app.is_at_its_turn:
        time.sleep(TURN_SECONDS)
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
