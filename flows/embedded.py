"""Prefect without a server of one's own: quiet, quick, and proof against Ctrl-C.

With no `PREFECT_API_URL` Prefect starts a temporary server as a child process. Here that is done early, in
a thread, so that its start overlaps with importing torch.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tasks.settings import Settings


def prepare_environment(*, verbose: bool) -> None:
    """Set what Prefect reads when it is imported; what the user has set stays."""
    settings = Settings()
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # The first start of a fresh home makes its database: 20 s, the default, can be too short.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOCAL_STORAGE_PATH": str(settings.work / "results"),
        # Errors are told once, by the command line, in a sentence.
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "CRITICAL",
        "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": None if settings.prefect_api_url else "false",
    }
    for name, value in quiet.items():
        if value is not None:
            os.environ.setdefault(name, value)
    if not verbose:
        # Alembic and MLflow report on the store's tables at INFO.
        for name in ("alembic", "mlflow", "httpx"):
            logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def embedded_server() -> Iterator[None]:
    """Have the temporary server start while the caller goes on; nothing where a server is set."""
    thread = None
    if Settings().prefect_api_url is None:
        thread = threading.Thread(target=_start, name="prefect-start", daemon=True)
        thread.start()
    try:
        yield
    finally:
        # Also after an error: a server that is just being started would outlive this process.
        if thread is not None:
            thread.join()


def without_heartbeats() -> AbstractContextManager[object]:
    """Heartbeats tell a server that a run lives; embedded, each flow would only wait a second for their thread."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    if PREFECT_API_URL.value():
        return nullcontext()
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def _start() -> None:
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        return  # set in the user's Prefect profile
    # Ctrl-C goes to every process of the terminal. The server must outlive it, to be told how the runs ended:
    # a signal that is blocked while the child starts stays blocked in the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    SubprocessASGIServer().start()
