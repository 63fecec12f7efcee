"""Data: a look at them before anything is trained, and whether new ones are like them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from flows.cli.app import Flat, Json, Verbose, app, with_sources
from flows.terminal import show, show_json
from hw3models.specs import DataOptions, DataSpec, DriftReport, DriftSpec


@app.command
@with_sources("all")
def check(
    source: str,
    /,
    *,
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    output: Path | None = None,
    json: Json = False,
) -> None:
    """Say what was understood of data, and what stands out, before any training: classes, gaps, duplicates, leaks.

    Exit code 1 if there is something that would make a result meaningless.

    Parameters
    ----------
    source
        What `hw3 sequences` or `hw3 images` would be given: {sources}
    output
        The page to write, with a picture of each class; under `reports/` if not given.
    json
        Print what was found as one JSON object.
    """
    from flows.check import as_text, check

    found, page = check(DataSpec(source=source, **dict(data)), output)
    if json:
        show_json(found.model_dump_json(indent=1))
    else:
        show(as_text(found, page))
    if found.num_errors:
        sys.exit(1)


@app.command
def sources() -> None:
    """List the sources of data: how each is written, what it holds, and who brings it."""
    from flows.sources import as_text

    show(as_text())


@app.command
def drift(
    *,
    reference: str,
    new: str,
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    smallest: float = 0.1,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say whether new data are like those that a model was trained on, and how well it does on them.

    Exit code 0 without drift, 3 with drift.

    Parameters
    ----------
    reference
        `NAME@champion` or `NAME/VERSION`, or the MLflow run of a family.
    new
        A file, with labels or without, here, at an address or left by `hw3 upload`; or a set that is known by name.
    smallest
        Smallest distance of two distributions (0..1) that counts as drift, however significant.
    json
        Print what was found as one JSON object.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import run_here

    def load() -> Callable[[DriftSpec], DriftReport]:
        from flows.terminal import remark
        from hw3models.data.source import path_of
        from hw3models.data.sources import check_there, find_source
        from tasks.bringing import on_this_machine
        from tasks.drift import check_reference

        # What is wrong is told before a server has started; how the data are read, only the model says.
        check_reference(spec.reference)
        with on_this_machine(spec.new, remark) as here:
            if find_source(here.source, here.layout).is_path:
                check_there(path_of(here.source))
        from flows.drift import drift

        return drift

    spec = DriftSpec(reference=reference, new=DataSpec(source=new, **dict(data)), smallest=smallest)
    report = run_here(load, spec, verbose=verbose)
    from flows.drift import as_text

    if json:
        show_json(report.model_dump_json(indent=1))
    else:
        show(as_text(report))
    if report.drifted:
        sys.exit(3)
