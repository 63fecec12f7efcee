"""What people switched stays as they switched it, over a new deployment."""

from datetime import timedelta

import pytest
from prefect import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule

from flows.up.schedules import read_switches, restore_switches


@pytest.mark.usefixtures("prefect")
def test_schedules_stay_on_and_off_as_people_have_them() -> None:
    with get_client(sync_client=True) as client:

        def deploy(**active: bool) -> None:
            schedules = [
                DeploymentScheduleCreate(
                    schedule=IntervalSchedule(interval=timedelta(days=30)), slug=slug, active=is_on
                )
                for slug, is_on in active.items()
            ]
            client.create_deployment(flow_id, "switched", schedules=schedules)

        def active() -> dict[str | None, bool]:
            [found] = [one for one in client.read_deployments(limit=200) if one.name == "switched"]
            return {each.slug: bool(each.active) for each in found.schedules}

        flow_id = client.create_flow_from_name("of-schedules")
        deploy(nightly=False, often=True)
        assert restore_switches(client, read_switches(client)) == []
        [mine] = [one for one in client.read_deployments(limit=200) if one.name == "switched"]
        for each in mine.schedules:
            client.update_deployment_schedule(mine.id, each.id, active=not each.active)
        before = read_switches(client)
        deploy(nightly=False, often=True, new=True)
        assert active() == {"nightly": False, "often": True, "new": True}, "what `prefect deploy` does"
        told = restore_switches(client, before)
        assert active() == {"nightly": True, "often": False, "new": True}
        assert sorted(told) == ["schedule nightly of switched stays on", "schedule often of switched stays off"]
