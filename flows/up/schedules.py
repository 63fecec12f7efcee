"""What people switched on the server, kept over a new `prefect deploy`.

Measured with Prefect 3.8.8: a deployment that is made again takes `active: false` of its schedules from the file, and
is no longer paused. A schedule that somebody switched on would be off after the next `hw3 up`, without a word, and one
that is on in the file, and that somebody switched off, would be on.
"""

from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient


@dataclass(frozen=True)
class Switches:
    """What was not as a fresh deployment is."""

    active: frozenset[tuple[UUID, str]]
    """Deployments and the slugs of their schedules that were on."""
    inactive: frozenset[tuple[UUID, str]]
    """The same of schedules that were off."""
    paused: frozenset[UUID]
    """Deployments."""


def read_switches(client: SyncPrefectClient) -> Switches:
    """Read which schedules are on and off, before the deployments are made again."""
    found = client.read_deployments(limit=200)
    schedules = [(one.id, each.slug, each.active) for one in found for each in one.schedules if each.slug]
    return Switches(
        frozenset((one, slug) for one, slug, active in schedules if active),
        frozenset((one, slug) for one, slug, active in schedules if not active),
        frozenset(one.id for one in found if one.paused),
    )


def restore_switches(client: SyncPrefectClient, before: Switches) -> list[str]:
    """Switch schedules back afterwards; what was switched, in words."""
    told = []
    for one in client.read_deployments(limit=200):
        for each in one.schedules:
            wanted = not each.active
            if each.slug and (one.id, each.slug) in (before.active if wanted else before.inactive):
                client.update_deployment_schedule(one.id, each.id, active=wanted)
                told.append(f"schedule {each.slug} of {one.name} stays {'on' if wanted else 'off'}")
        if one.id in before.paused and not one.paused:
            client.pause_deployment(one.id)
            told.append(f"{one.name} stays paused")
    return told
