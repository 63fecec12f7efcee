"""Servers: start them, look at them, put things in order after crashes."""

import json as jsonlib
import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.app import Flat, Json, app
from flows.terminal import remark, show, show_json
from hw3models.specs import DataOptions


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
def upload(
    data: str,
    /,
    *,
    options: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
) -> None:
    """Leave data with the MLflow server, so that every worker reaches them; print what studies are to be given.

    What is there already is not sent again. Files that belong to the one that is named go with it, such as X_TEST.ts
    with X_TRAIN.ts.

    Parameters
    ----------
    data
        A file or a folder, as `hw3 sequences` or `hw3 images` would be given.
    """
    from flows.upload import upload
    from hw3models.data.sources import find_source

    source, is_new = upload(data, options)
    kind = find_source(data, options.layout).kinds[0]
    remark(f"{'left with' if is_new else 'already with'} MLflow; next: hw3 {kind} {source}")
    show(source)


@app.command
def reconcile(*, json: Json = False) -> None:
    """Put in order what crashes have left: send journals to MLflow, end runs of dead processes, free their slots.

    Nothing is deleted, and what may still be alive is left alone. Exit code 1 if something could not be put in order.

    Parameters
    ----------
    json
        Print what was done as one JSON object.
    """
    from flows.local.servers import check_lock

    check_lock(writes=True)
    from flows.reconcile import as_text, run_reconcile

    found = run_reconcile()
    if json:
        show_json(found.model_dump_json(indent=1))
    else:
        show(as_text(found))
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
    if json:
        show_json(jsonlib.dumps(findings, indent=1))
    else:
        show(as_text(findings))
