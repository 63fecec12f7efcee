"""Do the servers that the settings name answer?"""

import urllib.error
import urllib.request

from hw3models.errors import Hw3Error
from hw3models.runtime.redaction import without_password
from tasks.settings import Settings


class ServerError(Hw3Error):
    """A server that the settings name does not answer."""


def fault_of(address: str) -> str | None:
    """Why the server at `address` (http or https) does not answer its health check; None when it does."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=5):  # noqa: S310  # http(s), checked below
            return None
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def is_server(address: str | None) -> bool:
    """MLflow's address may also be a database or a folder."""
    return address is not None and address.startswith(("http://", "https://"))


def check_servers() -> None:
    """Before a run: all servers that do not answer, together.

    Raises:
        ServerError: one or both do not.
    """
    settings = Settings()
    named = {"PREFECT_API_URL": settings.prefect_api_url, "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri}
    faults = [
        f"{variable} is {without_password(address)}, which does not answer ({fault})."
        for variable, address in named.items()
        if address is not None and is_server(address) and (fault := fault_of(address))
    ]
    if faults:
        raise ServerError(f"{' '.join(faults)} Start the server, or unset the variable to run without one.")
