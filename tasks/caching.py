"""Unchanged steps are skipped: cache keys of content digests and the code's own version.

Prefect's default keys hash arguments and the task's own lines. Ours name what the outcome depends on:
specs, data digests, the rooms of `hw3models` that the step uses, and the machine's device.
"""

import hashlib
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext

from hw3models.data import load_prepared
from hw3models.engine.fitted_store import fitted_digest, fitted_file
from hw3models.engine.model_store import load_model, weights_digest
from hw3models.errors import DataError, DigestError, SpecError
from hw3models.evaluation.prediction_table import load_table
from hw3models.runtime.code_version import code_version
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.specs import DataReport, EvaluationReport, Spec, TrainReport, TrainSpec

IGNORED = {"run_id", "fresh"}
"""Arguments that say where to log, and whether to take what is there, not what to compute."""

_R = TypeVar("_R", DataReport, TrainReport, EvaluationReport)


def cache_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    """`hw3-<task>-<sha256 of arguments and code>`: the code that the step of that name uses (`STEPS`).

    Specs count by content, everything else by its text.
    """
    sha = hashlib.sha256(code_version(context.task.name).encode())
    for name in sorted(set(arguments) - IGNORED):
        value = arguments[name]
        text = value.fingerprint() if isinstance(value, Spec) else repr(value)
        if isinstance(value, TrainSpec):
            text += _device(value)
        sha.update(f"|{name}={text}".encode())
    return f"hw3-{context.task.name}-{sha.hexdigest()[:32]}"


def _device(spec: TrainSpec) -> str:
    """The machine's: a training that asks for a GPU is not answered with one done on a CPU."""
    try:
        return describe_device(pick_device(spec.device))
    except SpecError:
        return spec.device  # not there: the step itself says so


def run_cached(step: Task[..., _R], *arguments: Any, fresh: bool = False) -> tuple[_R, bool]:
    """Run the task, or take its cached result; True when it was taken. With `fresh` it is run, and cached anew.

    A cached report whose files are gone (a cleaned folder, another machine) or edited is not believed: the step runs
    again.
    """
    if fresh:
        return step.with_options(refresh_cache=True)(*arguments), False
    state = cast(State[_R], step(*arguments, return_state=True))
    report = state.result()
    if state.name != "Cached":
        return report, False
    if are_whole(report):
        return report, True
    return step.with_options(refresh_cache=True)(*arguments), False


def files_are_there(report: DataReport | TrainReport | EvaluationReport) -> bool:
    """Is everything that the report describes still on this machine?"""
    return all(Path(path).exists() for path in _files(report))


def are_whole(report: DataReport | TrainReport | EvaluationReport) -> bool:
    """Is everything there, with the digest that the report has?"""
    if not files_are_there(report):
        return False
    try:
        if isinstance(report, DataReport):
            return load_prepared(report).digest == report.digest
        if isinstance(report, EvaluationReport):
            return load_table(Path(report.table_path)).digest == report.table_digest
        directory = Path(report.directory)
        if report.recipe is not None:
            load_model(directory)
            return weights_digest(directory) == report.digest
        is_kept = not report.is_kept or fitted_digest(fitted_file(directory).read_bytes()) == report.kept_digest
        return is_kept and load_table(directory / "predictions.npz").digest == report.digest
    except (DataError, DigestError, OSError):
        return False


def _files(report: DataReport | TrainReport | EvaluationReport) -> tuple[str, ...]:
    if isinstance(report, DataReport):
        return (report.path,)
    if isinstance(report, EvaluationReport):
        return (report.table_path,)
    names: tuple[str, ...] = ("model.json", "replicates.safetensors", "history.json")
    if report.recipe is None:
        names = (
            "predictions.npz",
            *(("model.json", fitted_file(Path(report.directory)).name) if report.is_kept else ()),
        )
    return tuple(str(Path(report.directory) / name) for name in names)
