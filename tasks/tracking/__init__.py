"""MLflow: the only package that imports it.

One parent run per study or `hw3 run`, a child per family and data set. All calls name their run and their
experiment, so threads and processes never disturb each other through MLflow's "active run".
"""

# ruff: noqa: E402  # the environment must stand before MLflow is imported
import os

from tasks.mlflow_environment import set_mlflow_defaults

set_mlflow_defaults(os.environ)

from tasks.tracking.children import log_seeds, name_as_family, nest, open_child
from tasks.tracking.claims import (
    child_of,
    claim,
    end_runs_of,
    heartbeat,
    is_owner,
    issue,
    last_heartbeat,
    reclaim,
    refusal,
    refuse,
    revoke,
)
from tasks.tracking.epochs import EpochLog, log_history
from tasks.tracking.journal import outbox
from tasks.tracking.journal.views import artifact_link, run_link, study_link, tracking
from tasks.tracking.looks import count_look
from tasks.tracking.machine import watched
from tasks.tracking.model import log_ensemble
from tasks.tracking.parents import (
    FAILED,
    KILLED,
    Status,
    end_run,
    find_done,
    log_answer,
    log_report,
    log_winner,
    mark_done,
    open_parent,
    open_runs_of,
)
from tasks.tracking.results import fetch_results, log_placement
from tasks.tracking.scores import is_recorded, log_card, log_drift, log_explanation, log_results, mark_recorded
from tasks.tracking.trials import end_trial, fetch_trial, log_search, log_trial, open_trial

__all__ = [
    "FAILED",
    "KILLED",
    "EpochLog",
    "Status",
    "artifact_link",
    "child_of",
    "claim",
    "count_look",
    "end_run",
    "end_runs_of",
    "end_trial",
    "fetch_results",
    "fetch_trial",
    "find_done",
    "heartbeat",
    "is_owner",
    "is_recorded",
    "issue",
    "last_heartbeat",
    "log_answer",
    "log_card",
    "log_drift",
    "log_ensemble",
    "log_explanation",
    "log_history",
    "log_placement",
    "log_report",
    "log_results",
    "log_search",
    "log_seeds",
    "log_trial",
    "log_winner",
    "mark_done",
    "mark_recorded",
    "name_as_family",
    "nest",
    "open_child",
    "open_parent",
    "open_runs_of",
    "open_trial",
    "outbox",
    "reclaim",
    "refusal",
    "refuse",
    "revoke",
    "run_link",
    "study_link",
    "tracking",
    "watched",
]
