"""`make databases`: write the tables of the installed Prefect and MLflow again, as their migrations make them.

A table's constraints come in another order each time, which means nothing.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tasks.new_databases import script_of


def main() -> None:
    """For both; files of other versions go."""
    for package, made in (("prefect", prefect_tables), ("mlflow", mlflow_tables)):
        script = script_of(package)
        for older in script.parent.glob(f"{package}-*.sql"):
            older.unlink()
        with tempfile.TemporaryDirectory() as folder:
            statements = made(Path(folder))
        script.write_text("BEGIN;\n" + "\n".join(statements) + "\nCOMMIT;\n")
        print(f"{script}: {len(statements)} statements")


def prefect_tables(folder: Path) -> list[str]:
    """What Prefect's migrations make of an empty home."""
    prefect = str(Path(sys.executable).with_name("prefect"))
    environment = os.environ | {"PREFECT_HOME": str(folder)}
    subprocess.run(
        [prefect, "server", "database", "upgrade", "-y"], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return tables_of(folder / "prefect.db")


def mlflow_tables(folder: Path) -> list[str]:
    """What MLflow's migrations make of no file, less the experiment that it makes wherever there is none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    database = folder / "mlflow.db"
    SqlAlchemyStore(f"sqlite:///{database}", folder.as_uri()).engine.dispose()  # type: ignore[no-untyped-call]
    return [one for one in tables_of(database) if not one.startswith('INSERT INTO "experiments"')]


def tables_of(database: Path) -> list[str]:
    """SQL that makes the same tables with the same rows, a statement each."""
    with closing(sqlite3.connect(database)) as connection:
        return [one for one in connection.iterdump() if not one.startswith(("PRAGMA", "BEGIN", "COMMIT"))]


if __name__ == "__main__":
    main()
