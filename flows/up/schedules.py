"""What people switched on the server, kept over a new `prefect deploy`.

Measured with Prefect 3.8.8: a deployment that is made again takes `active: false` of its schedules from the file, and
is no longer paused. A schedule that somebody switched on would be off after the next `hw3 up`, without a word.
"""

from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient


@dataclass(frozen=True)
class Switches:
    """What was not as a fresh deployment is."""

    active: frozenset[tuple[UUID, str]]
    """Deployments and the slugs of their schedules that were on."""
    paused: frozenset[UUID]
    """Deployments."""


def read_switches(client: SyncPrefectClient) -> Switches:
    """Read which schedules are on, before the deployments are made again."""
    found = client.read_deployments(limit=200)
    return Switches(
        frozenset((one.id, each.slug) for one in found for each in one.schedules if each.active and each.slug),
        frozenset(one.id for one in found if one.paused),
    )


def restore_switches(client: SyncPrefectClient, before: Switches) -> list[str]:
    """Switch schedules back afterwards; what was switched, in words."""
    told = []
    for one in client.read_deployments(limit=200):
        for each in one.schedules:
            if not each.active and each.slug and (one.id, each.slug) in before.active:
                client.update_deployment_schedule(one.id, each.id, active=True)
                told.append(f"schedule {each.slug} of {one.name} stays on")
        if one.id in before.paused and not one.paused:
            client.pause_deployment(one.id)
            told.append(f"{one.name} stays paused")
    return told
