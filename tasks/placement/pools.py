"""Is a work pool available? Advice only: between the answer and a submission anything may happen."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import Worker, WorkPool, WorkQueue
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

FRESH = timedelta(seconds=30)
"""A worker asks its queue at least every 15 s; one that has not for so long is gone or stuck.

Prefect's own status says so only after 60 to 105 s.
"""

DEPLOYMENTS = {"gpu": "train/gpu", "cpu": "train/cpu"}
"""What runs a training on each kind of pool."""


@dataclass(frozen=True)
class PoolState:
    """What can be known of a pool, its queue, its workers, and the deployment that trains there."""

    name: str
    available: bool
    reason: str
    """Why it is, or is not."""
    workers: tuple[str, ...] = ()
    """Workers online, with the age of their last heartbeat."""


def examine(client: SyncPrefectClient, wish: str) -> PoolState:
    """The pool that the deployment for `gpu` or `cpu` trainings names.

    Raises:
        httpx.HTTPError: the server does not answer.
    """
    full_name = DEPLOYMENTS[wish]
    try:
        deployment = client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return PoolState(f"hw3-{wish}", False, f"there is no deployment {full_name}")
    if deployment.work_pool_name is None or deployment.work_queue_id is None:
        return PoolState(f"hw3-{wish}", False, f"the deployment {full_name} has no work pool (deleted?)")
    try:
        pool = client.read_work_pool(deployment.work_pool_name)
        queue = client.read_work_queue(deployment.work_queue_id)
        workers = client.read_workers_for_work_pool(pool.name)
    except ObjectNotFound:
        return PoolState(deployment.work_pool_name, False, f"the pool {deployment.work_pool_name} is gone")
    now = _server_time(client)
    online = tuple(_describe(worker, now) for worker in workers if worker.status == "ONLINE")
    fault = _fault(pool, queue, deployment, now)
    if fault:
        return PoolState(pool.name, False, fault, online)
    return PoolState(pool.name, True, f"the pool {pool.name} has a worker that asked {_age(queue, now)}", online)


def _fault(pool: WorkPool, queue: WorkQueue, deployment: DeploymentResponse, now: datetime) -> str | None:
    if pool.is_paused:
        return f"the pool {pool.name} is paused"
    if queue.is_paused:
        return f"the queue {queue.name} of pool {pool.name} is paused"
    if deployment.paused:
        return f"the deployment {deployment.name} is paused"
    if queue.last_polled is None:
        return f"no worker has ever asked the pool {pool.name} for work"
    if now - queue.last_polled > FRESH:
        return f"no worker is online in pool {pool.name}: the last asked {_age(queue, now)}"
    return None


def _server_time(client: SyncPrefectClient) -> datetime:
    """The time by the server's clock, which is the one that heartbeats are written with."""
    date = client.hello().headers.get("Date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def _age(queue: WorkQueue, now: datetime) -> str:
    assert queue.last_polled is not None
    return f"{max(0, (now - queue.last_polled).total_seconds()):.0f} s ago"


def _describe(worker: Worker, now: datetime) -> str:
    if worker.last_heartbeat_time is None:
        return worker.name
    return f"{worker.name} (heartbeat {max(0, (now - worker.last_heartbeat_time).total_seconds()):.0f} s ago)"
