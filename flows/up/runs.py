"""Flow runs on our workers: none may be lost without a word, and none may stay `Running` for ever.

Measured with Prefect 3.8.8: a worker that gets SIGINT or SIGTERM kills its runs, and their states stay `Running`. So
they are cancelled through the server first; a worker then ends them properly, hooks included, in about 4 s.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_AUTH_STRING
from prefect.states import Cancelled, Cancelling, Crashed
from pydantic import SecretStr

from flows.up.say import tell
from flows.up.services import CPU_POOL, GPU_POOL, is_worker_of_this_host

_AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


@contextmanager
def client_of(api_url: str) -> Iterator[SyncPrefectClient]:
    """A client of that server, whatever the environment or the user's profile name."""
    auth = PREFECT_API_AUTH_STRING.value()
    text = auth.get_secret_value() if isinstance(auth, SecretStr) else auth
    with SyncPrefectClient(api_url, auth_string=text, httpx_settings={"timeout": 15}) as client:
        yield client


def at_work(client: SyncPrefectClient) -> list[FlowRun]:
    """Runs that workers of this host have taken and not yet ended."""
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_AT_WORK))),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[CPU_POOL, GPU_POOL])),
        limit=200,
    )
    return [run for run in found if is_worker_of_this_host(str(run.labels.get("prefect.worker.name", "")))]


def describe(run: FlowRun) -> str:
    """One line."""
    worker = str(run.labels.get("prefect.worker.name", "")).partition("@")[0]
    since = f", since {run.start_time.astimezone():%H:%M:%S}" if run.start_time else ""
    return f"{run.name} ({run.state_name}{since}, worker {worker}, {run.id})"


def cancel(client: SyncPrefectClient, *, patience: float) -> bool:
    """Cancel all runs at work, also those that workers take meanwhile, and tell so; True when none is left."""
    deadline = time.monotonic() + patience
    asked = set()
    while runs := at_work(client):
        for run in runs:
            if run.id not in asked:
                asked.add(run.id)
                tell("cancels", describe(run))
                # Proposed, not forced: a forced state could still become Running.
                with suppress(Exception):
                    client.set_flow_run_state(run.id, _state(Cancelling(message="`hw3 up` is stopping.")))
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def close(client: SyncPrefectClient, *, cancelled: bool, message: str) -> list[FlowRun]:
    """End what no process works on any more."""
    left = at_work(client)
    for run in left:
        state = _state(Cancelled(message=message) if cancelled else Crashed(message=message))
        client.set_flow_run_state(run.id, state, force=True)
    return left


def _state(state: Any) -> Any:
    """Prefect's annotations want another generic parameter than its own constructors give."""
    return state
