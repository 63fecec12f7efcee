"""Evidence: verdicts on predictions made elsewhere, whether verdicts are true, and the page of an earlier run."""

import math
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.app import Explain, Json, app, with_sources
from flows.terminal import show, show_json
from hw3models.specs import DataSpec


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
    estimand: Literal["mean", "median"] = "mean",
    explain: Explain = False,
    json: Json = False,
    report: Path | None = None,
) -> None:
    """Compare predictions that were made anywhere: which family is better, and is the difference real? Trains nothing.

    Parameters
    ----------
    predictions
        CSV or Parquet files, one row for each example of each seed of each family, with columns `family` (or the file's
        name), `seed`, `example`, `label`, and `prediction` (a class, or a number), or a column of probabilities per
        class, or `value` (an error per example); optional: `group`, `resample`, `search`, `seconds`. Or result files of
        tsml-eval, aeon and sktime.
    runs
        MLflow runs instead of files: of this project's studies and families, or runs with an artifact
        `predictions.csv` or `predictions.parquet`.
    metric
        What to compare by; accuracy if not given, RMSE of numbers, or the error per example.
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
    estimand
        Compare by the mean over seeds, or by the median, which seeds that collapse hardly move.
    explain
        Print the statistics behind the answer as well: every sentence of the verdict.
    json
        Print the report as one JSON object.
    report
        A page to write.
    """
    from flows.local.servers import check_lock

    if runs:
        check_lock(writes=False)
    from flows.compare import as_json, as_text, from_files, from_runs, judge, write_page
    from hw3models.errors import SpecError
    from hw3models.runtime.files import check_output

    if bool(predictions) == bool(runs):
        raise SpecError("name files of predictions, or MLflow runs behind `--runs`: one of the two.")
    if report is not None:
        check_output(report, predictions)
    given = from_runs(runs, num_train, metric) if runs else from_files(predictions, num_train, metric)
    found = judge(
        given,
        metric=metric,
        margin=margin,
        level=level,
        deterministic=_with_commas(deterministic),
        baselines=_with_commas(baselines),
        estimand=estimand,
    )
    if report is not None:
        write_page(found, report, shlex.join(["hw3", *sys.argv[1:]]))
    if json:
        show_json(as_json(found, report))
    else:
        show(as_text(found, report, explain=explain))


def _with_commas(given: tuple[str, ...]) -> list[str]:
    return [name for text in given for name in text.split(",") if name]


@app.command
def calibrate(
    *,
    repeats: Annotated[int | None, Parameter(validator=Number(gte=20))] = None,
    trained: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    quick: Annotated[bool, Parameter(negative=())] = False,
    minutes: Annotated[float, Parameter(validator=Number(gt=0))] = math.inf,
    output: Path | None = None,
) -> None:
    """Show how often verdicts are wrong: whole comparisons whose truth is known, and networks against themselves.

    Parameters
    ----------
    repeats
        Simulated comparisons of each kind; 400 if not given (half an hour on 2 cores), 100 with `--quick`.
    trained
        Synthetic data sets on which networks are really trained and compared with themselves; 0: none, and what the
        page says about them stays. 200 if not given, none with `--quick`.
    quick
        Only a few kinds of comparisons, in about a minute.
    minutes
        Begin no kind of comparison after so long; the same command goes on where it stopped.
    output
        The page to write; `docs/calibration.md` if not given, `build/calibration.md` with `--quick`.
    """
    from flows.calibrate import default_output, write_calibration

    repeats = repeats or (100 if quick else 400)
    trained = (0 if quick else 200) if trained is None else trained
    show(
        write_calibration(
            output or default_output(quick=quick), repeats=repeats, trained=trained, quick=quick, minutes=minutes
        )
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


@app.command
@with_sources("all")
def explain(
    model: str | None = None,
    /,
    *,
    family: str | None = None,
    of: Annotated[str | None, Parameter(name="--data")] = None,
    on: str | None = None,
    method: Annotated[tuple[Literal["occlusion", "gradients"], ...], Parameter(negative=())] = (),
    examples: Annotated[int, Parameter(validator=Number(gte=2))] = 100,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Json = False,
) -> None:
    """Say what answers rest on, and whether that can be believed: maps of test examples, drawn on a page.

    Whether seeds agree on the maps, and whether the answer falls faster without what they mark than without random
    parts, is tested; maps that fail are called so. Of a study also: where its families differ.

    Parameters
    ----------
    model
        MLflow run of a study or of one of its families, or the `.json` beside a report (the newest study if not given);
        `NAME@champion` or `NAME/VERSION`; or a folder with `model.json`.
    family
        This family of a study instead of the winner; `cnn*5`: the ensemble of its seeds.
    of
        This data set of a study with several.
    on
        For a folder: labelled examples that it was not trained on: {sources}
    method
        `occlusion` or `gradients` (integrated gradients, of networks); both if not given.
    examples
        Test examples to explain, drawn at random.
    output
        The page to write; under `reports/` if not given.
    json
        Print what was found as one JSON object.
    """
    from flows.local.servers import check_lock

    check_lock(writes=True, model=model)
    from flows.explain import as_json, as_text, explain_model

    done = explain_model(
        model,
        family=family,
        of=of,
        on=None if on is None else DataSpec(source=on),
        methods=method or None,
        examples=examples,
        output=output,
    )
    show_json(as_json(done)) if json else show(as_text(done))
