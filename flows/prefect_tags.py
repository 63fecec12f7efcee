"""The current flow run, as tags of MLflow runs."""

from prefect.runtime import flow_run


def prefect_tags() -> dict[str, str]:
    """Id, name and flow; empty outside a flow."""
    tags = {
        "prefect.flow_run_id": flow_run.id,
        "prefect.flow_run_name": flow_run.name,
        "prefect.flow": flow_run.flow_name,
    }
    return {name: value for name, value in tags.items() if value}
