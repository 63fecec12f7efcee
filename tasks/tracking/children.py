"""The child run: one per family and data set, found again by its key."""

import hashlib
import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from mlflow import MlflowClient
from mlflow.entities import Dataset as LoggedDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.specs import DataReport, EvaluationReport, TrainReport, TrainSpec
from hw3models.training import EpochReport
from tasks.patience import hurry, is_outage
from tasks.progress import say
from tasks.tracking.model import log_model
from tasks.tracking.results import log_reports
from tasks.tracking.resuming import process_tags
from tasks.tracking.store import connect, now_ms

BATCH = 1000
"""Metrics per call, MLflow's own limit."""


def open_child(
    parent_id: str, spec: TrainSpec, data: DataReport, prefect_tags: dict[str, str], *, is_batch: bool = False
) -> str:
    """The run of this family on these data under this parent: found by its key, or started.

    A study that goes on until it is decided has a run for each batch of seeds; `nest` puts them under the family's.
    """
    client, experiment_id = connect()
    key = hashlib.sha256(f"{parent_id}|{spec.fingerprint()}|{data.digest}".encode()).hexdigest()[:32]
    found = client.search_runs([experiment_id], filter_string=f"tags.`hw3.key` = '{key}'", max_results=1)
    if found:
        client.update_run(found[0].info.run_id, status="RUNNING")
        return str(found[0].info.run_id)
    tags = {
        MLFLOW_PARENT_RUN_ID: parent_id,
        "hw3.role": "family",
        "hw3.key": key,
        "family": spec.family,
        "data": data.name,
        **process_tags(),
        **prefect_tags,
    }
    name = _family_name(spec.family, data)
    if is_batch:
        name = f"{spec.family} seeds {spec.seeds[0]}-{spec.seeds[-1]} on {data.name}"
    run = client.create_run(experiment_id, tags=tags, run_name=name)
    run_id = str(run.info.run_id)
    client.log_batch(run_id, params=_params(spec, data))
    _log_data(client, run_id, data)
    return run_id


def name_as_family(run_id: str, family: str, data: DataReport) -> None:
    """The run of a batch of seeds to which no other was added is that of the family."""
    client, _ = connect()
    client.update_run(run_id, name=_family_name(family, data))


def _family_name(family: str, data: DataReport) -> str:
    return f"{family} on {data.name}"


def nest(batches: Sequence[str], family_run: str) -> None:
    """Make the runs of batches of seeds children of their family's run."""
    client, _ = connect()
    for run_id in batches:
        client.set_tag(run_id, MLFLOW_PARENT_RUN_ID, family_run)
        client.set_tag(run_id, "hw3.role", "batch")


def _params(spec: TrainSpec, data: DataReport) -> list[Param]:
    values: dict[str, object] = {
        "family": spec.family,
        "seeds": " ".join(map(str, spec.seeds)),
        "vary": spec.vary,
        "data": data.name,
        "data_digest": data.digest,
        "code_size": spec.code_size,
        "spec": spec.fingerprint(),
    }
    return [Param(name, str(value)[:6000]) for name, value in values.items()]


def _log_data(client: MlflowClient, run_id: str, data: DataReport) -> None:
    """As an MLflow data set with our own digest (MLflow's digests look at 10,000 rows only)."""
    dtype = "uint8" if data.kind == "images" else "float32"
    tensor = {"tensor-spec": {"dtype": dtype, "shape": [-1, *data.shape]}}
    labels = {"tensor-spec": {"dtype": "int64", "shape": [-1]}}
    total = data.num_train + data.num_validation + data.num_test
    entity = LoggedDataset(
        name=data.name,
        digest=data.digest,
        source_type="local",
        source=json.dumps({"uri": data.source}),
        schema=json.dumps({"mlflow_tensorspec": {"features": json.dumps([tensor]), "targets": json.dumps([labels])}}),
        profile=json.dumps(
            {"examples": total, "train": data.num_train, "validation": data.num_validation, "test": data.num_test}
        ),
    )
    inputs = [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])]
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        # Two that log a new data set at the same moment both try to add its row. Now it is there.
        if "datasets" not in str(error):
            raise
        client.log_inputs(run_id, inputs)


class EpochLog:
    """An `on_epoch` that logs mean and spread over the seeds of an epoch once all of them have reported it.

    Replicates that run one after another report an epoch at different times, from different threads.
    `close` logs what is left, such as the epochs after some replicates had stopped.
    """

    def __init__(self, run_id: str, num_seeds: int) -> None:
        self.run_id, self.num_seeds = run_id, num_seeds
        self._client, _ = connect()
        self._lock = threading.Lock()
        self._pending: dict[int, dict[str, list[float]]] = {}
        self._heard: dict[int, int] = defaultdict(int)
        self._ready: list[Metric] = []
        self._flushed = time.monotonic()
        history = self._client.get_metric_history(run_id, "learning_rate")
        self._logged = max((point.step for point in history), default=0)
        """The last epoch that an earlier process has logged: a resumed training reports its epochs again."""

    def __call__(self, report: EpochReport) -> None:
        """Take in an epoch of a group of replicates."""
        with self._lock:
            _collect(self._pending.setdefault(report.epoch, defaultdict(list)), report)
            self._heard[report.epoch] += len(report.seeds)
            if self._heard[report.epoch] == self.num_seeds:
                self._take(report.epoch)
            # A few calls per training, not one a step: each costs tens of milliseconds.
            if time.monotonic() - self._flushed > 5:
                self._flush()

    def close(self) -> None:
        """Log what has not been logged, waiting for a server that is away; what is lost then is told, not raised."""
        with self._lock:
            for epoch in sorted(self._pending):
                self._take(epoch)
            try:
                self._send()
            except Exception as error:
                say(f"{len(self._ready)} points of the training's history could not be logged: {error}")

    def _take(self, epoch: int) -> None:
        values = self._pending.pop(epoch)
        if epoch > self._logged:
            self._ready.extend(_summaries(values, epoch))

    def _flush(self) -> None:
        """While it trains nothing waits: what cannot be sent now is sent with the next batch."""
        try:
            with hurry():
                self._send()
        except Exception as error:
            if not is_outage(error):
                raise
        self._flushed = time.monotonic()

    def _send(self) -> None:
        while self._ready:
            self._client.log_batch(self.run_id, metrics=self._ready[:BATCH])
            del self._ready[:BATCH]


