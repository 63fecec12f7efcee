"""Do the servers that the settings name answer?"""

import base64
import http.client
import json
import os
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from hw3models.errors import Hw3Error, SpecError
from hw3models.runtime.redaction import without_password
from tasks.settings import Settings


class ServerError(Hw3Error):
    """A server that the settings name does not answer."""


def fault_of(address: str) -> str | None:
    """Why the server at `address` (http or https) does not answer its health check; None when it does."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5):  # noqa: S310  # http(s), checked below
            return None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


_SAID = {"PREFECT_API_URL": ("Prefect", b"true"), "MLFLOW_TRACKING_URI": ("MLflow", b"OK")}
"""Who is meant, and what its health check says."""
_LONGEST = 1_000_000
"""Bytes of an answer that are read."""


def _foreign(variable: str, address: str) -> str | None:
    """What the server at `address` says to the health check, where the one that is meant would say something else."""
    _, said = _SAID[variable]
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310  # http(s)
            found = answer.read(200)
    except urllib.error.HTTPError as error:
        return (
            None if error.code >= 500 else f"its /health says {error.code} {error.reason}"
        )  # 5xx: away, behind a proxy
    except (http.client.HTTPException, OSError, ValueError):
        return None
    return None if found.strip() == said else f"its /health says {_quoted(found)}"


def _quoted(found: bytes) -> str:
    return repr(found[:40].decode(errors="replace"))


class Fault(NamedTuple):
    """Why a server cannot be used."""

    text: str
    """Behind the server's name and a comma."""
    is_another: bool
    """Answers something else there? The setting is wrong then."""


def look(variable: str, address: str) -> Fault | None:
    """What is wrong with the server at `address`, which the setting `variable` names; None when it can be used."""
    if found := _foreign(variable, address):
        return _other(_SAID[variable][0], found)
    if fault := fault_of(address):
        return Fault(f"which does not answer ({fault}).", is_another=False)
    return _first_fault(variable, address)


def _asked(variable: str, address: str) -> urllib.request.Request:
    """The cheapest question whose answer only the server that is meant can give, with the passwords that are set."""
    known = os.environ.get
    if variable == "PREFECT_API_URL":
        path = "/admin/version"
        pair, token = known("PREFECT_API_AUTH_STRING"), known("PREFECT_API_KEY")
    else:
        path = f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(Settings().experiment)}"
        pair, token = known("MLFLOW_TRACKING_USERNAME"), known("MLFLOW_TRACKING_TOKEN")
        pair = pair and f"{pair}:{known('MLFLOW_TRACKING_PASSWORD', '')}"
    request = urllib.request.Request(f"{address.rstrip('/')}{path}")  # noqa: S310  # http(s), checked
    if pair:
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    elif token:
        request.add_header("Authorization", f"Bearer {token}")
    return request


def _first_fault(variable: str, address: str) -> Fault | None:
    """Why a server that is well by its own word cannot be used: it may hang, err, or be a proxy or another version.

    A password that is missing or wrong is told later, by the client: it knows more places where one may be.
    """
    request, who = _asked(variable, address), _SAID[variable][0]
    if (urlsplit(request.full_url).hostname or "").endswith("prefect.cloud"):
        return None
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # http(s)
            said, status = answer.read(_LONGEST), ""
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return None
        with error:
            said, status = error.read(_LONGEST), f"{error.code} {error.reason}, "
        if error.code >= 500 or error.code == 429:
            return Fault(f"which is well by its /health, and answers questions with {status}{_quoted(said)}.", False)
    except (http.client.HTTPException, OSError, ValueError) as error:
        why = getattr(error, "reason", error) or "no answer"
        return Fault(f"which is well by its /health, but answers no question ({why}).", is_another=False)
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if variable == "PREFECT_API_URL":
        is_known = isinstance(found, str) and not status
        return _wrong_version(found) if is_known else _other(who, f"to a question it says {status}{_quoted(said)}")
    is_known = isinstance(found, dict) and ("experiment" in found or "RESOURCE_DOES" in str(found.get("error_code")))
    return None if is_known else _other(who, f"to a question it says {status}{_quoted(said)}")


def _other(who: str, found: str) -> Fault:
    return Fault(f"where something else than {who} answers: {found}.", is_another=True)


def _wrong_version(found: str) -> Fault | None:
    """Prefect's client refuses servers of another major version, without their address."""
    ours = version("prefect")
    if found.partition(".")[0] == ours.partition(".")[0]:
        return None
    return Fault(
        f"a Prefect server of version {found[:20]}, which Prefect {ours} does not understand.", is_another=True
    )


def _database_fault(address: str) -> str | None:
    """Why a database on a network cannot be had: MLflow would try for minutes."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    if address.startswith("sqlite"):
        return None
    try:
        limit = {"connect_timeout": 4} if address.startswith(("postgresql", "mysql")) else {}
        engine = create_engine(address, connect_args=limit)
        engine.connect().close()
        engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        return without_password(str(error).strip().splitlines()[0][:200])
    return None


LOCKED = 4.0
"""Seconds that a store may be locked: commands write for milliseconds, and wait for each other."""


def check_lock(*, writes: bool, model: str | None = None) -> None:
    """Does another process keep the store, where it is a file? MLflow would try for a minute before it says so.

    Commands ask before they import what takes seconds; not about a `model` that is a folder.

    Raises:
        ServerError: it does.
    """
    if model is not None and (Path(model) / "model.json").is_file():
        return
    address = Settings().tracking_uri
    path = Path(address.removeprefix("sqlite:///").partition("?")[0])
    if not address.startswith("sqlite:///") or not path.is_file():
        return
    try:
        where = f"{path.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(where, uri=True, timeout=LOCKED, isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE" if writes else "SELECT 1 FROM sqlite_master LIMIT 1")
            if writes:
                store.execute("ROLLBACK")
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise ServerError(
                f"{path}: another process has kept MLflow's database locked for {LOCKED:.0f} s ({error}). Wait for it "
                "or end it (`fuser` with the file's name says which), and give the same command again."
            ) from error
        # What else may be wrong is told where the store is opened.


def is_server(address: str | None) -> bool:
    """MLflow's address may also be a database."""
    return address is not None and address.startswith(("http://", "https://"))


def check_servers(*, writes: bool = True) -> None:
    """Before a run: all servers that do not answer or are others, together; and who only reads says so.

    Raises:
        SpecError: what answers is something else, or a database does not.
        ServerError: one or both do not answer, or another process keeps MLflow's database.
    """
    settings = Settings()
    check_lock(writes=writes)
    named = {"PREFECT_API_URL": settings.prefect_api_url, "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri}
    faults: list[str] = []
    wrong: list[str] = []
    for variable, address in named.items():
        if address is None:
            continue
        shown = f"{variable} is {without_password(address)}"
        if not is_server(address):
            if why := _database_fault(address):
                wrong.append(f"{shown}, a database that cannot be had ({why}).")
        elif fault := look(variable, address):
            (wrong if fault.is_another else faults).append(f"{shown}, {fault.text}")
    if wrong:
        raise SpecError(f"{' '.join(wrong)} Set the variable to the server's own address, or unset it to run without.")
    if faults:
        raise ServerError(f"{' '.join(faults)} Start the server, or unset the variable to run without one.")
