"""However a run ends, it ends on both sides: no MLflow run stays RUNNING behind a Prefect run that is over."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State

from tasks import tracking
from tasks.patience import patiently


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


def _end_all(run_id: str, status: str, reason: str) -> None:
    # The error that ended the block is the one to report, whatever the server says to this.
    with suppress(Exception):
        for open_id in patiently(lambda: tracking.open_runs_of(run_id), seconds=20):
            tracking.end_run(open_id, status, reason)


def end_runs(_flow: Flow[..., Any], run: FlowRun, state: State[Any]) -> None:
    """A hook that Prefect's worker runs when the process of `run` was killed: it could not close anything itself."""
    status = tracking.KILLED if state.is_cancelled() or state.is_cancelling() else tracking.FAILED
    tracking.end_runs_of(str(run.id), status, f"the flow run is {state.name}: {state.message or 'no reason given'}")


HOOKS: dict[str, Any] = {"on_crashed": [end_runs], "on_cancellation": [end_runs]}
"""Of every flow that opens MLflow runs."""
