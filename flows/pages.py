"""Report pages: where they are, and writing one again."""

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from hw3models.errors import DataError
from hw3models.specs import RunReport
from tasks.names import slug
from tasks.settings import Settings


def page_path(title: str, started: datetime) -> Path:
    """A new page under `reports/`; never one that is there."""
    stem = f"{started:%Y%m%d-%H%M%S}-{slug(title)}"
    folder = Settings().home / "reports"
    taken = {path.stem for path in folder.glob(f"{stem}*")}
    name = next(n for i in range(1, 10_000) if (n := stem if i == 1 else f"{stem}-{i}") not in taken)
    return folder / f"{name}.html"


def rewrite(run_file: Path | None, output: Path | None) -> Path:
    """Write the page of a run again from its JSON.

    Raises:
        DataError: there is no such run, or the file is not one.
    """
    from hw3models.report import write_report

    source = run_file or _newest()
    try:
        run = RunReport.model_validate_json(source.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{source}: not the JSON of a run ({type(error).__name__}). Name a `.json` under reports/."
        ) from error
    page = output or source.with_suffix(".html")
    write_report(run, page)
    return page


def _newest() -> Path:
    folder = Settings().home / "reports"
    runs = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise DataError(f"{folder}: no run yet. Start one with `hw3 run`.")
    return runs[-1]
