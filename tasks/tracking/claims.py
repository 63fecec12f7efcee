"""Who trains a family: one owner at a time, so that nothing is trained both on a pool and here.

The owner is a tag of the family's MLflow run: `study`, or the fencing token that a child was sent out with (Kleppmann
2016). Whoever wants to train raises its own flag first and looks at the other's after that: the child its claim, the
study by taking the ownership back. Both are rows of one database, so of two that race at least one sees the other (the
flags of Peterson's algorithm, 1981). Whatever else may carry an old token (a child of an earlier attempt, one whose
submission seemed to fail) is no owner, and never begins or never records.
"""

import time
from uuid import uuid4

from mlflow.entities import RunTag

from tasks.tracking.parents import Status, end_now, open_runs_of
from tasks.tracking.resuming import process_tags
from tasks.tracking.store import connect

CHILD = "prefect.train_flow_run_id"
"""Tag of the family's run: the flow run on the pool that trains it."""
_OWNER = "hw3.owner"
_STUDY = "study"


def issue(run_id: str) -> str:
    """As the study: a new fencing token, whose bearer is the owner from now on."""
    client, _ = connect()
    fencing_token = uuid4().hex
    client.set_tag(run_id, _OWNER, fencing_token)
    return fencing_token


def revoke(run_id: str) -> None:
    """As the study: whoever bears a fencing token is not the owner any more, and keeps what it finds to itself."""
    client, _ = connect()
    client.set_tag(run_id, _OWNER, _STUDY)


def claim(run_id: str, child: str, fencing_token: str) -> bool:
    """As the flow run `child`: False when the training was taken back, and must not begin."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.claimed.{fencing_token}", "yes")
    if not is_owner(run_id, fencing_token):
        return False
    # Only now: the run must not name a process that trains nothing, or it would end with that one.
    tags = {CHILD: child, **process_tags()}
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    return True


def reclaim(run_id: str, fencing_token: str) -> bool:
    """As the study: True when the bearer can never begin now; False when it has claimed the training, and keeps it."""
    client, _ = connect()
    revoke(run_id)
    if f"hw3.claimed.{fencing_token}" not in client.get_run(run_id).data.tags:
        return True
    # It began, or saw that it is no owner and went: it ends either way. If it began, its results are wanted.
    client.set_tag(run_id, _OWNER, fencing_token)
    return False


def is_owner(run_id: str, fencing_token: str) -> bool:
    """Are the results of the bearer wanted?"""
    client, _ = connect()
    return client.get_run(run_id).data.tags.get(_OWNER) == fencing_token


def child_of(run_id: str) -> str | None:
    """The flow run that has claimed the training last."""
    client, _ = connect()
    return client.get_run(run_id).data.tags.get(CHILD)


def heartbeat(run_id: str, child: str) -> None:
    """A sign of life of `child`."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.alive.{child}", str(time.time_ns()))


def last_heartbeat(run_id: str, child: str) -> str | None:
    """The last sign of life: anything that changes while the child lives."""
    client, _ = connect()
    return client.get_run(run_id).data.tags.get(f"hw3.alive.{child}")


def refuse(run_id: str, child: str, reason: str) -> None:
    """As `child`: say why nothing was trained."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.refused.{child}", reason[:5000])


def refusal(run_id: str, child: str) -> str | None:
    """Why `child` trained nothing; None when it did not refuse."""
    client, _ = connect()
    return client.get_run(run_id).data.tags.get(f"hw3.refused.{child}")


def end_runs_of(flow_run_id: str, status: Status, reason: str) -> list[str]:
    """End what is still RUNNING of a flow run that is no more, with the runs below it; their ids."""
    client, experiment_id = connect()
    ended: list[str] = []
    for tag in ("prefect.flow_run_id", CHILD):
        condition = f"tags.`{tag}` = '{flow_run_id}' and attributes.status = 'RUNNING'"
        for run in client.search_runs([experiment_id], condition, max_results=1000):
            for open_id in open_runs_of(run.info.run_id):
                revoke(open_id)
                end_now(open_id, status, reason)
                ended.append(open_id)
    return ended
