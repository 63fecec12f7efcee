"""The model registry: promote, look back, roll back, predict."""

import json as jsonlib
import sys
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

    Exit code 0 where every winner is the champion now, or was already; 3 where one stays a challenger or was refused:
    the champion of before serves on; 2 for bad input; 1 for anything else.

    Parameters
    ----------
    run
        MLflow run of a study or of one of its families, or the `.json` beside a report; the newest study if not given.
    data
        Only this data set of a run with several.
    family
        This family instead of the winner; `cnn*5`: the five seeds of the study as an ensemble.
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
        from tasks.tracking.finding import find_answers

        find_answers(spec.run)  # what is wrong is told before a server has started
        from flows.promote import promote

        return promote

    spec = PromoteSpec(run=run, data=data, family=family, licence=licence, override=override, **dict(gate))
    report = run_here(load, spec, verbose=verbose)
    if json:
        show_json(report.model_dump_json(indent=1))
    else:
        show(one_a_line(line for one in report.promotions for line in (_line(one), _next(one))))
    if any(one.champion_now != one.version for one in report.promotions):
        sys.exit(NOT_PROMOTED)


def _next(one: Promotion) -> str:
    """The command that goes on from here."""
    if one.champion_now is None:
        return f"next: hw3 promote {one.run_id} --override 'WHY', if it is to serve all the same"
    return f"next: hw3 predict NEW_DATA --model {one.model}@champion -o predictions.csv"


NOT_PROMOTED = 3
"""Exit code of `hw3 promote` where a winner has not become the champion."""


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
    from flows.local.servers import check_lock

    check_lock(writes=False)
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
    from flows.local.servers import check_lock

    check_lock(writes=True)
    from flows.registry import rollback

    event = rollback(model, to, reason)
    show(one_a_line([f"{event.model}: version {event.version} is the champion. {event.reason}"]))


@app.command
@with_sources("unlabelled")
def predict(
    data: str,
    /,
    *,
    model: str | None = None,
    run: str | None = None,
    family: str | None = None,
    of: Annotated[str | None, Parameter(name="--data")] = None,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    sample_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    skip_unreadable: bool = False,
    form: Annotated[FormOptions, Flat] = FormOptions(),  # noqa: B008
) -> None:
    """Ask a model about a file of any size: a table of classes with their probabilities, or of numbers.

    Parameters
    ----------
    data
        A file without labels, or with labels that are not looked at, here, at an address or left by `hw3 upload`:
        {sources}.
    model
        `NAME@champion`, `NAME/VERSION`, or a folder with `model.json`.
    run
        Instead of `--model`: the MLflow run of a study, or the `.json` beside its report. Nothing needs to be promoted.
    family
        With `--run`: this family instead of the winner.
    of
        With `--run`: this data set of a study with several.
    output
        `.parquet` or `.csv`: a row for each example.
    sample_column
        Long-form tables: the column that says which series a row belongs to; as in training if not given.
    time_column
        Long-form tables: the column that orders the rows of a series; as in training if not given.
    label_column
        The column of labels, which is not looked at; as in training if not given.
    skip_unreadable
        Pictures: go on without those that cannot be read, and name them on stderr.
    """
    from flows.local.servers import check_lock

    check_lock(writes=False, model=model)
    from flows.predict import predict

    line = predict(
        model,
        data,
        output,
        run=run,
        family=family,
        data_set=of,
        sample_column=sample_column,
        time_column=time_column,
        label_column=label_column,
        skip_unreadable=skip_unreadable,
        form=form,
    )
    show(one_a_line([line]))


@app.command
def export(
    model: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
) -> None:
    """Write a model as one file that needs no hw3: scaling, masks, class names and calibration inside.

    The file is asked about 1,000 examples first, and must say what `hw3 predict` says.

    Parameters
    ----------
    model
        `NAME@champion`, `NAME/VERSION`, or a folder with `model.json`.
    output
        `.onnx` (for onnxruntime, without torch; needs the extra `export`) or `.pt2` (`torch.export`).
    """
    from flows.local.servers import check_lock

    check_lock(writes=False, model=model)
    from flows.export import export_model

    show(export_model(model, output))