def _collect(table: dict[str, list[float]], report: EpochReport) -> None:
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        values = zip(getattr(report, name) or (), report.running, strict=False)
        table[name].extend(value for value, runs in values if runs and math.isfinite(value))
    table["learning_rate"].append(report.learning_rate)


def _summaries(table: Mapping[str, list[float]], epoch: int) -> list[Metric]:
    now = now_ms()
    metrics = []
    for name, values in table.items():
        if not values:
            continue
        metrics.append(Metric(name, fmean(values), now, epoch))
        if name != "learning_rate" and len(values) > 1:
            metrics.append(Metric(f"{name}_sd", stdev(values), now, epoch))
    return metrics


def log_results(
    run_id: str,
    training: TrainReport,
    evaluation: EvaluationReport,
    data: DataReport,
    figures: Mapping[str, str],
    *,
    cached: bool,
) -> None:
    """Final scores with their interval ends, recipe, figures (name -> SVG), tables, and the best seed's model."""
    client, _ = connect()
    now = now_ms()
    metrics = [Metric(name, value, now, 0) for name, value in _final_metrics(training, evaluation).items()]
    for name, score in evaluation.metrics.items():
        metrics += [Metric(f"{name}_per_seed", v, now, step) for step, v in enumerate(score.per_seed)]
    recipe = training.recipe.model_dump(mode="json") if training.recipe else {}
    params = [Param(f"recipe.{name}", str(value)) for name, value in recipe.items()]
    tags = {
        "device": training.device,
        "strategy": training.strategy,
        "best_seed": str(training.best_seed),
        "model_digest": training.digest,
        "hw3.failures": "; ".join(failure.reason for failure in training.failures)[:5000],
        "mlflow.note.content": _description(training, evaluation, data),
    }
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])
    client.log_batch(run_id, params=params, tags=[RunTag(name, value) for name, value in tags.items()])
    for name, svg in figures.items():
        client.log_text(run_id, svg, f"figures/{name}.svg")
    log_reports(run_id, training, evaluation, cached=cached)
    if training.recipe is not None:
        log_model(run_id, training, data)


_RECORDED = "hw3.recorded"
"""Digest of the prediction table whose scores the run has."""


def mark_recorded(run_id: str, evaluation: EvaluationReport) -> None:
    """All of it is there."""
    client, _ = connect()
    client.set_tag(run_id, _RECORDED, evaluation.table_digest)


def is_recorded(run_id: str, evaluation: EvaluationReport) -> bool:
    """Does the run have these results already, whole?"""
    client, _ = connect()
    return bool(client.get_run(run_id).data.tags.get(_RECORDED) == evaluation.table_digest)


def log_history(run_id: str, training: TrainReport) -> None:
    """The epochs of a training that was taken from the cache, as if they had been logged while it ran."""
    path = Path(training.directory) / "history.json"
    client, _ = connect()
    if not path.exists() or client.get_metric_history(run_id, "learning_rate"):
        return
    history = json.loads(path.read_text())
    now = now_ms()
    metrics = [Metric("learning_rate", value, now, e) for e, value in enumerate(history["learning_rate"], 1)]
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        rows = history[name] or []
        for epoch in range(1, 1 + max(map(len, rows), default=0)):
            values = [row[epoch - 1] for row in rows if len(row) >= epoch and row[epoch - 1] is not None]
            metrics += _summaries({name: values}, epoch)
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def _final_metrics(training: TrainReport, evaluation: EvaluationReport) -> dict[str, float]:
    """The same names for every family, so that MLflow shows families side by side."""
    values: dict[str, float] = {
        "parameters": training.parameters,
        "train_seconds": training.train_seconds,
        "predict_seconds_per_1000": evaluation.predict_seconds_per_1000,
        "peak_memory_mb": training.peak_memory_mb,
        "seeds": len(training.seeds),
    }
    for name, score in evaluation.metrics.items():
        values |= {name: score.mean, f"{name}_low": score.low, f"{name}_high": score.high}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _description(training: TrainReport, evaluation: EvaluationReport, data: DataReport) -> str:
    name = "accuracy" if "accuracy" in evaluation.metrics else "mse"
    score = evaluation.metrics[name]
    factor, unit = (100, "%") if name == "accuracy" else (1, "")
    lines = [
        f"**{training.family}** on **{data.name}**: {name} {factor * score.mean:.4g}{unit} "
        f"[{factor * score.low:.4g}, {factor * score.high:.4g}] (95%, {len(training.seeds)} seeds, "
        f"{evaluation.num_test:,} test examples).",
        "",
        f"Trained in {training.train_seconds:.1f} s on {training.device}, {training.parameters:,} parameters, "
        f"data digest `{data.digest}`.",
    ]
    lines += [f"- Lost: {failure.reason}" for failure in training.failures]
    return "\n".join(lines)
