"""Work pools, the queue of trainings, and which workers are online."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound

from flows.up.options import StartError
from flows.up.services import CPU_POOL, GPU_POOL, QUEUES

_DESCRIPTIONS = {
    CPU_POOL: "Studies and trainings on CPUs; each queue gives out one run at a time.",
    GPU_POOL: "Trainings on GPUs: a worker per GPU, which takes one run at a time.",
}


def ensure_pools(client: SyncPrefectClient) -> list[str]:
    """Make what is missing; the names of pools that are paused, which is left to whoever paused them.

    Raises:
        StartError: a pool of that name is for another kind of worker.
    """
    paused = []
    for name, description in _DESCRIPTIONS.items():
        try:
            pool = client.read_work_pool(name)
        except ObjectNotFound:
            _create(client, name, description)
            continue
        if pool.type != "process":
            raise StartError(
                f"The work pool {name} is of type {pool.type}, but `hw3 up` starts workers of type process. "
                "Delete the pool, or start your own workers for it."
            )
        if pool.is_paused:
            paused.append(name)
    for queue in QUEUES:
        _ensure_queue(client, queue)
    return paused


def online(client: SyncPrefectClient, since: datetime) -> set[str]:
    """Workers of both pools that have sent a heartbeat since then: the status alone may be their predecessor's."""
    return {
        worker.name
        for pool in _DESCRIPTIONS
        for worker in client.read_workers_for_work_pool(pool)
        if worker.status == "ONLINE" and worker.last_heartbeat_time and worker.last_heartbeat_time >= since
    }


def _create(client: SyncPrefectClient, name: str, description: str) -> None:
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(
        WorkPoolCreate(name=name, type="process", description=description, base_job_template=template)
    )


def _ensure_queue(client: SyncPrefectClient, name: str) -> None:
    """Make a queue, one at a time: the CPU's cores are shared anyway.

    A run that waits in a queue at its limit is not given out. One that waits for its deployment is, and is sent back,
    three times a minute, with two lines each in its log (measured with Prefect 3.9.1).
    """
    try:
        queue = client.read_work_queue_by_name(name, work_pool_name=CPU_POOL)
    except ObjectNotFound:
        client.create_work_queue(name, work_pool_name=CPU_POOL, concurrency_limit=1)
        return
    if queue.concurrency_limit != 1:
        client.update_work_queue(queue.id, concurrency_limit=1)
