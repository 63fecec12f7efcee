"""The parent run: one per study or `hw3 run`."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from uuid import uuid4

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.scores import main_metric
from hw3models.evaluation.verdicts import verdict_of
from hw3models.runtime.code_version import code_version
from hw3models.specs import Answer, Spec
from tasks.names import slug
from tasks.patience import hurry, is_outage
from tasks.progress import say
from tasks.tracking.epochs import Point, log_points
from tasks.tracking.journal import End, Facts, Files, Input, Open, Text, View, outbox
from tasks.tracking.opening import PATIENCE, open_run
from tasks.tracking.resuming import adopt, is_started, process_tags, source_tags
from tasks.tracking.scores import with_interval
from tasks.tracking.store import connect, now_ms

VIEW_COLUMNS = 5
"""Metrics that the saved view of a study begins with: that of the study first."""


def open_parent(name: str, spec: Spec, prefect_tags: dict[str, str]) -> str:
    """Start the run; its id. The spec is its parameters and, whole, an artifact.

    A flow run that is tried again goes on in the run of its first attempt, and one whose process died is gone on in by
    the next that has the same spec on the same host.
    """
    # Outside a flow there is nothing to go on from.
    attempt_of = prefect_tags.get("prefect.flow_run_id") or str(uuid4())
    flat = {key: str(value)[:500] for key, value in spec.model_dump(mode="json").items() if value is not None}
    event = Open(
        key=hashlib.sha256(f"{attempt_of}|{spec.fingerprint()}".encode()).hexdigest()[:32],
        name=name,
        tags={
            "hw3.role": "parent",
            "hw3.spec": spec.fingerprint(),
            "hw3.code": code_version("run"),
            "mlflow.note.content": f"**{name}** is under way.",
            **process_tags(),
            **source_tags(prefect_tags),
            **prefect_tags,
        },
        params=flat,
        spec=spec.model_dump_json(indent=1),
        at=now_ms(),
    )
    adopted = None if getattr(spec, "fresh", False) else _adopted(spec, event)
    if adopted is None:
        return open_run(event, None)
    say(f"goes on in MLflow run {adopted}, whose process died")
    outbox().opened(adopted, None, is_new=False)
    return adopted


def _adopted(spec: Spec, event: Open) -> str | None:
    """The run of a dead process to go on in; None without one, or without an answer."""
    try:
        with hurry(PATIENCE):
            if is_started(event.key):
                return None
            return adopt(spec.fingerprint(), {"hw3.key": event.key, **event.tags})
    except Exception as error:
        if not is_outage(error):
            raise
        return None


def log_answer(run_id: str, answer: Answer) -> None:
    """The answer of one data set, on the parent: data, verdict, best scores, table, JSON."""
    # A data set may be called anything; MLflow's names may not.
    name = slug(answer.data.name)
    key = f"{answer.kind}-{name}"
    now = now_ms()
    metric = main_metric(answer)
    points: list[Point] = [
        # MLflow takes no asterisk: `inception*5` is `inception x5` there.
        (f"{name}/{family.replace('*', ' x')}/{metric}", score.mean, now, 0)
        for family, evaluation in answer.evaluation.items()
        if (score := evaluation.metrics.get(metric)) is not None
    ]
    log_points(run_id, points)
    box = outbox()
    tags = {
        f"hw3.verdict.{key}": verdict_of(answer),
        f"hw3.metric.{key}": metric,
        f"hw3.data.{key}": answer.data.digest,
    }
    if answer.comparison is not None and answer.comparison.take:
        tags[f"hw3.take.{key}"] = answer.comparison.take
    box.put(run_id, Input(data=answer.data))
    box.put(run_id, Facts(tags=tags))
    box.put(run_id, Text(path=f"answers/{key}.json", text=answer.model_dump_json(indent=1)))
    # The form in which MLflow keeps tables: that of pandas' `to_json(orient="split")`.
    columns = _table(answer, metric)
    table = {"columns": list(columns), "data": list(zip(*columns.values(), strict=True))}
    box.put(run_id, Text(path=f"answers/{key}-table.json", text=json.dumps(table), is_table=True))


def _table(answer: Answer, metric: str) -> dict[str, list[object]]:
    scores = {family: evaluation.metrics.get(metric) for family, evaluation in answer.evaluation.items()}
    rows = [(family, score) for family, score in scores.items() if score is not None]
    return {
        "family": [family for family, _ in rows],
        metric: [score.mean for _, score in rows],
        "low": [score.low for _, score in rows],
        "high": [score.high for _, score in rows],
        "seeds": [len(score.per_seed) for _, score in rows],
        "train_seconds": [answer.training[family].train_seconds for family, _ in rows],
    }


def log_winner(run_id: str, answers: Sequence[Answer]) -> None:
    """What the table of runs and its saved view show of a study: under the same names, whatever the data are called.

    Of several data sets there is no one score.
    """
    if not answers:
        return
    box, now = outbox(), now_ms()
    metrics = list(dict.fromkeys(main_metric(answer) for answer in answers))
    winners = [_winner(answer) for answer in answers]
    if len(answers) == 1:
        [answer], [winner] = answers, winners
        score = answer.evaluation[winner].metrics.get(metrics[0]) if winner in answer.evaluation else None
        if score is not None:
            log_points(run_id, [(name, value, now, 0) for name, value in with_interval(metrics[0], score).items()])
    named = [f"{answer.data.name}: {winner}" for answer, winner in zip(answers, winners, strict=True)]
    box.put(run_id, Facts(tags={"winner": "; ".join(named) if len(answers) > 1 else winners[0], "metric": metrics[0]}))
    more = [name for answer in answers for one in answer.evaluation.values() for name in one.metrics]
    group_by = ("data", "family") if len(answers) > 1 else ("family",)
    columns = tuple(dict.fromkeys([*metrics, *more]))[:VIEW_COLUMNS]
    ascending = not METRICS[metrics[0]].higher_is_better
    box.put(run_id, View(metrics=columns, ascending=ascending, group_by=group_by, at=now))


def _winner(answer: Answer) -> str:
    """The family to take; of a single one, that one."""
    take = answer.comparison.take if answer.comparison else None
    return take or next(iter(answer.evaluation), "none")


def log_report(run_id: str, page: Path, description: str) -> None:
    """The report page and the description that the run's own page shows."""
    outbox().put(run_id, Files(source=str(page)))
    outbox().put(run_id, Facts(tags={"mlflow.note.content": description}))


