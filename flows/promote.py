"""`hw3 promote`, `hw3 history` and `hw3 rollback`, and promotion as a flow."""

import tempfile
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.embedded import embedded_server, prepare_environment, without_heartbeats
from flows.one_family import prepare
from flows.servers import check_servers
from hw3models.errors import SpecError
from hw3models.specs import Answer, PromoteSpec, Promotion, PromotionReport, RegistryEvent
from tasks import promotion
from tasks.names import slug
from tasks.progress import say
from tasks.tracking import registry
from tasks.tracking.finding import fetch_family, find_answers


@flow(name="promote", validate_parameters=True)
def promote(spec: PromoteSpec) -> PromotionReport:
    """The winner of every data set of a study goes before the gate; each decision is an artifact."""
    _, answers = find_answers(spec.run)
    wanted = [answer for answer in answers if spec.data in (None, answer.data.name)]
    if not wanted:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"the run has no data set {spec.data!r}; it has: {names}.")
    report = PromotionReport(promotions=tuple(_one(answer, spec) for answer in wanted))
    for one in report.promotions:
        say(line(one))
        create_markdown_artifact(
            _markdown(one), key=f"promotion-{slug(one.model)}", description=f"The gate on {one.model}"
        )
    return report


def _one(answer: Answer, spec: PromoteSpec) -> Promotion:
    family = promotion.challenger_of(answer, spec.family)
    with tempfile.TemporaryDirectory() as folder:
        run = fetch_family(answer.run_ids[family], Path(folder) / "challenger")
        # The same data again, from their source: the digest says so.
        return promotion.promote(answer, spec, run, prepare(run.spec))


def line(one: Promotion) -> str:
    """What was decided, for a terminal."""
    return (
        f"{one.model} version {one.version} ({one.family} on {one.data}): {one.decision.outcome}. {one.decision.reason}"
    )


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


def run_promote(spec: PromoteSpec, *, verbose: bool = False) -> PromotionReport:
    """From the command line."""
    check_servers()
    prepare_environment(verbose=verbose)
    with embedded_server(), without_heartbeats():
        return promote(spec)


def history(model: str | None) -> list[RegistryEvent]:
    """Every decision about one model, or about all, oldest first.

    Raises:
        SpecError: no such model.
    """
    check_servers()
    names = registry.models()
    if model is not None and model not in names:
        raise SpecError(f"there is no registered model {model!r}; there are: {', '.join(names) or 'none'}.")
    events = [event for name in ([model] if model else names) for event in registry.history(name)]
    return sorted(events, key=lambda event: event.at)


def rollback(model: str, to: int | None, reason: str) -> RegistryEvent:
    """Give `champion` back to the version that had it before, or to another one.

    Raises:
        SpecError: there is no champion, none before it, or no such version.
    """
    events = history(model)
    now = registry.version_with(model, registry.CHAMPION)
    if now is None:
        raise SpecError(f"{model} has no champion that could be rolled back.")
    if to is None:
        to = _before(events, now)
    if to is None:
        raise SpecError(f"version {now} of {model} is the first champion: name another with `--to VERSION`.")
    if to == now:
        raise SpecError(f"version {to} is the champion of {model} already.")
    registry.run_of(model, to)
    registry.move(model, registry.CHAMPION, to)
    event = RegistryEvent(
        at=registry.now(),
        model=model,
        version=to,
        event="rollback",
        reason=f"Rolled back from version {now}: {reason}",
        champion=to,
    )
    registry.write_down(event)
    return event


def _before(events: list[RegistryEvent], now: int) -> int | None:
    """The champion that the present one took over from."""
    reign = [event.champion for event in events if event.event in ("champion", "rollback")]
    steps = [champion for at, champion in enumerate(reign) if at == 0 or champion != reign[at - 1]]
    if now not in steps:
        return None
    at = len(steps) - 1 - steps[::-1].index(now)
    return steps[at - 1] if at else None
