"""Do the servers that the settings name answer?"""

import urllib.error
import urllib.request

from hw3models.errors import Hw3Error
from hw3models.runtime.redaction import without_password
from tasks.settings import Settings


class ServerError(Hw3Error):
    """A server that the settings name does not answer, or is another one."""


def fault_of(address: str) -> str | None:
    """Why the server at `address` (http or https) does not answer its health check; None when it does."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5):  # noqa: S310  # http(s), checked below
            return None
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


_SAID = {"PREFECT_API_URL": ("Prefect", b"true"), "MLFLOW_TRACKING_URI": ("MLflow", b"OK")}
"""Who is meant, and what its health check says."""


def _foreign(variable: str, address: str) -> str | None:
    """What the server at `address` says to the health check, where the one that is meant would say something else."""
    _, said = _SAID[variable]
    with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310  # http(s)
        found = answer.read(200)
    return None if found.strip() == said else repr(found[:40].decode(errors="replace"))


def _fault(variable: str, address: str) -> str | None:
    shown = f"{variable} is {without_password(address)}"
    if fault := fault_of(address):
        return f"{shown}, which does not answer ({fault})."
    if found := _foreign(variable, address):
        return f"{shown}, where something answers that is not {_SAID[variable][0]}: its /health says {found}."
    return None


def _database_fault(address: str) -> str | None:
    """Why a database on a network cannot be had: MLflow would try for minutes."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        limit = {"connect_timeout": 4} if address.startswith(("postgresql", "mysql")) else {}
        engine = create_engine(address, connect_args=limit)
        engine.connect().close()
        engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        return f"MLFLOW_TRACKING_URI is {without_password(address)}, a database that cannot be had ({first[:200]})."
    return None


def is_server(address: str | None) -> bool:
    """MLflow's address may also be a database."""
    return address is not None and address.startswith(("http://", "https://"))


def check_servers() -> None:
    """Before a run: all servers that do not answer, together.

    Raises:
        ServerError: one or both do not.
    """
    settings = Settings()
    named = {"PREFECT_API_URL": settings.prefect_api_url, "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri}
    faults = [
        fault
        for variable, address in named.items()
        if address is not None and is_server(address) and (fault := _fault(variable, address))
    ]
    database = settings.mlflow_tracking_uri
    if database is not None and not is_server(database) and not database.startswith("sqlite"):
        faults += filter(None, [_database_fault(database)])
    if faults:
        raise ServerError(f"{' '.join(faults)} Start the server, or unset the variable to run without one.")
