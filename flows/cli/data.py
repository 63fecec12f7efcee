"""Data: a look at them before anything is trained."""

import sys
from pathlib import Path
from typing import Annotated

from flows.cli.app import Flat, Json, app
from hw3models.specs import DataOptions, DataSpec


@app.command
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
        What `hw3 sequences` or `hw3 images` would be given.
    output
        The page to write, with a picture of each class; under `reports/` if not given.
    json
        Print what was found as one JSON object.
    """
    from flows.check import as_text, check

    found, page = check(DataSpec(source=source, **dict(data)), output)
    print(found.model_dump_json(indent=1) if json else as_text(found, page))
    if found.num_errors:
        sys.exit(1)
