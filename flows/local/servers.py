"""Do the servers that the settings name answer?"""

import http.client
import urllib.error
import urllib.request

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


def _foreign(variable: str, address: str) -> str | None:
    """What the server at `address` says to the health check, where the one that is meant would say something else."""
    _, said = _SAID[variable]
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310  # http(s)
            found = answer.read(200)
    except urllib.error.HTTPError as error:
        return None if error.code >= 500 else f"{error.code} {error.reason}"  # 5xx: away, as behind a proxy
    except (http.client.HTTPException, OSError, ValueError):
        return None
    return None if found.strip() == said else repr(found[:40].decode(errors="replace"))


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


def is_server(address: str | None) -> bool:
    """MLflow's address may also be a database."""
    return address is not None and address.startswith(("http://", "https://"))


def check_servers() -> None:
    """Before a run: all servers that do not answer or are others, together.

    Raises:
        SpecError: what answers is something else, or a database does not.
        ServerError: one or both do not answer.
    """
    settings = Settings()
    named = {"PREFECT_API_URL": settings.prefect_api_url, "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri}
    faults, wrong = [], []
    for variable, address in named.items():
        if address is None:
            continue
        shown = f"{variable} is {without_password(address)}"
        if not is_server(address):
            if fault := _database_fault(address):
                wrong.append(f"{shown}, a database that cannot be had ({fault}).")
        elif found := _foreign(variable, address):
            wrong.append(f"{shown}, where something else than {_SAID[variable][0]} answers: its /health says {found}.")
        elif fault := fault_of(address):
            faults.append(f"{shown}, which does not answer ({fault}).")
    if wrong:
        raise SpecError(f"{' '.join(wrong)} Set the variable to the server's own address, or unset it to run without.")
    if faults:
        raise ServerError(f"{' '.join(faults)} Start the server, or unset the variable to run without one.")
