"""Settings from the environment: the only difference between an embedded run and a deployed one.

`HW3_*` variables are read here; `MLFLOW_TRACKING_URI` and `PREFECT_API_URL` keep their own names.
"""

import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hw3models.errors import SpecError
from hw3models.runtime.redaction import without_password

TEMPORARY_SERVER = "HW3_TEMPORARY_SERVER"
"""Where a command has started a Prefect server for itself: its address, which `PREFECT_API_URL` then has, too."""


DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""What MLflow keeps runs in, beside servers."""
LONGEST_NAME = 256
"""Letters of an experiment's name, in MLflow's databases."""
LONGEST_PATH = 400
"""Bytes of a folder's path."""


def _is_web(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def not_temporary(address: str | None) -> str | None:
    """The address of a Prefect server, unless a command has started that one for itself: it has no pools to offer."""
    return None if address == os.environ.get(TEMPORARY_SERVER) else address


def _default_home() -> Path:
    """The checkout this package lives in; where it is installed without one, the working directory."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").exists() else Path.cwd()


class Settings(BaseSettings):
    """Where things are kept, and how long to wait."""

    model_config = SettingsConfigDict(env_prefix="HW3_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=_default_home)
    """Trained replicates (`.hw3/`), reports (`reports/`) and the embedded MLflow store (`mlflow/store/`)."""
    cache: Path = Path("~/.cache/hw3")
    """Downloaded and prepared data."""
    download_timeout: Annotated[float, Field(gt=0)] = 20.0
    """Seconds to wait for a mirror to connect or to go on."""
    heartbeat_timeout: Annotated[
        float, Field(ge=1, validation_alias=AliasChoices("HW3_HEARTBEAT_TIMEOUT", "HW3_SILENCE"))
    ] = 90.0
    """Seconds without a sign of life after which a training on a pool is taken for dead."""
    heartbeat: Annotated[float, Field(gt=0, validation_alias=AliasChoices("HW3_HEARTBEAT", "HW3_BEAT"))] = 15.0
    """Seconds between the signs of life of a training on a pool."""
    checkpoint_every: Annotated[float, Field(ge=0)] = 30.0
    """Seconds between the checkpoints of a training; the same command goes on from the last one."""
    database_url: str | None = None
    """PostgreSQL for `hw3 up`, such as `postgresql://user:password@host/name`; the two servers take the databases
    `name_prefect` and `name_mlflow`. None: SQLite."""
    experiment: str = "hw3"
    """MLflow experiment."""
    mlflow_tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    """MLflow server; None: SQLite and files under `mlflow/store/`."""
    prefect_api_url: str | None = Field(default=None, validation_alias="PREFECT_API_URL")
    """Prefect server; None: embedded."""

    @field_validator("experiment")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if value.strip() and len(value) <= LONGEST_NAME:
            return value
        found = f"{value[:40]!r} and so on, {len(value)} letters" if value.strip() else repr(value)
        raise SpecError(f"`HW3_EXPERIMENT` is {found}; MLflow takes names of 1 to {LONGEST_NAME} letters. Set another.")

    @field_validator("prefect_api_url")
    @classmethod
    def _lasting(cls, value: str | None) -> str | None:
        if value is not None and not _is_web(value):
            raise SpecError(
                f"`PREFECT_API_URL` is {without_password(value)!r}, which is no address of a server. "
                "Set it to one such as http://127.0.0.1:4200/api, or unset it to run without."
            )
        return not_temporary(value)

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _known_store(cls, value: str | None) -> str | None:
        if value is None or _is_web(value) or value.partition(":")[0].partition("+")[0] in DATABASES:
            return value
        raise SpecError(
            f"`MLFLOW_TRACKING_URI` is {without_password(value)!r}, which is neither a server (http://host:5000) nor a "
            f"database ({', '.join(f'{name}://' for name in DATABASES)}). Set it to one, or unset it to run without."
        )

    @field_validator("home", "cache")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = value.expanduser().resolve()
        # The bytes on the disk: a process without UTF-8 has characters of its own for them.
        name = os.fsencode(path)
        try:
            name.decode("utf-8")
        except UnicodeDecodeError:
            raise SpecError(f"`HW3_HOME` or `HW3_CACHE`: {str(path)!r} is not UTF-8. Choose another folder.") from None
        if len(name) > LONGEST_PATH:
            raise SpecError(
                f"`HW3_HOME` or `HW3_CACHE`: a path of {len(name)} bytes; SQLite takes about 500, with names of files. "
                "Choose a shorter one."
            )
        return path

    @property
    def mirrors(self) -> dict[str, tuple[str, ...]]:
        """Source -> base addresses that replace its own, separated by spaces or commas in its variable."""
        # Sources bring numpy, which commands that only look at settings do without.
        from hw3models.data.sources import all_sources

        given = {one.name: os.environ.get(one.mirrors, "") for one in all_sources() if one.mirrors}
        return {name: tuple(text.replace(",", " ").split()) for name, text in given.items() if text.strip(" ,")}

    @property
    def work(self) -> Path:
        """Trained replicates and cached results."""
        return self.home / ".hw3"

    @property
    def store(self) -> Path:
        """The embedded MLflow store."""
        return self.home / "mlflow" / "store"

    @cached_property
    def tracking_uri(self) -> str:
        """Where MLflow tracks to."""
        return self.mlflow_tracking_uri or f"sqlite:///{self.store / 'mlflow.db'}"


def settings() -> Settings:
    """The settings of now. Read again only when what they are read from has changed: reading takes a millisecond."""
    return _read(_read_from())


@lru_cache(maxsize=8)
def _read(_: object) -> Settings:
    return Settings()


def _read_from() -> tuple[object, ...]:
    names = ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "HOME")
    variables = (item for item in os.environ.items() if item[0].upper().startswith("HW3_") or item[0].upper() in names)
    return _folder(), *sorted(variables)


def _folder() -> str:
    """Relative paths begin here; a folder that was deleted is no place for any."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""
