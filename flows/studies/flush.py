"""A flow ends when MLflow has everything it logged, or after a while without an answer."""

from prefect.runtime import deployment

from tasks import tracking
from tasks.patience import PATIENCE
from tasks.progress import say

ATTENDED_PATIENCE = 20.0
"""Seconds without an answer after which a command ends all the same."""


def flush() -> int:
    """Wait until MLflow has everything, or does not answer; how many entries the journal keeps for later.

    On a worker nobody sits and waits, so a restart of the server is waited out.
    """
    box = tracking.outbox()
    left = box.flush(PATIENCE if deployment.name else ATTENDED_PATIENCE)
    if left:
        say(f"MLflow does not answer: {left} entries are kept in {box.store}; `hw3 reconcile` sends them")
    return left
