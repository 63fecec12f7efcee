"""The command `hw3`, held at an epoch that a test names: what is killed there, is killed there on any machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers import start, wait_until

PROGRAM = """
import sys, time
from pathlib import Path
from tasks import progress

mark, label, epoch = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
del sys.argv[1:4]
observer = progress.observer

def held(training):
    tell = observer(training)
    def on_epoch(report):
        tell(report)
        if training.label.startswith(label) and report.epoch == epoch:
            mark.touch()
            time.sleep(600)
    return on_epoch

progress.observer = held
from flows.cli import command
command()
"""


@contextmanager
def held(
    *arguments: str,
    label: str,
    epoch: int,
    environment: Mapping[str, str],
    condition: Callable[[], object] = lambda: True,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of `hw3 ARGUMENTS` that stands still after `epoch` of the training whose label begins so.

    It has reached that place, and the condition holds, too. Whatever happens, it is killed at the end with all that
    it has started.
    """
    folder = Path(environment["HW3_HOME"])
    mark, log = folder / "held", folder / "held.log"
    process = start(
        [sys.executable, "-c", PROGRAM, str(mark), label, str(epoch), *arguments], log=log, environment=environment
    )

    def reached() -> bool:
        assert process.poll() is None, log.read_text()
        return mark.exists() and bool(condition())

    try:
        wait_until(reached, f"the command is held, {log}", timeout=600, pause=0.05)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
