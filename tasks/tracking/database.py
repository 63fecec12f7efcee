"""Is a SQLite file a store that this MLflow reads? Told in a sentence, at once: MLflow tries for minutes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
from alembic.script import ScriptDirectory

from hw3models.errors import DataError


def check_database(path: Path) -> None:
    """Look at the file, if there is one. Nothing is written, but SQLite may undo what one that was killed has begun.

    Raises:
        DataError: it is damaged, or something else.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=5)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return
        raise DataError(
            f"{path} cannot be read as MLflow's database ({error}). Bring back a copy, or move it away to begin anew."
        ) from error
    if tables and "alembic_version" not in tables:
        raise DataError(f"{path} is a database, but not MLflow's: it has no `alembic_version`. Move it away.")


def check_version(path: Path) -> None:
    """Is it this MLflow that made the file? Takes seconds: for when MLflow has refused it.

    Raises:
        DataError: it was another one.
    """
    with closing(sqlite3.connect(path)) as database:
        [(version,)] = database.execute("SELECT version_num FROM alembic_version")
    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    if version == scripts.get_current_head():
        return
    if version in {one.revision for one in scripts.walk_revisions()}:
        raise DataError(
            f"{path} is of an older MLflow (its tables have version {version}): keep a copy, and give "
            f"`mlflow db upgrade sqlite:///{path}`."
        )
    raise DataError(
        f"{path} is of another MLflow than {mlflow.__version__}, probably a newer one (its tables have version "
        f"{version}). Install that one, or set `HW3_HOME` to another folder."
    )
