"""One sweep after crashes: journals are sent, runs of dead processes are ended, in MLflow and in Prefect.

Nothing is deleted, and nothing is done to what may be alive: a run is touched only if its process is certainly gone
(host, id and start time), or if Prefect has known for a while that its flow run is over.
"""

import time
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed

from hw3models.specs import Report
from tasks import tracking
from tasks.liveness import absent
from tasks.patience import hurry, is_outage
from tasks.tracking.parents import Status
from tasks.tracking.sweeping import OpenRun, end_swept, open_runs

GRACE = 300.0
"""Seconds after the end of a flow run for which its process may still be sending what it logged."""


class Ended(Report):
    """An MLflow run that the sweep has ended."""

    run_id: str
    name: str
    status: str
    reason: str


class Released(Report):
    """A flow run that Prefect believed to run; its concurrency slots are free now."""

    flow_run_id: str
    name: str
    state: str
    """What Prefect believed."""
    reason: str


class Sweep(Report):
    """What a sweep did, and what it left and why."""

    sent: int
    """Entries of journals that MLflow has now."""
    ended: tuple[Ended, ...]
    released: tuple[Released, ...]
    left: tuple[str, ...]


def sweep() -> Sweep:
    """Journals first, so that a run that had ended well is not called failed; then flow runs, then MLflow runs."""
    left: list[str] = []
    with hurry(20):
        sent, problems = tracking.outbox().send_left_behind()
        left += problems
        with get_client(sync_client=True) as client:
            flow_runs = _FlowRuns(client, left)
            released = _release(flow_runs)
            ended = _end(flow_runs, left)
    return Sweep(sent=sent, ended=tuple(ended), released=tuple(released), left=tuple(left))


class _FlowRuns:
    """Prefect's side. Where it does not answer, MLflow's can be put in order all the same."""

    def __init__(self, client: SyncPrefectClient, left: list[str]) -> None:
        self._client, self._left = client, left
        self._away = False

    def read(self, flow_run_id: str | None) -> FlowRun | None:
        """The flow run; None where there is none, or no answer."""
        if flow_run_id is None or self._away:
            return None
        try:
            return self._client.read_flow_run(UUID(flow_run_id))
        except (ObjectNotFound, ValueError):
            return None
        except (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError) as error:
            self._away = True
            self._left.append(f"Prefect does not answer ({type(error).__name__}): its flow runs were not looked at")
            return None

    def crash(self, run: FlowRun, reason: str) -> None:
        """Prefect believes it to be under way; from now on it does not."""
        crashed: Any = Crashed(message=reason)
        self._client.set_flow_run_state(run.id, crashed, force=True)

    @property
    def answers(self) -> bool:
        """Does the server answer, as far as is known?"""
        return not self._away


def _release(flow_runs: _FlowRuns) -> list[Released]:
    """Flow runs of this home whose process is gone but that Prefect believes to be under way."""
    done = []
    for flow_run_id, process, path in absent():
        run = flow_runs.read(flow_run_id)
        if not flow_runs.answers:
            break
        if run is not None and run.state is not None and not run.state.is_final():
            reason = f"Its process {process.pid} on {process.host} is gone."
            flow_runs.crash(run, reason)
            done.append(Released(flow_run_id=flow_run_id, name=run.name, state=run.state.name or "?", reason=reason))
        path.unlink(missing_ok=True)
    return done


def _end(flow_runs: _FlowRuns, left: list[str]) -> list[Ended]:
    """MLflow runs that are RUNNING though what wrote them is over."""
    done: list[Ended] = []
    try:
        for run in open_runs():
            verdict = _judge(flow_runs, run, left)
            if verdict is not None:
                status, reason = verdict
                end_swept(run.run_id, status, reason)
                done.append(Ended(run_id=run.run_id, name=run.name, status=status, reason=reason))
    except Exception as error:
        if not is_outage(error):
            raise
        left.append(f"MLflow does not answer ({type(error).__name__}): its runs were not all looked at")
    return done


def _judge(flow_runs: _FlowRuns, run: OpenRun, left: list[str]) -> tuple[Status, str] | None:
    """How the run shall end; None to leave it, which is said where it may be wrong."""
    writer = run.writer
    flow = flow_runs.read(run.flow_run_id)
    state = None if flow is None else flow.state
    cancelled = state is not None and (state.is_cancelled() or state.is_cancelling())
    if writer is not None and writer.is_dead():
        status: Status = tracking.KILLED if cancelled else tracking.FAILED
        return status, f"its process {writer.pid} on {writer.host} is gone"
    if writer is not None and writer.is_local():
        return None
    where = "nobody knows where" if writer is None else f"on {writer.host}"
    if state is None or not state.is_final() or state.timestamp.timestamp() > time.time() - GRACE:
        if state is None:
            left.append(f"{run.name} ({run.run_id}) is written {where}; reconcile there, or with its Prefect server")
        return None
    if state.is_completed():
        left.append(f"{run.name} ({run.run_id}): its flow run is Completed; its journal may wait {where}")
        return None
    status = tracking.KILLED if cancelled else tracking.FAILED
    return status, f"its flow run is {state.name}: {state.message or 'no reason given'}"
