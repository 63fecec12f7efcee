"""Prefect without a server of one's own: quiet, quick, and proof against Ctrl-C.

With no `PREFECT_API_URL` Prefect starts a temporary server as a child process, when it is first needed. Here that is
done before anything heavy is imported, so that both go on side by side, and Prefect is told of it as of any other
server: its own way imports all of its server into the command as well (docs/decisions/0014).
"""

import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from flows.local.servers import ServerError, fault_of
from tasks.processes import holding_interrupts, module_command, module_environment
from tasks.settings import TEMPORARY_SERVER, Settings, not_temporary

_ADDRESS = "PREFECT_API_URL"
STARTUP_SECONDS = 120.0
"""20 s, Prefect's own limit, can be too short on a busy machine, and where it makes its database."""


def prepare_environment(*, verbose: bool) -> None:
    """Set what Prefect reads when it is imported; what the user has set stays."""
    settings = Settings()
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": f"{STARTUP_SECONDS:.0f}",
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
    """Have the temporary server start while the caller goes on, to be there at the end; nothing where a server is set.

    Raises:
        ServerError: it did not start; the message has what it said last.
    """
    if Settings().prefect_api_url is not None or _Child.is_there():
        yield
        return
    child = _Child()
    waiting = threading.Thread(target=child.wait, name="prefect-start", daemon=True)
    waiting.start()
    try:
        # Asking Prefect takes a second, in which the server has already begun: only those with a profile lose it.
        if _server_is_set():
            child.process.terminate()
            yield
            return
        yield
    except BaseException:
        child.process.terminate()
        raise
    waiting.join()
    child.hand_over()


class _Child:
    """The temporary server, as a process that was started before Prefect was imported here.

    It ends when this process does: it notices that its standard input is closed.
    """

    current: "_Child | None" = None
    """The one that Prefect's clients in this process talk to."""

    @classmethod
    def is_there(cls) -> bool:
        """The server of an earlier call in this process."""
        return cls.current is not None and cls.current.process.poll() is None

    def __init__(self) -> None:
        marks = {
            "PREFECT_SERVER_UI_ENABLED": "0",
            # Nothing here uses a block, and a server that has pages for them registers them when it starts. Without the
            # second this one would note, for that server, that it has been done, and import every installed collection.
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "0",
            "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "0",
        }
        # What the user has set is not a server; what an earlier one or a parent of ours has set is none of this one's.
        inherited = {name: value for name, value in os.environ.items() if name not in (TEMPORARY_SERVER, _ADDRESS)}
        # Told nobody unless it does not start.
        loud = dict.fromkeys(("PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_SERVER_LEVEL"), "ERROR")
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the server lives
        with socket.socket() as bound:
            # Bound here: nobody else can take the port meanwhile.
            bound.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{bound.getsockname()[1]}/api"
            self.process = subprocess.Popen(  # noqa: S603  # this Python, and a module of ours
                module_command("flows.local.temporary_server", str(bound.fileno())),
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._said,
                env=inherited | marks | loud | module_environment(),
                pass_fds=(bound.fileno(),),
                # Ctrl-C goes to every process of the terminal. The server must outlive it, to be told how runs ended.
                start_new_session=True,
            )
        self._answers = False

    def wait(self) -> None:
        """Until it answers, ends, or takes too long."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._answers and self.process.poll() is None and time.monotonic() < deadline:
            self._answers = fault_of(self.address) is None
            time.sleep(0.05)

    def hand_over(self) -> None:
        """Let Prefect's clients in this process find it."""
        if not self._answers:
            self.process.kill()
            raise ServerError(f"Prefect's temporary server did not start. {self._last_words()}")
        # It has no pages that a line of Prefect's log could point at.
        os.environ.update({_ADDRESS: self.address, TEMPORARY_SERVER: self.address, "PREFECT_UI_URL": ""})
        _Child.current = self
        if "prefect.context" in sys.modules:
            # It has read its settings already.
            sys.modules["prefect.context"].refresh_global_settings_context()

    def _last_words(self) -> str:
        from prefect.settings import PREFECT_HOME

        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        errors = [line.strip() for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
        said = f"It said: {errors[-1][:300]}" if errors else f"It did not answer within {STARTUP_SECONDS:.0f} s."
        where = f"Its database is in {PREFECT_HOME.value()}"
        if errors and re.search(r"disk I/O error|disk is full|readonly|unable to open|No space|too large", errors[-1]):
            return f"{said} {where}: is there space, and may files be written and grow (`df`, `ulimit -f`)?"
        if errors and "locked" in errors[-1]:
            return f"{said} {where}: another process keeps it locked. Wait for it or end it."
        return f"{said} {where}: `prefect server database reset` makes it anew."


def without_heartbeats() -> AbstractContextManager[object]:
    """Heartbeats tell a server that a run lives; embedded, each flow would only wait a second for their thread."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    if _server_is_set():
        return nullcontext()
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def _server_is_set() -> bool:
    """One of the user's own, in the environment or in a Prefect profile."""
    if Settings().prefect_api_url is not None:
        return True
    with holding_interrupts():
        from prefect.settings import PREFECT_API_URL

    return not_temporary(PREFECT_API_URL.value()) is not None
