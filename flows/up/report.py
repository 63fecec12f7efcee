"""What `hw3 up` says when everything runs, and what a second one says about the first."""

import shutil
import sys
import time
from pathlib import Path

from flows.local.servers import fault_of
from flows.up.options import UpOptions
from flows.up.processes import Identity
from flows.up.state import ServiceState, UpState


def warning_about_host(options: UpOptions) -> str | None:
    """What to know about listening beyond this machine; None on loopback."""
    if options.is_loopback:
        return None
    open_to_all = (
        "  *  NOT EVERY SERVER ASKS FOR A PASSWORD: whoever reaches the ports can read everything,\n"
        "  *  start runs, and so run code as you. For closed networks only.\n"
    )
    return (
        "  ****************************************************************************************\n"
        f"  *  Listening on {options.host}, without encryption: what is sent, passwords too, can be read on the way.\n"
        f"{open_to_all if options.without_passwords else ''}"
        "  *  MLflow refuses names it does not know: set MLFLOW_SERVER_ALLOWED_HOSTS (its option\n"
        "  *  --allowed-hosts), such as MLFLOW_SERVER_ALLOWED_HOSTS='myhost:5000,localhost:*'.\n"
        "  ****************************************************************************************"
    )


def welcome(options: UpOptions, logs: Path, seconds: float) -> str:
    """Everything runs."""
    return "\n".join(
        [
            "",
            f"Everything runs ({seconds:.0f} s).",
            f"  Prefect   {options.prefect_address}",
            f"  MLflow    {options.mlflow_address}/#/experiments?workflowType=machine_learning",
            f"  logs      {logs}",
            "",
            "In another terminal:",
            *_exports(options.prefect_api_url, options.mlflow_address),
            "  # on a worker:",
            f"  {_command('prefect')} deployment run 'sequences/sequences' --watch",
            "  # in that terminal, with its trainings on the GPU workers if there are any:",
            f"  {_command('hw3')} sequences regime:order",
            "",
            "Ctrl-C stops everything.",
        ]
    )


def already_running(state: UpState | None, lock: Path) -> str:
    """What a second `hw3 up` says."""
    if state is None:
        return f"`hw3 up` is just being started by somebody else ({lock} is locked)."
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.since))
    lines = [f"`hw3 up` runs already: pid {state.supervisor.pid}, {state.phase} since {since}. Nothing was changed."]
    addresses = {"prefect": state.prefect_address, "mlflow": state.mlflow_address}
    for service in state.services:
        where = f", {addresses[service.name]}" if service.name in addresses else ""
        lines.append(f"  {service.title:<18} {_health(service)}{where}")
    return "\n".join(
        [
            *lines,
            f"  {'logs':<18} {lock.parent / 'logs'}",
            *_exports(state.prefect_api_url, state.mlflow_address),
            f"Ctrl-C in its terminal stops it; so does: kill -INT {state.supervisor.pid}",
        ]
    )


def _command(name: str) -> str:
    """The command as it can be typed: `make up` has not put the virtual environment on the PATH."""
    ours = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found is not None and Path(found).resolve() == ours.resolve():
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)


def _exports(prefect: str, mlflow: str) -> list[str]:
    return [f"  export PREFECT_API_URL={prefect}", f"  export MLFLOW_TRACKING_URI={mlflow}"]


def _health(service: ServiceState) -> str:
    restarts = f", restarted {service.restarts} times" if service.restarts else ""
    if service.process is None:
        return f"DOWN (starts again, or given up: {service.log}){restarts}"
    if not service.process.is_alive:
        return f"DOWN, pid {service.process.pid} is gone{restarts}"
    fault = fault_of(service.health) if service.health else None
    word = "runs" if service.health is None else "answers" if fault is None else f"DOES NOT ANSWER ({fault})"
    return f"{word}, pid {service.process.pid}, since {_clock(service.process)}{restarts}"


def _clock(process: Identity) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(process.since))
