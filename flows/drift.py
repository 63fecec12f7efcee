"""`hw3 drift`: are new data like those that a model was trained on? Also on a schedule, with an event to act on."""

import tempfile
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from flows.prefect_tags import prefect_tags
from flows.studies.closing import HOOKS, close, saying_cancelled
from flows.studies.flush import flush
from flows.studies.one_family import prepare
from hw3models.drift.detection import NUMBERS
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.wording import value_with_interval
from hw3models.printable import one_a_line
from hw3models.specs import DataSpec, DriftReport, DriftSpec
from tasks import tracking
from tasks.drift import fetch_reference, look_for_drift
from tasks.names import slug
from tasks.progress import say


@flow(name="drift", validate_parameters=True, **HOOKS)
@saying_cancelled()
def drift(spec: DriftSpec) -> DriftReport:
    """Compare with the training data, log, publish, and emit `hw3.drift.found` or `hw3.drift.none`."""
    run_id = tracking.open_parent(f"drift from {spec.reference}", spec, prefect_tags())
    with close(run_id), tempfile.TemporaryDirectory() as folder:
        run = fetch_reference(spec.reference, Path(folder) / "reference")
        data = prepare(run.spec)
        spec = spec.model_copy(update={"new": with_columns_of(spec.new, run.spec.data)})
        report = look_for_drift(spec, run, data, run_id).model_copy(update={"run_id": run_id})
        tracking.log_drift(run_id, report)
        _publish(report, data.name, spec.new.source)
        tracking.end_run(run_id, "FINISHED")
    flush()
    say(report.verdict)
    return report


COLUMNS = ("sample_column", "time_column", "label_column", "group_column")


def with_columns_of(new: DataSpec, training: DataSpec) -> DataSpec:
    """Columns are called as in the training data where nothing else was said."""
    fields = DataSpec.model_fields
    unsaid = [name for name in COLUMNS if getattr(new, name) == fields[name].default]
    return new.model_copy(update={name: getattr(training, name) for name in unsaid})


def _publish(report: DriftReport, name: str, source: str) -> None:
    """Artifacts of the flow run, and the event that automations wait for."""
    key = slug(f"drift-{name}")
    create_markdown_artifact(f"## {name}\n\n{as_text(report)}", key=key, description=f"Drift from {report.reference}")
    rows = [test.model_dump(mode="json") for test in report.tests]
    create_table_artifact(rows, key=f"{key}-tests", description=f"Tests for drift from {report.reference}")
    labelled = any(test.what in ("shares of the classes (labels)", f"{NUMBERS} (labels)") for test in report.tests)
    emit_event(
        "hw3.drift.found" if report.drifted else "hw3.drift.none",
        resource={
            "prefect.resource.id": f"hw3.data.{slug(name)}",
            "prefect.resource.name": name,
            # Without labels there is nothing to train on.
            "hw3.labelled": "yes" if labelled else "no",
        },
        payload={
            "path": source,
            "reference": report.reference,
            "verdict": report.verdict,
            "look": report.look,
            "changed": [test.what for test in report.tests if test.drifted],
            "mlflow_run": report.run_id,
        },
    )


def as_text(report: DriftReport) -> str:
    """The verdict, what drifted, and how the model does now."""
    lines = [report.verdict]
    lines += [
        f"- {test.what}: {test.detail}; effect {test.effect:.2f}, p {test.p_value:.2g}"
        for test in sorted(report.tests, key=lambda test: test.p_value)
        if test.drifted
    ]
    before, now, metric = report.accuracy_before, report.accuracy_now, "accuracy"
    if report.rmse_before is not None:
        before, now, metric = report.rmse_before, report.rmse_now, "rmse"
    if before is not None:
        text = value_with_interval(metric, before.mean, before.low, before.high)
        lines.append(f"The model's {METRICS[metric].label} on its own test split: {text}.")
    if now is not None:
        text = value_with_interval(metric, now.mean, now.low, now.high)
        lines.append(f"On the new data: {text}.")
    elif before is not None:
        lines.append("The new data have no labels, so how well it does on them is not known.")
    return one_a_line(lines)
