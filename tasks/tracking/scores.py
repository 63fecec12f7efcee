"""What a family's run says in the end: scores, recipe, figures, the model folder, the best seed's model."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from hw3models.evaluation.scores import headline
from hw3models.runtime.environment import describe_environment
from hw3models.specs import DataReport, DriftReport, EvaluationReport, Score, TrainReport
from tasks.patience import hurry, is_outage
from tasks.tracking.epochs import DIAGNOSTICS, Point, log_points
from tasks.tracking.journal import Facts, Figures, Files, Logged, Text, outbox
from tasks.tracking.results import FOLDER, REPORTS
from tasks.tracking.store import connect, now_ms

_RECORDED = "hw3.recorded"
"""Digest of the prediction table whose scores the run has."""


def log_results(
    run_id: str,
    training: TrainReport,
    evaluation: EvaluationReport,
    data: DataReport,
    *,
    cached: bool,
    metric: str | None = None,
) -> None:
    """Final scores with their interval ends, recipe, figures, tables, and the best seed's model.

    `metric` is what the study compares by, with which the run's description begins.
    """
    box, now = outbox(), now_ms()
    metrics = _final_metrics(training, evaluation, metric)
    points: list[Point] = [(name, value, now, 0) for name, value in metrics.items()]
    recipe = training.recipe.model_dump(mode="json") if training.recipe else {}
    tags = {
        "device": training.device,
        "strategy": training.strategy,
        "precision": training.precision,
        "best_seed": str(training.best_seed),
        "model_digest": training.digest,
        "mlflow.note.content": _description(training, evaluation, data, metric),
    }
    if training.failures:
        tags["hw3.failures"] = "; ".join(failure.reason for failure in training.failures)
    log_points(run_id, points)
    params = {f"recipe.{name}": str(value) for name, value in recipe.items() if value is not None}
    box.put(run_id, Facts(params=params, tags=tags))
    box.put(run_id, Figures(training=training, evaluation=evaluation, data=data))
    _log_reports(run_id, training, evaluation, cached=cached)
    if training.is_kept:
        box.put(run_id, Logged(training=training, data=data))


def _log_reports(run_id: str, training: TrainReport, evaluation: EvaluationReport, *, cached: bool) -> None:
    """The whole model folder and both reports: everything that was made of this family."""
    reports = {
        "training": training.model_dump(mode="json"),
        "evaluation": evaluation.model_dump(mode="json"),
        "cached": cached,
        # Of the machine that trained, which need not be the one that asks later.
        "environment": describe_environment().model_dump(mode="json"),
    }
    outbox().put(run_id, Files(source=training.directory, folder=FOLDER))
    # Last, so that where it is everything is.
    outbox().put(run_id, Text(path=REPORTS, text=json.dumps(reports, indent=1)))


def log_card(run_id: str, card: str) -> None:
    """The model card, in markdown, as an artifact of the family's run."""
    client, _ = connect()
    client.log_text(run_id, card, "card.md")


def log_explanation(run_id: str, page: Path, figures: Mapping[str, str]) -> None:
    """Page and figures of `hw3 explain`, as artifacts of the family's run."""
    client, _ = connect()
    client.log_artifact(run_id, str(page), "explanation")
    for name, svg in figures.items():
        client.log_text(run_id, svg, f"explanation/figures/{name}.svg")


def log_drift(run_id: str, report: DriftReport) -> None:
    """Every test's effect and p-value, scores, the verdict, and the whole report."""
    now, box = now_ms(), outbox()
    points: list[Point] = [("drifted", float(report.drifted), now, 0)]
    for step, test in enumerate(report.tests):
        points += [("drift_effect", test.effect, now, step), ("drift_p_value", test.p_value, now, step)]
    for name in ("accuracy_before", "accuracy_now", "rmse_before", "rmse_now"):
        one = getattr(report, name)
        if one is not None:
            points += [(key, value, now, 0) for key, value in with_interval(name, one).items()]
    log_points(run_id, points)
    note = {"hw3.drift": "found" if report.drifted else "none", "mlflow.note.content": report.verdict}
    box.put(run_id, Facts(tags={**note, "hw3.reference": report.reference}))
    box.put(run_id, Text(path="drift.json", text=report.model_dump_json(indent=1)))


def mark_recorded(run_id: str, evaluation: EvaluationReport) -> None:
    """All of it is there."""
    outbox().put(run_id, Facts(tags={_RECORDED: evaluation.table_digest}))


def is_recorded(run_id: str, evaluation: EvaluationReport) -> bool:
    """Does the run have these results already, whole? Of a server that does not answer: no; twice does no harm."""
    box = outbox()
    known = box.known_as(run_id)
    if box.is_new(run_id) or box.is_away or known is None:
        return False
    try:
        with hurry(10):
            client, _ = connect()
            return bool(client.get_run(known).data.tags.get(_RECORDED) == evaluation.table_digest)
    except Exception as error:
        if is_outage(error):
            return False
        raise


def _final_metrics(training: TrainReport, evaluation: EvaluationReport, metric: str | None) -> dict[str, float]:
    """The same names for every family, so that MLflow shows families side by side."""
    # The page that compares runs opens with the metric that was written first.
    order = sorted(evaluation.metrics, key=lambda name: name != metric)
    values: dict[str, float] = {}
    for name in order:
        values |= with_interval(name, evaluation.metrics[name])
    values |= {
        "parameters": training.parameters,
        "train_seconds": training.train_seconds,
        f"{DIAGNOSTICS}predict_seconds_per_1000": evaluation.predict_seconds_per_1000,
        f"{DIAGNOSTICS}peak_memory_mb": training.peak_memory_mb,
        "seeds": len(training.seeds),
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def with_interval(name: str, score: Score) -> dict[str, float]:
    """A score by its name; the ends of its interval are no scores, and do not stand among them."""
    return {name: score.mean, f"interval/{name}_low": score.low, f"interval/{name}_high": score.high}


def _description(training: TrainReport, evaluation: EvaluationReport, data: DataReport, metric: str | None) -> str:
    lines = [
        f"**{training.family}** on **{data.name}**: {headline(evaluation, metric)} (95%, {len(training.seeds)} seeds, "
        f"{evaluation.num_test:,} test examples).",
        "",
        f"Trained in {training.train_seconds:.1f} s on {training.device}, {training.parameters:,} parameters, "
        f"data digest `{data.digest}`.",
    ]
    lines += [f"- Lost: {failure.reason}" for failure in training.failures]
    return "\n".join(lines)
