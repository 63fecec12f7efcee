"""The parent run: one per study or `hw3 run`."""

import hashlib
from pathlib import Path
from uuid import uuid4

from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.specs import Answer, Spec
from tasks.names import slug
from tasks.progress import say
from tasks.tracking.resuming import adopt, process_tags
from tasks.tracking.store import connect, now_ms


def open_parent(name: str, spec: Spec, prefect_tags: dict[str, str]) -> str:
    """Start the run; its id. The spec is its parameters and, whole, an artifact.

    A flow run that is tried again goes on in the run of its first attempt, and one whose process died is gone on in by
    the next that has the same spec on the same host.
    """
    client, experiment_id = connect()
    # Outside a flow there is nothing to go on from.
    attempt_of = prefect_tags.get("prefect.flow_run_id") or str(uuid4())
    key = hashlib.sha256(f"{attempt_of}|{spec.fingerprint()}".encode()).hexdigest()[:32]
    if found := client.search_runs([experiment_id], f"tags.`hw3.key` = '{key}'", max_results=1):
        client.update_run(found[0].info.run_id, status="RUNNING")
        return str(found[0].info.run_id)
    tags = {
        "hw3.role": "parent",
        "hw3.key": key,
        "hw3.spec": spec.fingerprint(),
        "mlflow.note.content": f"**{name}** is under way.",
        **process_tags(),
        **prefect_tags,
    }
    if adopted := adopt(spec.fingerprint(), tags):
        say(f"goes on in MLflow run {adopted}, whose process died")
        return adopted
    run = client.create_run(experiment_id, tags=tags, run_name=name)
    flat = {key: str(value)[:500] for key, value in spec.model_dump(mode="json").items() if value is not None}
    client.log_batch(run.info.run_id, params=[Param(key, value) for key, value in flat.items()])
    client.log_text(run.info.run_id, spec.model_dump_json(indent=1), "spec.json")
    return str(run.info.run_id)


def log_answer(run_id: str, answer: Answer) -> None:
    """The answer of one data set, on the parent: verdict, best scores, table, JSON."""
    client, _ = connect()
    # A data set may be called anything; MLflow's names may not.
    name = slug(answer.data.name)
    key = f"{answer.kind}-{name}"
    now = now_ms()
    metric = "mse" if answer.kind == "autoencoder" else "accuracy"
    metrics = [
        Metric(f"{name}/{family}/{metric}", score.mean, now, 0)
        for family, evaluation in answer.evaluation.items()
        if (score := evaluation.metrics.get(metric)) is not None
    ]
    verdict = answer.comparison.verdict if answer.comparison else "one family only: nothing to compare"
    tags = [RunTag(f"hw3.verdict.{key}", verdict[:5000]), RunTag(f"hw3.data.{key}", answer.data.digest)]
    client.log_batch(run_id, metrics=metrics, tags=tags)
    client.log_text(run_id, answer.model_dump_json(indent=1), f"answers/{key}.json")
    client.log_table(run_id, _table(answer, metric), f"answers/{key}-table.json")


def _table(answer: Answer, metric: str) -> dict[str, list[object]]:
    rows = [(family, evaluation.metrics[metric]) for family, evaluation in answer.evaluation.items()]
    return {
        "family": [family for family, _ in rows],
        metric: [score.mean for _, score in rows],
        "low": [score.low for _, score in rows],
        "high": [score.high for _, score in rows],
        "seeds": [len(score.per_seed) for _, score in rows],
        "train_seconds": [answer.training[family].train_seconds for family, _ in rows],
    }


def log_report(run_id: str, page: Path, description: str) -> None:
    """The report page and the description that the run's own page shows."""
    client, _ = connect()
    client.log_artifact(run_id, str(page))
    client.set_tag(run_id, "mlflow.note.content", description)


FAILED, KILLED = "FAILED", "KILLED"
"""MLflow's statuses of runs that did not end well: by an error, from outside."""


def end_run(run_id: str, status: str, reason: str | None = None) -> None:
    """FINISHED, FAILED or KILLED, with the reason as a tag."""
    client, _ = connect()
    if reason is not None:
        client.set_tag(run_id, "hw3.ended", reason[:5000])
    client.set_terminated(run_id, status)


def open_runs_of(parent_id: str) -> list[str]:
    """Ids of the parent and of its children that are still RUNNING."""
    client, experiment_id = connect()
    children = client.search_runs(
        [experiment_id],
        filter_string=f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent_id}' and attributes.status = 'RUNNING'",
        max_results=1000,
    )
    ids = [run.info.run_id for run in children]
    if client.get_run(parent_id).info.status == "RUNNING":
        ids.append(parent_id)
    return ids
