"""The child run: one per family and data set, found again by its key."""

import hashlib
import math
from collections.abc import Sequence

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.families import find_family
from hw3models.objectives import RECONSTRUCTION
from hw3models.specs import DataReport, EvaluationReport, TrainSpec
from tasks.tracking.journal import STUDY, Facts, Name, Open, SeedRun, Seeds, outbox
from tasks.tracking.opening import open_run
from tasks.tracking.resuming import process_tags, source_tags
from tasks.tracking.store import now_ms

MOST_SEEDS = 50
"""Seeds of a family that get a run of their own: each costs three calls."""


def open_child(
    parent_id: str, spec: TrainSpec, data: DataReport, prefect_tags: dict[str, str], *, is_batch: bool = False
) -> str:
    """The run of this family on these data under this parent: found by its key, or started.

    A study that goes on until it is decided has a run for each batch of seeds; `nest` puts them under the family's.
    """
    name, study = _family_name(spec.family, data), outbox().known_as(parent_id) or parent_id
    if is_batch:
        name = f"{spec.family} seeds {spec.seeds[0]}-{spec.seeds[-1]} on {data.name}"
    event = Open(
        key=hashlib.sha256(f"{parent_id}|{spec.fingerprint()}|{data.digest}".encode()).hexdigest()[:32],
        name=name,
        tags={
            MLFLOW_PARENT_RUN_ID: study,
            STUDY: study,
            "hw3.role": "family",
            "family": spec.family,
            "data": data.name,
            **process_tags(),
            **source_tags(prefect_tags),
            **prefect_tags,
        },
        params=_params(spec, data),
        data=data,
        # Who promotes, predicts or looks for drift prepares the same data again from it.
        spec=spec.model_dump_json(indent=1),
        at=now_ms(),
    )
    return open_run(event, parent_id)


def name_as_family(run_id: str, family: str, data: DataReport) -> None:
    """The run of a batch of seeds to which no other was added is that of the family."""
    outbox().put(run_id, Name(name=_family_name(family, data)))


def _family_name(family: str, data: DataReport) -> str:
    return f"{family} on {data.name}"


def log_seeds(run_id: str, evaluation: EvaluationReport, data: DataReport) -> None:
    """Leave a run for each seed below the family's, with the same names of metrics: what MLflow groups and draws."""
    seeds = evaluation.seeds[:MOST_SEEDS]
    runs = tuple(
        SeedRun(seed=seed, metrics={name: value for name, value in _of_seed(evaluation, row) if math.isfinite(value)})
        for row, seed in enumerate(seeds)
    )
    event = Seeds(
        name=_family_name(evaluation.family, data),
        tags={"family": evaluation.family, "data": data.name, **process_tags()},
        params={"family": evaluation.family},
        seeds=runs,
        at=now_ms(),
    )
    outbox().put(run_id, event)


def _of_seed(evaluation: EvaluationReport, row: int) -> list[tuple[str, float]]:
    scores = evaluation.metrics.items()
    return [(name, score.per_seed[row]) for name, score in scores if len(score.per_seed) == len(evaluation.seeds)]


def nest(batches: Sequence[str], family_run: str) -> None:
    """Make the runs of batches of seeds children of their family's run."""
    for run_id in batches:
        outbox().put(run_id, Facts(tags={MLFLOW_PARENT_RUN_ID: family_run, "hw3.role": "batch"}))


def _params(spec: TrainSpec, data: DataReport) -> dict[str, str]:
    values: dict[str, object] = {
        "family": spec.family,
        "seeds": " ".join(map(str, spec.seeds)),
        "resampling": spec.resampling,
        "data": data.name,
        "data_digest": data.digest,
        "spec": spec.fingerprint(),
    }
    if find_family(data.kind, spec.family, spec.origin).objective is RECONSTRUCTION:
        values["latent_dim"] = spec.latent_dim
    if spec.origin is not None:
        values |= {"origin": spec.origin.reference, "origin.code": spec.origin.identity}
    return {name: str(value) for name, value in values.items()}
