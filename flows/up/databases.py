"""Where the two servers keep what they know: SQLite, or two databases of one PostgreSQL server.

Two, because each server has a table `alembic_version` of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from flows.up.options import StartError
from hw3models.errors import SpecError
from tasks.settings import Settings

PREFECT_VARIABLES = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
MLFLOW_VARIABLE = "MLFLOW_BACKEND_STORE_URI"


@dataclass(frozen=True)
class Databases:
    """Addresses with their passwords. Never to be printed; `told` is for that."""

    prefect: str | None
    """Address of Prefect's database; None: what Prefect takes by itself."""
    mlflow: str
    told: tuple[str, str]
    """Both databases in words, without passwords."""

    def __repr__(self) -> str:
        return f"Databases{self.told}"


def choose(settings: Settings, environment: Mapping[str, str]) -> Databases:
    """The servers' own variables win over `HW3_DATABASE_URL`, and that over SQLite.

    Raises:
        SpecError: `HW3_DATABASE_URL` is not an address of PostgreSQL.
    """
    derived = derive(settings.database_url) if settings.database_url else None
    own_prefect = next((environment[name] for name in PREFECT_VARIABLES if environment.get(name)), None)
    prefect = own_prefect or (_full(derived[0]) if derived else None)
    own_mlflow = environment.get(MLFLOW_VARIABLE)
    mlflow = own_mlflow or (_full(derived[1]) if derived else f"sqlite:///{settings.store / 'mlflow.db'}")
    return Databases(prefect, mlflow, (masked(prefect) if prefect else "SQLite in PREFECT_HOME", masked(mlflow)))


def derive(url: str) -> tuple[URL, URL]:
    """Prefect's and MLflow's database beside the one that is named.

    Raises:
        SpecError: it is not an address of PostgreSQL.
    """
    wanted = "such as postgresql://user:password@host:5432/hw3"
    try:
        base = make_url(url)
    except (ArgumentError, ValueError):  # the second quotes what stands in the place of the port
        raise SpecError(f"`HW3_DATABASE_URL` cannot be read; it must be {wanted}.") from None
    if base.get_backend_name() not in ("postgresql", "postgres") or not base.database:
        raise SpecError(f"`HW3_DATABASE_URL` is {masked(url)}; it must be {wanted}.")
    prefect = base.set(drivername="postgresql+asyncpg", database=f"{base.database}_prefect")
    if "sslmode" in prefect.query:
        # asyncpg has its own name for it.
        query = {("ssl" if key == "sslmode" else key): value for key, value in prefect.query.items()}
        prefect = prefect.set(query=query)
    return prefect, base.set(drivername="postgresql+psycopg2", database=f"{base.database}_mlflow")


def create_missing(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Make the databases that `HW3_DATABASE_URL` leads to and that a server will use; the names of those made.

    Raises:
        StartError: the database server does not answer, or refuses.
    """
    if not settings.database_url:
        return []
    prefect, mlflow = derive(settings.database_url)
    wanted = [] if any(environment.get(name) for name in PREFECT_VARIABLES) else [prefect]
    wanted += [] if environment.get(MLFLOW_VARIABLE) else [mlflow]
    base = make_url(settings.database_url).set(drivername="postgresql+psycopg2")
    missing = [str(url.database) for url in wanted if _create(base.set(database=url.database), []) is not None]
    if not missing:
        return []
    # The named database itself need not exist; `postgres` and `template1` nearly always do.
    faults = []
    for maintenance in (str(base.database), "postgres", "template1"):
        fault = _create(base.set(database=maintenance), missing)
        if fault is None:
            return missing
        faults.append(fault)
    raise StartError(f"PostgreSQL at {masked(str(settings.database_url))}: {faults[0]}")


def masked(url: str) -> str:
    """The address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url.partition("://")[0] + "://..." if "://" in url else url


def _full(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _create(maintenance: URL, names: list[str]) -> str | None:
    """Connect, and make the databases that are not there; what went wrong."""
    engine = create_engine(maintenance, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 10})
    quote = engine.dialect.identifier_preparer.quote_identifier
    try:
        with engine.connect() as connection:
            there = {row[0] for row in connection.execute(text("SELECT datname FROM pg_database"))}
            for name in names:
                if name not in there:
                    connection.execute(text(f"CREATE DATABASE {quote(name)}"))
        return None
    except SQLAlchemyError as error:
        return _reason(error)
    finally:
        engine.dispose()


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words: they name host and user, never the password."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
