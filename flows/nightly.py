"""What runs every night: studies with the day's own seeds, and the gate behind each."""

from datetime import UTC, datetime
from typing import TypeVar

from prefect import flow

from flows.autoencoder import autoencoder
from flows.images import images
from flows.promote import promote
from flows.sequences import sequences
from flows.studies.closing import HOOKS, saying_cancelled
from hw3models.specs import NightlySpec, PromoteSpec, PromotionReport, RunReport, StudySpec

_S = TypeVar("_S", bound=StudySpec)


@flow(name="nightly", validate_parameters=True, **HOOKS)
@saying_cancelled()
def nightly(spec: NightlySpec) -> PromotionReport:
    """Run, compare, gate. The champion changes only when something is better beyond noise."""
    day = datetime.now(UTC).date().toordinal()
    runs: list[RunReport] = []
    if spec.sequences:
        runs.append(sequences(_of_day(spec.sequences, day, new_seeds=spec.new_seeds)))
    if spec.images:
        runs.append(images(_of_day(spec.images, day, new_seeds=spec.new_seeds)))
    if spec.autoencoder:
        runs.append(autoencoder(_of_day(spec.autoencoder, day, new_seeds=spec.new_seeds)))
    gate = spec.gate.model_dump()
    found = [promote(PromoteSpec(run=run.tracking.run_id, **gate)) for run in runs if run.tracking]
    return PromotionReport(promotions=tuple(one for report in found for one in report.promotions))


def _of_day(study: _S, day: int, *, new_seeds: bool) -> _S:
    """A second start on the same day has the same seeds, and so is found done."""
    return study.model_copy(update={"first_seed": (day * 1000) % 2**30}) if new_seeds else study
