"""Addresses in MLflow's pages that show what matters at once: a study's seeds by family, one run.

What a table shows (columns, sorting, grouping) is no part of an address; MLflow keeps it as a tag of the experiment
that the address names. The tag has the form that the page's own "Share" button writes.
"""

import json
from contextlib import suppress
from urllib.parse import quote

from mlflow import MlflowClient

from hw3models.runtime.redaction import without_password
from hw3models.specs import Tracking
from tasks.patience import hurry, is_outage
from tasks.settings import settings
from tasks.tracking.journal.events import View
from tasks.tracking.store import STUDIES, VIEW, experiment_page

_TRAINING = "workflowType=machine_learning"
"""MLflow 3 begins with GenAI, and the browser remembers which of the two was chosen last; an address decides it."""
KEPT = 100
"""Views of studies that an experiment keeps: each is a tag that is read with it."""


def run_link(run_id: str) -> str | None:
    """Address of the run's page, where MLflow is a server."""
    page = experiment_page(run_id)
    return page and f"{page}/{run_id}?{_TRAINING}"


def artifact_link(run_id: str, path: str) -> str | None:
    """Address at which MLflow shows an artifact of the run, where it is a server."""
    page = experiment_page(run_id)
    return page and f"{page}/{run_id}/artifacts/{quote(path)}?{_TRAINING}"


def study_link(run_id: str) -> str | None:
    """Address of a study's seeds by family, with mean, least and greatest; where MLflow is a server."""
    page = experiment_page(run_id)
    return page and f"{page}?{_TRAINING}&viewStateShareKey={_key(run_id)}"


def _state(run_id: str, view: View) -> str:
    """The seeds of the study by family, with what counts as columns."""
    keys = [{"mode": "tag", "groupByData": name} for name in view.group_by]
    return json.dumps(
        {
            "searchFilter": f"tags.`hw3.study` = '{run_id}' and tags.`hw3.role` = 'seed'",
            "orderByKey": f"metrics.`{view.metrics[0]}`",
            "orderByAsc": view.ascending,
            "selectedColumns": [f"metrics.`{name}`" for name in view.metrics],
            "groupBy": {"aggregateFunction": "average", "groupByKeys": keys},
            # Read by nobody but `keep_view`.
            "at": view.at,
        }
    )


def keep_view(client: MlflowClient, experiment_id: str, run_id: str, view: View) -> None:
    """Keep the view under the run's name; the oldest go when there are too many."""
    client.set_experiment_tag(experiment_id, f"{VIEW}{_key(run_id)}", _state(run_id, view))
    tags = client.get_experiment(experiment_id).tags
    ours = sorted(
        (json.loads(value)["at"], tag)
        for tag, value in tags.items()
        if tag.startswith(f"{VIEW}hw3-") and tag != f"{VIEW}{STUDIES}"
    )
    for _, tag in ours[:-KEPT]:
        with suppress(Exception):  # another process was quicker
            client.delete_experiment_tag(experiment_id, tag)


def tracking(run_id: str) -> Tracking:
    """Where `run_id` is; without an address where the server does not answer now."""
    now = settings()
    link = None
    try:
        with hurry():
            link = study_link(run_id)
    except Exception as error:
        if not is_outage(error):
            raise
    # Reports are passed on.
    uri = without_password(now.tracking_uri)
    return Tracking(tracking_uri=uri, experiment=now.experiment, run_id=run_id, link=link)


def _key(run_id: str) -> str:
    return f"hw3-{run_id}"
