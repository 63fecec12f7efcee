"""What runs, written down so that a second `hw3 up`, or one after a crash, knows it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from flows.up.processes import Identity
from hw3models.runtime.files import write_atomically


@dataclass(frozen=True)
class ServiceState:
    """One service as it is now."""

    name: str
    title: str
    process: Identity | None
    """Its process; None while it waits to be started again, or was given up."""
    health: str | None
    """Address whose `/health` answers when it is well."""
    restarts: int
    log: str


@dataclass(frozen=True)
class UpState:
    """One `hw3 up`."""

    token: str
    phase: str
    """`starting`, `up` or `stopping`."""
    since: float
    """Seconds since 1970."""
    supervisor: Identity
    prefect_address: str
    prefect_api_url: str
    mlflow_address: str
    services: tuple[ServiceState, ...] = ()


_ADAPTER = TypeAdapter(UpState)


def write_state(path: Path, state: UpState) -> None:
    """All or nothing."""
    write_atomically(path, _ADAPTER.dump_json(state, indent=1))


def read_state(path: Path) -> UpState | None:
    """The state of `hw3 up`; None where there is none, or none that can be read."""
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
