"""New SQLite databases for Prefect and MLflow, without their migrations: 5 s and 1 s of a core in a first run.

`PACKAGE-VERSION.sql` has the empty tables that the migrations of exactly this version end with, written by
`make databases`. Where there is no such file, the package makes its tables itself, as it would anyway.
"""

import os
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

_MAKING = ".making-"
"""Begin of the name of a database that is being made."""


def script_of(package: str) -> Path:
    """Where the tables of `package`, as it is installed, are, or would be."""
    return Path(__file__).with_name(f"{package}-{version(package)}.sql")


def make_database(package: str, database: Path) -> bool:
    """Make `database` with the tables of `package`, whole or not at all; False: its migrations must do it.

    The caller has a lock: what others have left half made beside it is removed.
    """
    for left_behind in database.parent.glob(f"{_MAKING}*"):
        left_behind.unlink()
    script = script_of(package)
    if database.exists() or not script.exists():
        return False
    making = unfinished(database)
    try:
        with closing(sqlite3.connect(making)) as connection:
            connection.executescript(script.read_text())
        # Not renamed: somebody who knows no lock of ours may have made it meanwhile.
        os.link(making, database)
    except (OSError, sqlite3.Error):
        # A disk that is full, or one that knows no links. What is wrong in the end the package tells itself.
        return False
    finally:
        making.unlink(missing_ok=True)
    return True


def unfinished(database: Path) -> Path:
    """The name that `database` has while this process makes it."""
    return database.with_name(f"{_MAKING}{os.getpid()}.db")
