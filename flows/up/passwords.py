"""Passwords of both servers. Where other machines can connect, they are not optional by oversight."""

import configparser
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.up.options import UpOptions
from hw3models.errors import SpecError
from hw3models.runtime.files import write_atomically

HOW = (
    "Set PREFECT_API_AUTH_STRING='name:password' and MLFLOW_TRACKING_USERNAME=name, MLFLOW_TRACKING_PASSWORD=password "
    "(at least 12 characters) here, and wherever hw3, prefect or mlflow talk to these servers; or say "
    "`--without-passwords`, for closed networks only"
)


@dataclass(frozen=True)
class Passwords:
    """Names and passwords of both servers; None: it asks for none."""

    prefect: str | None = field(default=None, repr=False)
    """`name:password`."""
    mlflow: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def of_server(self) -> dict[str, str]:
        """What Prefect's server must be told."""
        return {} if self.prefect is None else {"PREFECT_SERVER_API_AUTH_STRING": self.prefect}

    @property
    def of_clients(self) -> dict[str, str]:
        """What talks to the servers must be told."""
        found = {} if self.prefect is None else {"PREFECT_API_AUTH_STRING": self.prefect}
        if self.mlflow is not None:
            found |= {"MLFLOW_TRACKING_USERNAME": self.mlflow[0], "MLFLOW_TRACKING_PASSWORD": self.mlflow[1]}
        return found


def find_passwords(options: UpOptions, environment: Mapping[str, str] = os.environ) -> Passwords:
    """Passwords that the environment names.

    Raises:
        SpecError: other machines could connect and one is missing, or half of one is.
    """
    prefect = environment.get("PREFECT_SERVER_API_AUTH_STRING") or environment.get("PREFECT_API_AUTH_STRING")
    name, password = (environment.get(f"MLFLOW_TRACKING_{part}") for part in ("USERNAME", "PASSWORD"))
    if bool(name) != bool(password):
        raise SpecError("MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD belong together: set both or none.")
    if password is not None and len(password) < 12:
        raise SpecError(f"MLFLOW_TRACKING_PASSWORD has {len(password)} characters; MLflow wants at least 12.")
    if prefect is not None and not all(prefect.partition(":")[::2]):
        raise SpecError("PREFECT_API_AUTH_STRING must be `name:password`.")
    found = Passwords(prefect or None, (name, password) if name and password else None)
    missing = [title for title, one in (("Prefect", found.prefect), ("MLflow", found.mlflow)) if one is None]
    if missing and not options.is_loopback and not options.without_passwords:
        raise SpecError(
            f"`--host {options.host}` lets other machines connect, and {' and '.join(missing)} would not ask for a "
            f"password: whoever reaches the ports could run code as you. {HOW}."
        )
    return found


def mlflow_environment(passwords: Passwords, folder: Path) -> dict[str, str]:
    """Environment of an MLflow server that asks for a password; its users are in a database in `folder`."""
    if passwords.mlflow is None:
        return {}
    name, password = passwords.mlflow
    # One that changed at every start would log people out of the pages.
    secret = folder / "mlflow-secret"
    if not secret.exists():
        write_atomically(secret, secrets.token_hex(32).encode(), private=True)
    config = configparser.ConfigParser(interpolation=None)
    config["mlflow"] = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": f"sqlite:///{folder / 'mlflow-users.db'}",
        "admin_username": name,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        # Without it every call costs 0.3 s.
        "auth_cache_ttl_seconds": "60",
    }
    path = folder / "mlflow-auth.ini"
    with path.open("w") as file:
        config.write(file)
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(path),
        # In the environment, not in the file.
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.read_text(),
    }
