"""The model registry: promote, look back, roll back, predict."""

import json as jsonlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.app import Flat, Json, Verbose, app, with_sources
from flows.terminal import show, show_json
from hw3models.printable import one_a_line
from hw3models.specs import FormOptions, GateOptions, PromoteSpec, Promotion, PromotionReport, RegistryEvent


@app.command
def promote(
    run: str | None = None,
    /,
    *,
    data: str | None = None,
    family: str | None = None,
    licence: str | None = None,
    override: str | None = None,
    gate: Annotated[GateOptions, Flat] = GateOptions(),  # noqa: B008
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Put the winner of a study before the gate: it becomes champion only if it is better beyond noise.

    Parameters
    ----------
    run
        MLflow run of a study or of one of its families, or the `.json` beside a report; the newest study if not given.
    data
        Only this data set of a run with several.
    family
        This family instead of the winner.
    licence
        Licence of the data, for the model card.
    override
        Make it the champion whatever the gate says, for this reason, which is kept in the history.
    json
        Print what was decided as one JSON object.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import run_here

    def load() -> Callable[[PromoteSpec], PromotionReport]:
        from flows.promote import promote

        return promote

    spec = PromoteSpec(run=run, data=data, family=family, licence=licence, override=override, **dict(gate))
    report = run_here(load, spec, verbose=verbose)
    if json:
        show_json(report.model_dump_json(indent=1))
    else:
        show(one_a_line(map(_line, report.promotions)))


def _line(one: Promotion) -> str:
    return (
        f"{one.model} version {one.version} ({one.family} on {one.data}): {one.decision.outcome}. {one.decision.reason}"
    )


@app.command
def history(model: str | None = None, /, *, json: Json = False) -> None:
    """Every decision of the gate, refusals and rollbacks included, oldest first.

    Parameters
    ----------
    model
        Registered name, such as `hw3-images`; all if not given.
    json
        Print it as a JSON list.
    """
    from flows.registry import history

    events = history(model)
    if json:
        show_json(jsonlib.dumps([event.model_dump(mode="json") for event in events], indent=1))
        return
    show(one_a_line(map(_told, events)) or "no model has been promoted yet")


def _told(event: RegistryEvent) -> str:
    champion = "no champion" if event.champion is None else f"champion: {event.champion}"
    return f"{event.at[:16]}  {event.model} version {event.version}: {event.event} ({champion}). {event.reason}"


@app.command
def rollback(
    model: str,
    /,
    *,
    to: Annotated[int | None, Parameter(name="--to")] = None,
    reason: str = "no reason given",
) -> None:
    """Give the alias `champion` back to the version that had it before.

    Parameters
    ----------
    model
        Registered name, such as `hw3-images`.
    to
        This version instead.
    reason
        Kept in the history.
    """
    from flows.registry import rollback

    event = rollback(model, to, reason)
    show(one_a_line([f"{event.model}: version {event.version} is the champion. {event.reason}"]))


@app.command
@with_sources("unlabelled")
def predict(
    data: Path,
    /,
    *,
    model: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    sample_column: str = "sample",
    time_column: str = "time",
    label_column: str = "label",
    form: Annotated[FormOptions, Flat] = FormOptions(),  # noqa: B008
) -> None:
    """Ask a promoted model about a file of any size: a table of classes with their probabilities.

    Parameters
    ----------
    data
        A file without labels, or with labels that are not looked at: {sources}.
    model
        `NAME@champion`, `NAME/VERSION`, or a folder with `model.json`.
    output
        `.parquet` or `.csv`: a row for each example.
    sample_column
        Long-form tables: the column that says which series a row belongs to.
    time_column
        Long-form tables: the column that orders the rows of a series.
    label_column
        The column of labels, which is not looked at.
    """
    from flows.predict import predict

    columns = {"sample_column": sample_column, "time_column": time_column, "label_column": label_column}
    show(one_a_line([predict(model, data, output, **columns, form=form)]))
