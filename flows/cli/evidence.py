"""Evidence: whether the verdict is true, and the page of an earlier run."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.app import app


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

    print(
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

    print(rewrite(run_file, output))
