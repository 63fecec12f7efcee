"""`hw3 reconcile`, and the same as a flow that can be scheduled."""

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from hw3models.printable import one_a_line
from tasks.reconciling import Sweep, sweep


@flow(name="reconcile", validate_parameters=True)
def reconcile() -> None:
    """Send journals, end runs of dead processes, free their slots; what was done is in the log and an artifact."""
    found = sweep()
    text = as_text(found)
    get_run_logger().info("%s", text)
    create_markdown_artifact(markdown="\n".join(f"- {line}" for line in text.splitlines()), key="reconcile")


def as_text(found: Sweep) -> str:
    """A line for each thing done or left."""
    lines = []
    if found.sent:
        lines.append(f"sent {found.sent} entries of journals to MLflow")
    lines += [f"MLflow run {one.name} ({one.run_id}) is {one.status} now: {one.reason}" for one in found.ended]
    lines += [
        f"flow run {one.name} ({one.flow_run_id}) was {one.state} and is Crashed now: {one.reason}"
        for one in found.released
    ]
    lines += [f"left: {text}" for text in found.left]
    return one_a_line(lines) or "nothing to do"


def run_reconcile() -> Sweep:
    """One sweep from the command line, with Prefect's temporary server where no other is set."""
    from flows.local.embedded import embedded_server, prepare_environment
    from flows.local.folders import check_folders
    from flows.local.servers import check_servers

    check_servers()
    check_folders()
    prepare_environment(verbose=False)
    with embedded_server():
        pass
    return sweep()
