"""New databases are what the migrations of the installed versions make, whole or not there."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.new_databases import mlflow_tables, prefect_tables, tables_of
from tasks import new_databases
from tasks.new_databases import make_database, script_of

PACKAGES = ("prefect", "mlflow")

ON_A_FULL_DISK = """
import sys
from pathlib import Path
from tasks.new_databases import make_database

print(make_database("prefect", Path(sys.argv[1])))
"""


@pytest.mark.parametrize(("package", "migrated"), [("prefect", prefect_tables), ("mlflow", mlflow_tables)])
def test_the_tables_are_those_that_the_migrations_make(
    package: str, migrated: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    assert script_of(package).exists(), "after another version was pinned: make databases"
    assert make_database(package, tmp_path / "new.db")
    (tmp_path / "migrated").mkdir()
    assert parts(tables_of(tmp_path / "new.db")) == parts(migrated(tmp_path / "migrated"))


def parts(statements: list[str]) -> list[list[str]]:
    """Of each statement: a table's constraints come in another order each time."""
    return sorted(sorted(line.strip().rstrip(",") for line in one.splitlines()) for one in statements)


def test_what_was_left_half_made_is_removed(tmp_path: Path) -> None:
    for left_behind in (".making-7.db", ".making-7.db-journal"):
        (tmp_path / left_behind).write_bytes(b"half")
    assert make_database("mlflow", tmp_path / "new.db")
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


def test_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "own.db").write_bytes(b"somebody's")
    assert not make_database("prefect", tmp_path / "own.db")
    assert (tmp_path / "own.db").read_bytes() == b"somebody's"


@pytest.mark.parametrize("package", PACKAGES)
def test_another_version_makes_its_tables_itself(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_databases, "version", lambda _: "9.9.9")
    assert not make_database(package, tmp_path / "new.db")
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_nothing_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path / "new.db")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, list(tmp_path.iterdir())) == ("False\n", [])
