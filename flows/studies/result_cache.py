"""Was exactly this done before? Then its answer is given again, instead of a second run that could only repeat it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from hw3models.data import fetch
from hw3models.data.sources import find_source
from hw3models.families import identity_of
from hw3models.runtime.code_version import code_version
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.specs import Answer, DataSpec, EvaluationReport, Hw3Spec, RunReport, Spec, StudySpec, TrainReport
from tasks import tracking
from tasks.caching import files_are_there
from tasks.progress import say
from tasks.settings import Settings


def key_of(spec: StudySpec | Hw3Spec) -> str:
    """What the answer depends on: the spec, the content of the raw data, our code, and this machine's device."""
    sha = hashlib.sha256("|".join((type(spec).__name__, spec.fingerprint(), code_version("run"))).encode())
    sha.update(describe_device(pick_device(spec.device)).encode())
    sha.update(_content(_data(spec)).encode())
    for name in (isinstance(spec, StudySpec) and spec.families) or ():
        sha.update(identity_of(name).encode())
    return sha.hexdigest()[:32]


def _content(data: DataSpec) -> str:
    """The digest of the raw data, and what reads them. Where it is fixed by checksums they need not be here yet."""
    if find_source(data.source, data.layout).is_remote:
        return data.source
    report = fetch(data, cache=Settings().cache)
    return report.digest + report.reader


def _data(spec: StudySpec | Hw3Spec) -> DataSpec:
    # Regimes are made by our code, whose version is in the key.
    found = DataSpec(source=spec.images) if isinstance(spec, Hw3Spec) else getattr(spec, "data", None)
    assert isinstance(found, DataSpec)
    return found


def done_before(spec: Spec) -> tuple[str | None, RunReport | None]:
    """The key of the answer, and the run that found it; None where there is none, or where a fresh one is wanted."""
    if not isinstance(spec, (StudySpec, Hw3Spec)):
        return None, None
    try:
        key = key_of(spec)
    except Exception:
        # Data that are not there, a device that is not: the study itself says so, with its steps around it.
        return None, None
    if spec.fresh:
        return key, None
    found = tracking.find_done(key)
    if found is None:
        return key, None
    run_id, path = found
    try:
        report = RunReport.model_validate_json(Path(path).read_text())
    except (OSError, ValidationError):
        return key, None  # cleaned away, or of another version
    if not all(files_are_there(one) for answer in report.answers for one in _parts(answer)):
        return key, None
    say(f"already done on {report.started[:16]}, cached: MLflow run {run_id}, {report.report}; --fresh runs it again")
    return key, report


def _parts(answer: Answer) -> Iterator[TrainReport | EvaluationReport]:
    yield from answer.training.values()
    yield from answer.evaluation.values()


def is_whole(run: RunReport, spec: Spec) -> bool:
    """Is nothing missing that another try could bring?"""
    asked = find_source(_data(spec).source) if isinstance(spec, (StudySpec, Hw3Spec)) else None
    # Such as digits in place of MNIST, which could not be had.
    replaced = asked is not None and any(answer.data.source in asked.stands_for[1:] for answer in run.answers)
    lost = any(answer.failures or any(one.failures for one in answer.training.values()) for answer in run.answers)
    return not (replaced or lost or (isinstance(spec, Hw3Spec) and _lacks_a_part(run, spec)))


def _lacks_a_part(run: RunReport, spec: Hw3Spec) -> bool:
    return len(run.answers) < 2 + len(spec.regimes) + len(spec.image_regimes) or (spec.homework and not run.homework)
