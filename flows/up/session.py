"""One `hw3 up`, from its lock to its exit code."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from flows.up.options import StartError, UpOptions
from flows.up.orphans import end_orphans
from flows.up.passwords import find_passwords
from flows.up.ports import check_ports
from flows.up.processes import identify
from flows.up.report import already_running, warning_about_host, welcome
from flows.up.say import say, tell
from flows.up.state import UpState, read_state, write_state
from flows.up.supervisor import SIGNALS, KilledAtOnce, Stopped, Supervisor
from tasks.settings import Settings


def run_up(options: UpOptions) -> int:
    """Bring everything up and keep it up until a signal.

    Returns:
        0 when everything ended in order, or runs already; 1 after a second Ctrl-C.

    Raises:
        PortError: a port is taken.
        SpecError: something else that the user can mend before anything was started.
        StartError: something did not get ready, or a server died too often; everything was ended.
    """
    folder = Settings().work / "up"
    folder.mkdir(parents=True, exist_ok=True)
    # Held as long as this process lives, whatever kills it: nobody else can be in the folder.
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(already_running(read_state(folder / "state.json"), folder / "lock"))
        return 0
    with lock:
        return _run_alone(options, folder)


def _run_alone(options: UpOptions, folder: Path) -> int:
    file = folder / "state.json"
    passwords = find_passwords(options)
    earlier = read_state(file)
    if earlier is not None:
        end_orphans(earlier)
        file.unlink(missing_ok=True)
    check_ports(options)
    # Our own calls of Prefect, which reads this when it is imported.
    os.environ.update(passwords.of_clients)
    say(f"Bringing up Prefect (port {options.prefect_port}) and MLflow (port {options.mlflow_port}).")
    if warning := warning_about_host(options):
        say(warning)
    state = UpState(
        token=uuid4().hex,
        phase="starting",
        since=time.time(),
        supervisor=identify(os.getpid()),
        prefect_address=options.prefect_address,
        prefect_api_url=options.prefect_api_url,
        mlflow_address=options.mlflow_address,
    )
    session = _Session(options, folder, state)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        return session.run()
    finally:
        file.unlink(missing_ok=True)
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Session:
    def __init__(self, options: UpOptions, folder: Path, state: UpState) -> None:
        self.options = options
        self.logs = folder / "logs"
        self.file = folder / "state.json"
        self.state = state
        self.supervisor = Supervisor(self.logs, state.token, self._write)

    def run(self) -> int:
        from flows.up.steps import bring_up, make_plan, take_down

        settings = Settings()
        plan = make_plan(self.options, settings)
        self.supervisor.listen()
        try:
            try:
                self._enter("starting")
                began = time.monotonic()
                bring_up(plan, settings, self.supervisor)
                self._enter("up")
                say(welcome(self.options, self.logs, time.monotonic() - began))
                while True:
                    self.supervisor.tick()
            except Stopped:
                say("\nStopping; Ctrl-C again kills everything at once.")
                self._enter("stopping")
                take_down(plan, self.supervisor)
                tell("stopped", "nothing is left running")
                return 0
            except StartError:
                self._enter("stopping")
                take_down(plan, self.supervisor)
                raise
        except KilledAtOnce:
            say("Killing everything at once. Runs on workers may stay `Running` until the next `hw3 up`.")
            return 1
        finally:
            self.supervisor.listen_no_more()
            self.supervisor.kill_everything()

    def _enter(self, phase: str) -> None:
        self.state = replace(self.state, phase=phase)
        self._write(self.supervisor)

    def _write(self, supervisor: Supervisor) -> None:
        self.state = replace(self.state, services=supervisor.states())
        write_state(self.file, self.state)
