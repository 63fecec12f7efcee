"""A run is started now, or, where the server does not answer, when it does: until then it has a pending id."""

from tasks.patience import hurry, is_outage
from tasks.tracking.journal import Open, outbox
from tasks.tracking.journal.shipping import start_run
from tasks.tracking.store import PENDING, connect

PATIENCE = 10.0
"""Seconds to wait for a server before the run is written down to be started later."""


def open_run(event: Open, parent_id: str | None) -> str:
    """The id of the run with the event's key: found, started, or pending."""
    box = outbox()
    if not box.is_away:
        try:
            with hurry(PATIENCE):
                client, experiment_id = connect()
                run_id, is_new = start_run(client, experiment_id, event)
                if not is_new:
                    # This process may have ended it, and the end may arrive behind this beginning.
                    box.flush(PATIENCE)
                    run_id, _ = start_run(client, experiment_id, event)
            box.opened(run_id, parent_id, is_new=is_new)
            return run_id
        except Exception as error:
            if not is_outage(error):
                raise
    run_id = f"{PENDING}{event.key}"
    box.put(run_id, event)
    box.opened(run_id, parent_id, is_new=False)
    return run_id
