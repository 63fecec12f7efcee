"""However a run ends, it ends on both sides: no MLflow run stays RUNNING behind a Prefect run that is over."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from prefect import Flow, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import TerminationSignal
from prefect.logging.loggers import flow_run_logger
from prefect.runtime import flow_run as this_run
from prefect.states import Cancelled

from hw3models.printable import one_a_line
from tasks import tracking
from tasks.patience import hurry
from tasks.placement import cancel_earlier


@contextmanager
def close(run_id: str, *, wait_for_parent: bool = False) -> Iterator[None]:
    """End the MLflow run and its children when the block does not end well: FAILED after an error, else KILLED.

    Args:
        run_id: parent or family run.
        wait_for_parent: after an error leave the run to the study that opened it, which may train it again.
    """
    try:
        yield
    except Exception as error:
        if not wait_for_parent:
            _end_all(run_id, "FAILED", f"{type(error).__name__}: {error}")
        raise
    except BaseException as error:
        _end_all(run_id, "KILLED", f"interrupted ({type(error).__name__})")
        raise


@contextmanager
def saying_cancelled() -> Iterator[None]:
    """Have a flow run that is being cancelled say so itself, as its last act.

    Prefect's worker would, but starts another process first, which imports all of this to look for hooks: 10 s on a
    quiet machine, 44 s were seen (docs/decisions/0041).
    """
    try:
        yield
    except TerminationSignal:
        # Whatever the server says, the worker says it again.
        with suppress(Exception), hurry(5):
            _say_cancelled()
        raise


def _say_cancelled() -> None:
    if this_run.id is None:
        return
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(this_run.id))
        if run.state is not None and run.state.is_cancelling():
            state: Any = Cancelled(message="Cancelled while it ran; what it had finished is kept.")
            client.set_flow_run_state(run.id, state)


def _end_all(run_id: str, status: tracking.Status, reason: str) -> None:
    # The error that ended the block is the one to report, whatever the server says to this.
    with suppress(Exception):
        box = tracking.outbox()
        for open_id in box.still_open(run_id):
            tracking.end_run(open_id, status, reason)
        known = box.known_as(run_id)
        if box.flush(10) or known is None:
            return
        with hurry(10):
            # Those that an earlier attempt has opened.
            for open_id in tracking.open_runs_of(known):
                tracking.end_run(open_id, status, reason)
        box.flush(10)


def end_runs(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook that Prefect's worker runs when the process of `flow_run` was killed: it could not close anything itself.

    It also runs in the process of a flow that fails inside of another one; there the outer flow closes.
    """
    if flow_run.deployment_id is None and flow_run.parent_task_run_id is not None:
        return
    status = tracking.KILLED if state.is_cancelled() or state.is_cancelling() else tracking.FAILED
    reason = f"the flow run is {state.name}: {state.message or 'no reason given'}"
    try:
        for run_id in tracking.end_runs_of(str(flow_run.id), status, reason):
            # A study that is gone waits for no child on a pool.
            if tracking.child_of(run_id) != str(flow_run.id):
                cancel_earlier(run_id)
    except Exception as error:  # of MLflow, its store or its server: Prefect would print all of it
        why = one_a_line([f"{type(error).__name__}: {error}"])[:200]
        told = f"MLflow runs of this flow run could not be ended ({why}); `hw3 reconcile` ends them."
        flow_run_logger(flow_run, flow).warning(told)


HOOKS: dict[str, Any] = {"on_crashed": [end_runs], "on_cancellation": [end_runs]}
"""Hooks of every flow that opens MLflow runs."""
