"""The child run: one per family and data set, found again by its key."""

import hashlib
from collections.abc import Sequence

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hw3models.specs import DataReport, TrainSpec
from tasks.tracking.journal import Facts, Name, Open, outbox
from tasks.tracking.opening import open_run
from tasks.tracking.resuming import process_tags
from tasks.tracking.store import now_ms


def open_child(
    parent_id: str, spec: TrainSpec, data: DataReport, prefect_tags: dict[str, str], *, is_batch: bool = False
) -> str:
    """The run of this family on these data under this parent: found by its key, or started.

    A study that goes on until it is decided has a run for each batch of seeds; `nest` puts them under the family's.
    """
    name = _family_name(spec.family, data)
    if is_batch:
        name = f"{spec.family} seeds {spec.seeds[0]}-{spec.seeds[-1]} on {data.name}"
    event = Open(
        key=hashlib.sha256(f"{parent_id}|{spec.fingerprint()}|{data.digest}".encode()).hexdigest()[:32],
        name=name,
        tags={
            MLFLOW_PARENT_RUN_ID: outbox().known_as(parent_id) or parent_id,
            "hw3.role": "family",
            "family": spec.family,
            "data": data.name,
            **process_tags(),
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
        "latent_dim": spec.latent_dim,
        "spec": spec.fingerprint(),
    }
    return {name: str(value) for name, value in values.items()}
