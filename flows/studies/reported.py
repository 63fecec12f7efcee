"""What every flow does around its studies: an MLflow parent run, the report page, a clear end."""

import shlex
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from coolname.data import config as coolname_words
from prefect import get_run_logger
from prefect.runtime import deployment as prefect_deployment
from prefect.runtime import flow_run

from flows.prefect_tags import prefect_tags
from flows.studies.closing import close, saying_cancelled
from flows.studies.flush import flush
from flows.studies.pages import page_path
from flows.studies.result_cache import done_before, is_whole
from hw3models.data.addresses import short_name
from hw3models.evaluation.verdicts import verdict_of
from hw3models.pipeline.defaults import NOT_COMPARED
from hw3models.runtime.environment import describe_environment
from hw3models.runtime.files import write_atomically
from hw3models.specs import Answer, HomeworkPart, RunReport, Spec
from tasks import tracking
from tasks.artifacts import publish
from tasks.liveness import present
from tasks.names import slug
from tasks.progress import logged, say
from tasks.reporting import report


class Outcome(NamedTuple):
    """What a flow of several studies has found."""

    answers: tuple[Answer, ...]
    homework: tuple[HomeworkPart, ...] = ()
    missing: tuple[str, ...] = ()
    """Studies without an answer, with the reason."""


_started: list[UUID] = []
_finished: dict[str, bool] = {}
"""MLflow's parent runs of this process, and whether they have come to their end."""
_parent: ContextVar[str | None] = ContextVar("parent", default=None)
"""MLflow run of the flow that the current one is a part of."""


def started_flow_runs() -> tuple[UUID, ...]:
    """Flow runs that this process has started, parents first."""
    return tuple(_started)


def told_of_runs() -> str:
    """What the runs of this process are marked as once it was interrupted; empty where there are none yet."""
    if _finished:
        return "" if all(_finished.values()) else " Runs are marked KILLED and Cancelled."
    return " Its run in Prefect is marked Cancelled." if _started else ""


def reported(title: str, spec: Spec, body: Callable[[str], Answer | Outcome]) -> RunReport:
    """Let `body` find the answers under an MLflow parent run, then write and log the report.

    Within another `reported` flow there is neither a run nor a report of its own: the outer one makes them.
    However it ends, no run stays RUNNING: FAILED after an error, KILLED after an interruption.
    """
    if flow_run.id:
        _started.append(UUID(flow_run.id))
    with present(flow_run.id), saying_cancelled():
        return _reported(title, spec, body)


def _reported(title: str, spec: Spec, body: Callable[[str], Answer | Outcome]) -> RunReport:
    started, clock = datetime.now().astimezone(), time.perf_counter()
    if outer := _parent.get():
        return _body(title, body, outer, started, clock)
    key, before = done_before(spec)
    if before is not None:
        return before
    run_id = tracking.open_parent(title, spec, prefect_tags())
    _finished[run_id] = False
    token = _parent.set(run_id)
    try:
        with logged(get_run_logger().info), close(run_id):
            with tracking.watched(run_id):
                run = _body(title, body, run_id, started, clock)
            return _finish(run, run_id, page_path(title, started), key if is_whole(run, spec) else None)
    finally:
        _parent.reset(token)


def _body(
    title: str, body: Callable[[str], Answer | Outcome], run_id: str, started: datetime, clock: float
) -> RunReport:
    outcome = body(run_id)
    answers, homework, missing = Outcome((outcome,)) if isinstance(outcome, Answer) else outcome
    return RunReport(
        title=title,
        command=_command(),
        started=started.isoformat(timespec="seconds"),
        seconds=time.perf_counter() - clock,
        answers=answers,
        homework=homework,
        environment=describe_environment(),
        tracking=tracking.tracking(run_id),
        prefect=prefect_tags(),
        warnings=(*missing, *_warnings(answers)),
    )


def _finish(run: RunReport, run_id: str, page: Path, key: str | None) -> RunReport:
    report(run, page)
    run = run.model_copy(update={"report": str(page)})
    # `hw3 report` writes the page again from this.
    write_atomically(page.with_suffix(".json"), run.model_dump_json(indent=1).encode())
    publish(run)
    tracking.log_winner(run_id, run.answers)
    tracking.log_report(run_id, page, _description(run))
    if key is not None:
        tracking.mark_done(run_id, key, page.with_suffix(".json"))
    tracking.end_run(run_id, "FINISHED")
    _finished[run_id] = True
    flush()
    say(f"report: {page}")
    return run


def _command() -> str:
    """The deployment that started the run, or the command line, or the flow as Python code calls it."""
    if prefect_deployment.name:
        return f"deployment {prefect_deployment.name}"
    called = Path(sys.argv[0])
    if called.name == "hw3" or called.parts[-3:] == ("flows", "cli", "__main__.py"):
        return shlex.join(["hw3", *sys.argv[1:]])
    return f"{flow_run.flow_name}(...) called from Python"


def flow_name() -> str:
    """Run names of flows: the flow, what it is about and a part of its id, such as `sequences-order-x5-3f2a`.

    A name that somebody has given stays.
    """
    name, asked = flow_run.name or "", flow_run.parameters
    if name and not _is_made_up(name):
        return str(name)
    spec = asked.get("spec")
    data = getattr(spec, "data", None)
    source = data.source if data else getattr(spec, "images", None) or asked.get("source", "")
    seeds = spec.seeds if spec is not None else asked.get("seeds")
    return slug(f"{flow_run.flow_name} {Path(short_name(source)).stem} x{seeds} {str(flow_run.id)[:4]}")


def _is_made_up(name: str) -> bool:
    """Is it one that Prefect draws for runs without a name, such as `brave-otter`?"""
    words = name.split("-")
    return len(words) == 2 and all(word in _words() for word in words)


@cache
def _words() -> frozenset[str]:
    config: dict[str, Any] = coolname_words
    return frozenset(word for one in config.values() for word in one.get("words", ()))


def _warnings(answers: tuple[Answer, ...]) -> tuple[str, ...]:
    """What must be read before the verdicts."""
    found: list[str] = []
    for answer in answers:
        found += answer.data.warnings
        found += [
            f"{answer.data.name}: {family} could not be trained: {why}" for family, why in answer.failures.items()
        ]
        found += [f"{answer.data.name}: {note}" for note in answer.notes if not note.startswith(NOT_COMPARED)]
    return tuple(dict.fromkeys(found))


def _description(run: RunReport) -> str:
    """The run's page in MLflow begins with the verdicts."""
    lines = [f"**{warning}**" for warning in run.warnings]
    for answer in run.answers:
        lines += [f"### {answer.kind}: {answer.data.name}", verdict_of(answer)]
    lines.append(f"Made by `{run.command}` in {run.seconds:.0f} s; the report is among the artifacts.")
    return "\n\n".join(lines)
