"""MLflow runs that are RUNNING, and how the sweep ends those whose process is gone."""

from typing import NamedTuple

from mlflow.entities import RunTag

from tasks.processes import ProcessId
from tasks.tracking.claims import CHILD
from tasks.tracking.parents import Status
from tasks.tracking.resuming import ENDED, SWEPT, writer_of
from tasks.tracking.store import connect
from tasks.tracking.uploads import experiment_of_uploads


class OpenRun(NamedTuple):
    """A run that is RUNNING."""

    run_id: str
    name: str
    writer: ProcessId | None
    flow_run_id: str | None
    """The Prefect flow run that writes it: the child on a pool, where one has claimed it."""
    started: float
    """Seconds since 1970."""


def open_runs() -> list[OpenRun]:
    """Runs of this experiment, and of its uploads, that were opened and that nobody has ended, oldest first."""
    client, experiment_id = connect()
    experiments = [experiment_id, *experiment_of_uploads(client)]
    found, token = [], None
    while True:
        page = client.search_runs(
            experiments,
            "attributes.status = 'RUNNING'",
            max_results=1000,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        for run in page:
            tags = run.data.tags
            if "hw3.role" in tags:
                flow_run_id = tags.get(CHILD) or tags.get("prefect.flow_run_id")
                name = run.info.run_name or run.info.run_id
                found.append(OpenRun(run.info.run_id, name, writer_of(tags), flow_run_id, run.info.start_time / 1000))
        token = page.token
        if not token:
            return found


def end_swept(run_id: str, status: Status, reason: str) -> None:
    """End a run whose process is gone. The same command may still go on in it."""
    client, _ = connect()
    tags = {ENDED: reason, SWEPT: "yes"}
    client.log_batch(run_id, tags=[RunTag(name, value[:5000]) for name, value in tags.items()])
    client.set_terminated(run_id, status)
