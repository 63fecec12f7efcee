"""Evidence: verdicts on predictions made elsewhere, whether verdicts are true, and the page of an earlier run."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.app import Json, app
from flows.terminal import show, show_json


@app.command
def compare(
    *predictions: Path,
    runs: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    metric: str | None = None,
    margin: float | None = None,
    level: float = 0.05,
    deterministic: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    baselines: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    num_train: int | None = None,
    json: Json = False,
    report: Path | None = None,
) -> None:
    """Compare predictions that were made anywhere: which family is better, and is the difference real? Trains nothing.

    Parameters
    ----------
    predictions
        CSV or Parquet files, one row for each example of each seed of each family, with columns `family` (or the file's
        name), `seed`, `example`, `label`, and `prediction`, or a column of probabilities per class, or `value` (an
        error per example); optional: `group`, `resample`, `seconds`. Or result files of tsml-eval, aeon and sktime.
    runs
        MLflow runs instead of files: of this project's studies and families, or runs with an artifact
        `predictions.csv` or `predictions.parquet`.
    metric
        What to compare by; accuracy if not given, or the error per example.
    margin
        The largest difference that does not matter, in the metric's own unit: 0.005 is half a point of accuracy.
    level
        Chance of one or more false alarms among all pairs, at most.
    deterministic
        Families whose training has no randomness, with commas between them: one seed of them says everything.
    baselines
        Families that are only taken where they are best, with commas between them.
    num_train
        Training examples of each resample, where the predictions have a column `resample`.
    json
        Print the report as one JSON object.
    report
        A page to write.
    """
    from flows.compare import as_json, as_text, from_files, from_runs, judge, write_page
    from hw3models.errors import SpecError

    if bool(predictions) == bool(runs):
        raise SpecError("name files of predictions, or MLflow runs behind `--runs`: one of the two.")
    given = from_runs(runs, num_train) if runs else from_files(predictions, num_train)
    found = judge(
        given,
        metric=metric,
        margin=margin,
        level=level,
        deterministic=_with_commas(deterministic),
        baselines=_with_commas(baselines),
    )
    if report is not None:
        write_page(found, report, shlex.join(["hw3", *sys.argv[1:]]))
    if json:
        show_json(as_json(found, report))
    else:
        show(as_text(found, report))


def _with_commas(given: tuple[str, ...]) -> list[str]:
    return [name for text in given for name in text.split(",") if name]


@app.command
def calibrate(
    *,
    repeats: Annotated[int, Parameter(validator=Number(gte=20))] = 2000,
    seeds: tuple[int, ...] = (3, 5, 10, 30),
    examples: tuple[int, ...] = (100, 1000, 10_000),
    trained: Annotated[int, Parameter(validator=Number(gte=0))] = 200,
    output: Path | None = None,
) -> None:
    """Show how often a verdict is a false alarm, how often intervals hold the truth, and whether power advice is true.

    Parameters
    ----------
    repeats
        Simulated comparisons of each kind and design.
    seeds
        Seeds of each family.
    examples
        Test examples.
    trained
        Synthetic data sets on which networks are really trained and compared with themselves; 0: none.
    output
        The page to write, with its figure beside it; `docs/calibration.md` if not given.
    """
    from flows.calibrate import default_output, write_calibration

    show(
        write_calibration(output or default_output(), repeats=repeats, seeds=seeds, examples=examples, trained=trained)
    )


@app.command
def report(run_file: Path | None = None, /, *, output: Path | None = None) -> None:
    """Write the report page of an earlier run again.

    Parameters
    ----------
    run_file
        The `.json` beside a report page; the newest one under `reports/` if not given.
    output
        Where to write the page; over the old one if not given.
    """
    from flows.studies.pages import rewrite

    show(rewrite(run_file, output))
