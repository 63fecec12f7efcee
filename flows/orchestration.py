"""What `hw3 doctor` says of work pools, their workers, and where a training would go right now."""

import httpx
from prefect import get_client
from prefect.exceptions import PrefectHTTPStatusError

from tasks.placement import decide_now, examine, server_address
from tasks.placement.pools import DEPLOYMENTS


def orchestration() -> dict[str, str | list[str]]:
    """Pools with their workers and heartbeats, and what each placement would choose and why."""
    address = server_address()
    found: dict[str, str | list[str]] = {}
    if address is None:
        found["pools"] = "none: Prefect is embedded (PREFECT_API_URL is not set); `hw3 up` starts servers and workers"
    else:
        found |= _pools(address)
    auto = decide_now("auto", "auto")
    found["auto takes"] = f"{auto.where}: {auto.reason}"
    return found


def _pools(address: str) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    try:
        with get_client(sync_client=True) as client:
            for wish in DEPLOYMENTS:
                state = examine(client, wish)
                found[state.name] = f"{'available' if state.available else 'NOT AVAILABLE'}: {state.reason}"
                found[f"{state.name} workers"] = list(state.workers) or "none online"
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        found["pools"] = f"unknown: {address} does not answer ({type(error).__name__})"
    return found
