"""Trainings sent to a pool: submitted, watched, called back when nobody takes them.

A training that has begun on a pool is never done anywhere else by the same study: when it dies, its family
is missing from the answer, which says so. One that has not begun is called back after the deadline, by two
flags that cannot both be missed (`tasks.tracking.claims`); Prefect's state Cancelling, which no run can
leave for Running, keeps its process from being started as well.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, cast
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.states import Cancelling, Crashed

from hw3models.errors import PlacementError
from hw3models.specs import TrainJob, TrainSpec, TrialPlan
from tasks import tracking
from tasks.names import training_name
from tasks.patience import hurry, patiently
from tasks.placement.decision import Decision
from tasks.placement.pools import DEPLOYMENTS
from tasks.settings import Settings


@dataclass
class RemoteTraining:
    """A training on a pool."""

    family: str
    run_id: str
    """MLflow run of the family."""
    flow_run_id: UUID
    fencing_token: str
    decision: Decision
    submitted: float = field(default_factory=time.monotonic)
    queued: float | None = None
    """Seconds in the queue, once it began."""
    heartbeat: str | None = None
    heartbeat_seen: float = field(default_factory=time.monotonic)

    def waited(self) -> float:
        """Seconds from its submission until it began, or until now."""
        return time.monotonic() - self.submitted if self.queued is None else self.queued


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    child: RemoteTraining
    kind: Literal["done", "free", "failed"]
    """`done`: results are in the MLflow run. `free`: nothing was trained, and nothing will be. `failed`: the rest."""
    reason: str = ""


class Dispatcher:
    """The trainings of one study that were sent to a pool. Leaving the block by an exception cancels what is open."""

    def __init__(self, *, deadline: float, poll: float = 1.0) -> None:
        self.deadline, self.heartbeat_timeout, self.poll = deadline, Settings().heartbeat_timeout, poll
        self._open: list[RemoteTraining] = []
        self._issued: list[str] = []
        self._quiet_since = time.monotonic()

    def __enter__(self) -> "Dispatcher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            return
        # Somebody may be waiting for this process to end.
        with hurry(10):
            for run_id in self._issued:
                with suppress(Exception):
                    tracking.revoke(run_id)
            for child in self._open:
                _cancel(child.flow_run_id)

    def submit(
        self,
        training: TrainSpec,
        run_id: str,
        decision: Decision,
        *,
        metric: str | None = None,
        fresh: bool = False,
        trial: TrialPlan | None = None,
    ) -> RemoteTraining:
        """Queue a training, or a trial of a search, on the decision's pool, as a child of the current flow run.

        Raises:
            Exception: it could not be queued. Should it have arrived all the same, it will train nothing.
        """
        assert decision.deployment is not None
        deployment = DEPLOYMENTS[decision.deployment]
        known = tracking.outbox().known_as(run_id)
        if known is None:
            raise PlacementError("MLflow, through which results come back, does not answer")
        run_id = known
        self._issued.append(run_id)
        job = TrainJob(
            training=training,
            trial=trial,
            run_id=run_id,
            fencing_token=tracking.issue(run_id),
            metric=metric,
            fresh=fresh,
        )
        assert job.fencing_token is not None
        try:
            # Asked twice with the same key, Prefect makes one run; another token is another attempt.
            submitted = patiently(
                lambda: run_deployment(
                    deployment,
                    parameters={"spec": job.model_dump(mode="json")},
                    flow_run_name=training_name(training, trial),
                    timeout=0,
                    idempotency_key=job.fencing_token,
                    tags=["hw3", training.family],
                )
            )
        except Exception:
            tracking.revoke(run_id)
            raise
        child = RemoteTraining(training.family, run_id, cast(FlowRun, submitted).id, job.fencing_token, decision)
        self._open.append(child)
        return child

    def outcomes(self) -> Iterator[Outcome]:
        """One outcome per child, as they end."""
        while self._open:
            runs = patiently(self._read)
            if any(run.run_count and run.state and not run.state.is_final() for run in runs.values()):
                self._quiet_since = time.monotonic()
            for child in self._open:
                outcome = self._judge(child, runs.get(child.flow_run_id))
                if outcome is not None:
                    self._open.remove(child)
                    if child.queued is not None:
                        # It had begun: the queue moves. One that was called back says nothing about the others.
                        self._quiet_since = time.monotonic()
                    yield outcome
                    # What was read may be old by now: the caller may have trained for minutes.
                    break
            else:
                time.sleep(self.poll)

    def _read(self) -> dict[UUID, FlowRun]:
        ids = [child.flow_run_id for child in self._open]
        with get_client(sync_client=True) as client:
            found: list[FlowRun] = []
            for start in range(0, len(ids), 100):
                wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids[start : start + 100]))
                found += client.read_flow_runs(flow_run_filter=wanted)
        return {run.id: run for run in found}

    def _judge(self, child: RemoteTraining, run: FlowRun | None) -> Outcome | None:
        """How the child ended; None while it waits or runs."""
        if run is None or run.state is None:
            return _over(child, "its flow run was deleted")
        if run.state.is_final():
            return _final(child, run)
        # `start_time` is set even for a run that was cancelled before it began.
        if run.run_count == 0:
            return self._judge_queued(child, run)
        if child.queued is None:
            child.queued, child.heartbeat_seen = time.monotonic() - child.submitted, time.monotonic()
        return self._judge_running(child)

    def _judge_queued(self, child: RemoteTraining, run: FlowRun) -> Outcome | None:
        assert run.state is not None
        if run.state.type == StateType.CANCELLING:
            return None  # by a person: it will be Cancelled, and its family missing
        waited = time.monotonic() - max(child.submitted, self._quiet_since)
        if waited < self.deadline:
            return None
        if not tracking.reclaim(child.run_id, child.fencing_token):
            return None  # it began at this very moment
        _cancel(child.flow_run_id)
        return Outcome(child, "free", f"no worker of pool {child.decision.where} took it within {self.deadline:.0f} s")

    def _judge_running(self, child: RemoteTraining) -> Outcome | None:
        asked = time.monotonic()
        heartbeat = tracking.last_heartbeat(child.run_id, str(child.flow_run_id))
        now = time.monotonic()
        if now - asked > 5:
            # The server was away, and no child could leave a sign of life there.
            for one in self._open:
                one.heartbeat_seen = now
        if heartbeat != child.heartbeat:
            child.heartbeat, child.heartbeat_seen = heartbeat, now
        if now - child.heartbeat_seen < self.heartbeat_timeout:
            return None
        reason = f"no sign of life for {self.heartbeat_timeout:.0f} s"
        tracking.revoke(child.run_id)
        with suppress(Exception), get_client(sync_client=True) as client:
            client.set_flow_run_state(child.flow_run_id, Crashed(message=reason), force=True)
        return Outcome(child, "failed", reason)


def cancel_earlier(run_id: str) -> None:
    """A child that an earlier attempt of the study sent out for this MLflow run: it is not waited for any more."""
    known = tracking.outbox().known_as(run_id)
    if known is None or tracking.outbox().is_new(run_id):
        return  # nobody else knows of it
    if (child := tracking.child_of(known)) is not None:
        tracking.revoke(known)
        _cancel(UUID(child))


def _cancel(flow_run_id: UUID) -> None:
    """Propose, never force: a forced Cancelled could still become Running."""
    try:
        with get_client(sync_client=True) as client:
            message = "Called back by the study that sent it out."
            client.set_flow_run_state(flow_run_id, cast(Any, Cancelling(message=message)))
    except Exception:
        # Whatever the server says, the token is void: a child that begins later goes away again.
        logging.getLogger(__name__).warning("could not cancel %s", flow_run_id, exc_info=True)


def _final(child: RemoteTraining, run: FlowRun) -> Outcome:
    assert run.state is not None
    if run.state.type == StateType.COMPLETED:
        return Outcome(child, "done")
    refused = tracking.refusal(child.run_id, str(child.flow_run_id))
    if refused is not None:
        return Outcome(child, "free", refused)
    message = f": {run.state.message}" if run.state.message else ""
    reason = f"its run on pool {child.decision.where} is {run.state.name}{message}"
    if run.state.type == StateType.CANCELLED:
        tracking.revoke(child.run_id)
        return Outcome(child, "failed", reason)
    return _over(child, reason)


def _over(child: RemoteTraining, reason: str) -> Outcome:
    """It ended by itself: before it began (its code could not be loaded, say), which frees the training, or after."""
    if tracking.reclaim(child.run_id, child.fencing_token):
        return Outcome(child, "free", reason)
    # From now on a process that is somehow still alive keeps its results to itself.
    tracking.revoke(child.run_id)
    return Outcome(child, "failed", reason)
