"""A Prefect worker that closes its runs when it is told to stop.

Told by SIGINT or SIGTERM, Prefect's own worker kills the processes of its runs, which then stay Running on the
server. Here the processes are told first, with SIGTERM: they report Crashed, and the worker follows.

    python deploy/worker.py --pool hw3-cpu --type process --limit 4     # the arguments of `prefect worker start`
"""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

PATIENCE = 40.0
"""Seconds that runs are given to report."""


def main(arguments: list[str]) -> int:
    """Run `prefect worker start` until it ends or a signal comes; 0 after a signal, otherwise its exit status."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    prefect = Path(sys.executable).with_name("prefect")
    # In a session of its own: Ctrl-C in a terminal comes to this process alone.
    worker = subprocess.Popen([str(prefect), "worker", "start", *arguments], start_new_session=True)  # noqa: S603
    while not stop.wait(0.5):
        if worker.poll() is not None:
            return worker.returncode
    _close_runs(worker.pid)
    worker.send_signal(signal.SIGINT)
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
    return 0


def _close_runs(worker: int) -> None:
    try:
        # Python's own helper processes ignore SIGTERM, and end with the worker.
        runs = [child for child in psutil.Process(worker).children() if "prefect" in " ".join(child.cmdline())]
    except psutil.Error:
        return
    for run in runs:
        try:
            run.terminate()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(runs, timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
