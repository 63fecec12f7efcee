"""`python -m flows.temporary_server SOCKET`: Prefect's temporary server, as a process that ends with its parent.

It is given the number of a bound socket, and at the other end of its standard input it has its parent: one that was
killed closes it, too.
"""

import os
import signal
import socket
import sys
import threading

GRACE = 5.0
"""Seconds for the server to end by itself."""


def main() -> None:
    """What `prefect server start` serves, without its pages."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn

    application = "prefect.server.api.server:create_app"
    config = uvicorn.Config(application, factory=True, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
    sys.exit(0 if server.started else 1)


def _end_with_parent() -> None:
    # Not `sys.stdin`: a thread that waits in there must not be left at exit.
    while os.read(0, 1):
        pass
    stopper = threading.Timer(GRACE, os._exit, (1,))
    stopper.daemon = True
    stopper.start()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
