"""`hw3 promote`: winners go before the gate."""

import tempfile
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.studies.closing import saying_cancelled
from flows.studies.one_family import prepare
from hw3models.errors import SpecError
from hw3models.specs import Answer, PromoteSpec, Promotion, PromotionReport
from tasks import promotion
from tasks.names import slug
from tasks.progress import say
from tasks.tracking.finding import find_answers


@flow(name="promote", validate_parameters=True)
@saying_cancelled()
def promote(spec: PromoteSpec) -> PromotionReport:
    """The winner of every data set of a study goes before the gate; each decision is an artifact."""
    _, answers = find_answers(spec.run)
    wanted = [answer for answer in answers if spec.data in (None, answer.data.name)]
    if not wanted:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"the run has no data set {spec.data!r}; it has: {names}.")
    report = PromotionReport(promotions=tuple(_one(answer, spec) for answer in wanted))
    for one in report.promotions:
        say(f"{one.model} version {one.version}: {one.decision.outcome}")
        create_markdown_artifact(
            _markdown(one), key=f"promotion-{slug(one.model)}", description=f"The gate on {one.model}"
        )
    return report


def _one(answer: Answer, spec: PromoteSpec) -> Promotion:
    with tempfile.TemporaryDirectory() as folder:
        run = promotion.fetch_challenger(answer, spec.family, Path(folder) / "challenger")
        # The same data again, from their source: the digest says so.
        return promotion.promote(answer, spec, run, prepare(run.spec))


def _markdown(one: Promotion) -> str:
    champion = "none" if one.champion_now is None else f"version {one.champion_now}"
    rows = [f"- {pair.sentence}" for pair in one.decision.pairs]
    return "\n".join(
        [
            f"## {one.model}: version {one.version} is {one.decision.outcome}",
            "",
            one.decision.reason,
            "",
            *rows,
            "",
            f"Champion: {champion}. Data digest `{one.data_digest}`, MLflow run `{one.run_id}`.",
        ]
    )