_DONE, _REPORT = "hw3.done", "hw3.report"


def mark_done(run_id: str, key: str, report: Path) -> None:
    """The run has the whole answer to what `key` stands for; `report` is its JSON."""
    outbox().put(run_id, Facts(tags={_DONE: key, _REPORT: str(report)}))


def find_done(key: str) -> tuple[str, str] | None:
    """The newest run that has the answer, and its report; None also where MLflow does not answer."""
    try:
        with hurry():
            client, experiment_id = connect()
            condition = f"tags.`{_DONE}` = '{key}' and attributes.status = 'FINISHED'"
            newest = ["attributes.start_time DESC"]
            for run in client.search_runs([experiment_id], condition, max_results=1, order_by=newest):
                return str(run.info.run_id), str(run.data.tags.get(_REPORT, ""))
    except Exception as error:
        if not is_outage(error):
            raise
    return None


Status = Literal["FINISHED", "FAILED", "KILLED"]
FAILED: Status = "FAILED"
KILLED: Status = "KILLED"
"""MLflow's statuses of runs that did not end well: by an error, from outside."""


def end_run(run_id: str, status: Status, reason: str | None = None) -> None:
    """FINISHED, FAILED or KILLED, with the reason as a tag."""
    if reason is not None:
        outbox().put(run_id, Facts(tags={"hw3.ended": reason}))
    outbox().put(run_id, End(status=status, at=now_ms()))


def end_now(run_id: str, status: Status, reason: str) -> None:
    """End a run that another process wrote, without the journal."""
    client, _ = connect()
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
