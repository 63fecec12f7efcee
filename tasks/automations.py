"""Automations of the Prefect server: runs that have lost their process are failed.

Every flow run sends heartbeats while it lives. The server looks for those that stop without the run having ended.
"""

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

HEARTBEAT = 30
"""Seconds between heartbeats of runs on workers: `PREFECT_FLOWS_HEARTBEAT_FREQUENCY` must be set to it there."""
ZOMBIES = "hw3: fail zombie runs"
"""Runs of deployments, on workers with that heartbeat: three may be missed."""
ZOMBIES_ELSEWHERE = "hw3: fail zombie runs without a deployment"
"""All others (a flow inside a flow, one started by hand) send heartbeats every 180 s unless told otherwise."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_STATES = (
    # Ended.
    *("Completed", "Failed", "TimedOut", "Cancelled", "Crashed"),
    # Silent for a good reason. A run that stays Cancelling is ended by the server itself after 5 minutes.
    *("Cancelling", "AwaitingRetry", "Paused", "Suspended"),
)


def zombie_automations(window: int = 3 * HEARTBEAT) -> tuple[AutomationCore, ...]:
    """A run that sent a heartbeat and then neither another one nor its end is Crashed.

    Args:
        window: seconds of silence that runs of deployments are allowed.
    """
    deployed = ResourceSpecification(
        {"prefect.resource.role": ["deployment"], "prefect.resource.id": ["prefect.deployment.*"]}
    )
    return (
        _automation(ZOMBIES, window, deployed),
        _automation(ZOMBIES_ELSEWHERE, 3 * 180, ResourceSpecification({})),
    )


def ensure_automations(client: SyncPrefectClient, *, window: int = 3 * HEARTBEAT) -> dict[str, UUID]:
    """Create or update them; what is already there as it should be keeps the heartbeats that it waits for.

    Args:
        client: of the server.
        window: as in `zombie_automations`.

    Returns:
        Names and ids.
    """
    return {automation.name: _ensure(client, automation) for automation in zombie_automations(window)}


def _ensure(client: SyncPrefectClient, wanted: AutomationCore) -> UUID:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        return client.create_automation(wanted)
    there, *doubles = found
    for double in doubles:
        client.delete_automation(double.id)
    if _essence(there) != _essence(wanted):
        client.update_automation(there.id, wanted)
    return there.id


def _essence(automation: AutomationCore) -> object:
    """What matters, in the form that the server gives it back."""
    raw = automation.model_dump(mode="json", include={"name", "description", "enabled", "trigger", "actions"})
    trigger = raw["trigger"]
    for name in ("after", "expect", "for_each"):
        trigger[name] = sorted(trigger[name])
    return {**raw, "trigger": {key: value for key, value in trigger.items() if key != "id"}}


def _automation(name: str, seconds: int, related: ResourceSpecification) -> AutomationCore:
    trigger = EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        match_related=related,
        after={_HEARTBEAT},
        expect={_HEARTBEAT, *(f"prefect.flow-run.{state}" for state in _STATES)},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=seconds),
    )
    message = f"No heartbeat for {seconds} s: its process is gone."
    crash = ChangeFlowRunState(name=None, state=StateType.CRASHED, message=message, force=False)
    return AutomationCore(
        name=name,
        description=f"A flow run that sends no heartbeat for {seconds} s, and has not ended, is Crashed.",
        enabled=True,
        trigger=trigger,
        actions=[crash],
        actions_on_trigger=[],
        actions_on_resolve=[],
    )
