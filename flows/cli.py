"""The command line. Options come from the specs; what is heavy is imported when a command runs.

Exit codes: 0 done; 2 bad input, told in one message; 1 anything else, Ctrl-C included.
"""

import errno
import json as jsonlib
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from hw3models.specs import AutoencoderSpec, DataOptions, DataSpec, Hw3Spec, ImagesSpec, SequencesSpec, StudySpec

Flat = Parameter(name="*")
"""Fields of a spec become options of their own name."""

app = App(
    name="hw3",
    help="Which family of network should I use for these images or time series, and is the difference real?",
    help_format="markdown",
    version=lambda: f"hw3 {_version()}",
    suppress_keyboard_interrupt=False,
)

Json = Annotated[bool, Parameter(negative=())]
Verbose = Annotated[bool, Parameter(negative=())]


@app.command
def run(
    *,
    spec: Annotated[Hw3Spec, Flat] = Hw3Spec(),  # noqa: B008  # frozen
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run everything: images, autoencoder, sequence regimes and the homework parts, with one report.

    Parameters
    ----------
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.run import execute

    execute("hw3", spec, json=json, verbose=verbose)


@app.command
def images(
    source: str = "digits",
    /,
    *,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare classifiers on images (homework part 1).

    Parameters
    ----------
    source
        `mnist`, `fashion-mnist`, `digits`, or `auto` (MNIST if it can be had, else digits).
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.run import execute

    spec = ImagesSpec(data=DataSpec(source=source, **_given(data)), **_given(study))
    execute("images", spec, json=json, verbose=verbose)


@app.command
def autoencoder(
    source: str = "digits",
    /,
    *,
    code_size: int = 2,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Train autoencoders and set them beside PCA (homework part 2).

    Parameters
    ----------
    source
        `mnist`, `fashion-mnist`, `digits`, or `auto` (MNIST if it can be had, else digits).
    code_size
        Numbers in the code.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.run import execute

    pictures = DataSpec(source=source, **_given(data))
    spec = AutoencoderSpec(data=pictures, code_size=code_size, **_given(study))
    execute("autoencoder", spec, json=json, verbose=verbose)


@app.command
def sequences(
    source: str,
    /,
    *,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare families on sequences (homework part 5).

    Parameters
    ----------
    source
        `regime:motif`, `regime:order`, `regime:locked`, `regime:dynamics`, `regime:trend`, `aeon:NAME`, or a
        file: `NAME_TRAIN.ts` (its `NAME_TEST.ts` is found beside it), `.npz` (X, y), `.csv` or `.parquet`.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.run import execute

    spec = SequencesSpec(data=DataSpec(source=source, **_given(data)), **_given(study))
    execute("sequences", spec, json=json, verbose=verbose)


@app.command
def up(
    *,
    host: str = "127.0.0.1",
    prefect_port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 4200,
    mlflow_port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 5000,
    gpus: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    cpu_workers: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    without_passwords: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Bring up Prefect, MLflow, the work pools, their workers and all deployments on this machine, until Ctrl-C.

    Parameters
    ----------
    host
        Address to listen on. Other than loopback it wants both servers to ask for passwords, and says how.
    prefect_port
        Port of the Prefect server.
    mlflow_port
        Port of the MLflow server.
    gpus
        GPU workers to start; one per visible GPU if not given.
    cpu_workers
        CPU workers to start.
    without_passwords
        Let other machines connect without one: for closed networks only.
    """
    from flows.up import UpOptions, run_up

    options = UpOptions(
        host=host,
        prefect_port=prefect_port,
        mlflow_port=mlflow_port,
        gpus=gpus,
        cpu_workers=cpu_workers,
        without_passwords=without_passwords,
    )
    sys.exit(run_up(options))


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
    from flows.pages import rewrite

    print(rewrite(run_file, output))


@app.command
def reconcile(*, json: Json = False) -> None:
    """Put in order what crashes have left: send journals to MLflow, end runs of dead processes, free their slots.

    Nothing is deleted, and what may still be alive is left alone. Exit code 1 if something could not be put in order.

    Parameters
    ----------
    json
        Print what was done as one JSON object.
    """
    from flows.reconcile import as_text, run_reconcile

    found = run_reconcile()
    print(found.model_dump_json(indent=1) if json else as_text(found))
    if found.left:
        sys.exit(1)


@app.command
def doctor(*, json: Json = False) -> None:
    """Say what is installed, which devices there are, which servers answer, and where the stores are.

    Parameters
    ----------
    json
        Print it as one JSON object.
    """
    from flows.doctor import as_text, examine

    findings = examine()
    print(jsonlib.dumps(findings, indent=1) if json else as_text(findings))


def main() -> None:
    """Entry point of the command `hw3`."""
    # Before torch loads its threads: ones that spin for long stall when anything else runs (docs/decisions/0004).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    # requests silences this itself, but loses the filter when another thread leaves `catch_warnings` meanwhile.
    warnings.filterwarnings("ignore", message="SOCKS support in urllib3 requires")
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"hw3 {_version()}")
        return
    try:
        app(exit_on_error=False, print_error=False, help_on_error=False)
    except KeyboardInterrupt:
        _stop("interrupted: runs are marked KILLED and Cancelled; what was finished is kept.", 1)
    except CycloptsError as error:
        _stop(_usage(error), 2)
    except Exception as error:
        _stop(*_explain(error))


def _explain(error: Exception) -> tuple[str, int]:
    """Message and exit code. What a user can mend has no traceback; a bug of ours has one."""
    from pydantic import ValidationError

    from hw3models.errors import DataError, DigestError, DownloadError, Hw3Error, SpecError

    if isinstance(error, ValidationError):
        return _validation(error), 2
    if isinstance(error, Hw3Error):
        bad_input = isinstance(error, (SpecError, DataError, DigestError)) and not isinstance(error, DownloadError)
        return str(error), 2 if bad_input else 1
    if _is_away(error):
        return (
            "Prefect's server does not answer any more. What was finished is kept: give the same command again.",
            1,
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" ({error.filename})" if error.filename else ""
        return f"No space left on the disk{where}: free some space, and give the same command again.", 1
    import traceback

    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}", 1


def _is_away(error: Exception) -> bool:
    """Did the call of a server fail, without an answer?"""
    httpx = sys.modules.get("httpx")
    return httpx is not None and isinstance(error, httpx.TransportError)


def _usage(error: CycloptsError) -> str:
    from pydantic import ValidationError

    cause = error.__cause__ or error.__context__
    return _validation(cause) if isinstance(cause, ValidationError) else str(error)


def _validation(error: Any) -> str:
    """Every wrong field in one line each, without pydantic's addresses."""
    lines = []
    for fault in error.errors(include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        lines.append(text if "`" in text else f"`{where}`: {text[0].lower()}{text[1:]}, got {fault['input']!r}.")
    return " ".join(lines)


def _stop(message: str, code: int) -> None:
    print(f"hw3: {message}", file=sys.stderr)
    sys.exit(code)


def _given(options: DataOptions | StudySpec) -> dict[str, Any]:
    return dict(options)


def _version() -> str:
    from importlib.metadata import version

    return version("hw3")


if __name__ == "__main__":
    main()
