"""What runs, written down so that a second `hw3 up`, or one after a crash, knows it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.up.processes import Identity


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


def write_state(path: Path, state: UpState) -> None:
    """All or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.replace(path)


def read_state(path: Path) -> UpState | None:
    """The state of `hw3 up`; None where there is none, or none that can be read."""
    try:
        raw = json.loads(path.read_text())
        services = tuple(
            ServiceState(**{**one, "process": Identity(**one["process"]) if one["process"] else None})
            for one in raw["services"]
        )
        return UpState(**{**raw, "supervisor": Identity(**raw["supervisor"]), "services": services})
    except (OSError, ValueError, TypeError, KeyError):
        return None
