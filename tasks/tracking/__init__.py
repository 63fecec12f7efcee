"""MLflow: the only package that imports it.

One parent run per study or `hw3 run`, a child per family and data set. All calls name their run and their
experiment, so threads and processes never disturb each other through MLflow's "active run".
"""

from tasks.tracking.children import EpochLog, log_history, log_results, open_child
from tasks.tracking.parents import end_run, log_answer, log_report, open_parent, open_runs_of
from tasks.tracking.store import run_link, tracking

__all__ = [
    "EpochLog",
    "end_run",
    "log_answer",
    "log_history",
    "log_report",
    "log_results",
    "open_child",
    "open_parent",
    "open_runs_of",
    "run_link",
    "tracking",
]
