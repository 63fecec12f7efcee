"""What `auto` (or any other wish) would choose at this moment: asked by studies and by `hw3 doctor`."""

import httpx
from prefect import get_client
from prefect.settings import PREFECT_API_URL

from hw3models.specs import PlacementWish
from tasks.placement.decision import Decision, decide
from tasks.placement.pools import PoolState, examine
from tasks.settings import Settings, not_temporary


def decide_now(wish: PlacementWish, device: str) -> Decision:
    """Ask the Prefect server, if there is one."""
    return decide(wish, device=device, server=server_address(), obstacle=_obstacle(), examine=_examine)


def server_address() -> str | None:
    """The Prefect server, from the environment or the user's Prefect profile; None: embedded."""
    return not_temporary(PREFECT_API_URL.value())


def _obstacle() -> str | None:
    uri = Settings().tracking_uri
    if uri.startswith(("http://", "https://")):
        return None
    return "MLflow is no server (MLFLOW_TRACKING_URI), so a worker could not leave its results"


def _examine(wish: str) -> PoolState:
    try:
        with get_client(sync_client=True) as client:
            return examine(client, wish)
    except httpx.HTTPError as error:
        return PoolState(f"hw3-{wish}", False, f"the Prefect server does not answer ({type(error).__name__})")
