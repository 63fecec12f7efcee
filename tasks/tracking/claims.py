"""Who trains: two flags on the family's MLflow run, so that a training is never done both on a pool and here.

Whoever wants to train raises its own flag first and reads the other's after that. Both are rows of one
database, so of two that race at least one sees the other (the flags of Peterson's algorithm, 1981):

- a child that sees it was called back never begins;
- a caller that sees the child's claim does not train, but waits for how the child ends.
"""

import time

from mlflow.entities import RunTag

from tasks.tracking.parents import end_run, process_tags
from tasks.tracking.store import connect

CHILD = "prefect.train_flow_run_id"
"""Tag of the family's run: the flow run on the pool that trains it."""


def claim(run_id: str, child: str) -> bool:
    """As the flow run `child`: False when the training was called back, and must not begin."""
    client, _ = connect()
    client.log_batch(run_id, tags=[RunTag(f"hw3.claimed.{child}", "yes"), RunTag(CHILD, child), *_tags(process_tags())])
    return not is_called_back(run_id, child)


def call_back(run_id: str, child: str) -> bool:
    """As the caller: True when `child` can never begin now; False when it has claimed the training."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.called_back.{child}", "yes")
    if f"hw3.claimed.{child}" not in client.get_run(run_id).data.tags:
        return True
    # It began, or saw the flag and went: it ends either way. If it began, its results are wanted.
    client.delete_tag(run_id, f"hw3.called_back.{child}")
    return False


def disown(run_id: str, child: str) -> None:
    """As the caller: whatever `child` still does, its results are not wanted."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.called_back.{child}", "yes")


def is_called_back(run_id: str, child: str) -> bool:
    """Was the training taken from `child`?"""
    client, _ = connect()
    return f"hw3.called_back.{child}" in client.get_run(run_id).data.tags


def beat(run_id: str, child: str) -> None:
    """A sign of life of `child`."""
    client, _ = connect()
    client.set_tag(run_id, f"hw3.alive.{child}", str(time.time_ns()))


def last_beat(run_id: str, child: str) -> str | None:
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


def end_runs_of(flow_run_id: str, status: str, reason: str) -> list[str]:
    """End what is still RUNNING of a flow run that is no more; their ids."""
    client, experiment_id = connect()
    ended = []
    for tag in ("prefect.flow_run_id", CHILD):
        for run in client.search_runs(
            [experiment_id], f"tags.`{tag}` = '{flow_run_id}' and attributes.status = 'RUNNING'", max_results=1000
        ):
            end_run(run.info.run_id, status, reason)
            ended.append(run.info.run_id)
    return ended


def _tags(values: dict[str, str]) -> list[RunTag]:
    return [RunTag(name, value) for name, value in values.items()]
