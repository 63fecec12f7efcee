"""Report pages: where they are, and writing one again."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from hw3models.errors import DataError
from hw3models.specs import RunReport
from tasks.names import slug
from tasks.settings import Settings


def page_path(title: str, started: datetime) -> Path:
    """A new, empty page under `reports/`: made here, so that no two runs ever get the same one."""
    folder = Settings().home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{started:%Y%m%d-%H%M%S}-{slug(title)}"
    for number in count(1):
        path = folder / f"{stem if number == 1 else f'{stem}-{number}'}.html"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("count() does not end")


def rewrite(run_file: Path | None, output: Path | None) -> Path:
    """Write the page of a run again from its JSON.

    Raises:
        DataError: there is no such run, or the file is not one.
        SpecError: the page would replace what it is made from.
    """
    from hw3models.report import write_report
    from hw3models.runtime.files import check_output

    source = run_file or _newest()
    try:
        run = RunReport.model_validate_json(source.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{source}: not the JSON of a run ({type(error).__name__}). Name a `.json` under reports/."
        ) from error
    page = output or source.with_suffix(".html")
    check_output(page, [source, *_read_for(run)])
    write_report(run, page)
    return page


def _read_for(run: RunReport) -> Iterator[Path]:
    """Files beside the JSON that a page shows something of."""
    for answer in run.answers:
        yield Path(answer.data.path)
        yield from (Path(one.table_path) for one in answer.evaluation.values())
        for one in answer.training.values():
            yield from (Path(one.directory) / name for name in ("model.json", "replicates.safetensors", "history.json"))


def _newest() -> Path:
    folder = Settings().home / "reports"
    runs = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise DataError(f"{folder}: no run yet. Start one with `hw3 run`.")
    return runs[-1]
