"""The house as ARCHITECTURE.md tells it, and as the code has it."""

from pathlib import Path

import pytest

from benchmarks import house
from benchmarks.house import ROOT, Graph

CIRCLES_ALLOWED: dict[str, list[tuple[str, ...]]] = {}
"""What is still to be undone; a circle that is gone must go from here."""


def graph_of(*arrows: str) -> Graph:
    """`a>b`: room a imports room b."""
    ends = [tuple(arrow.split(">")) for arrow in arrows]
    return Graph(tuple(sorted({room for two in ends for room in two})), {(a, b): (f"{a}.py",) for a, b in sorted(ends)})


@pytest.mark.parametrize("package", house.PACKAGES)
def test_rooms_import_each_other_in_no_circle(package: str) -> None:
    found = house.graph(package)
    circles = found.circles()
    told = {two: found.arrows[two] for circle in circles for two in found.arrows if {*two} <= {*circle}}
    assert circles == CIRCLES_ALLOWED.get(package, []), told


def test_no_arrow_of_the_core_runs_against_the_order_that_import_linter_checks() -> None:
    found = house.graph("hw3models")
    arrows = house.upward(found, house.order())
    assert not arrows, {two: found.arrows[two] for two in arrows}


def test_the_page_has_the_rooms_of_the_code_and_about_its_numbers() -> None:
    """Loosely: not every commit has to write the page. Rooms and floors are exact, the rest within a twentieth."""
    _, _, rest = house.PAGE.read_text().partition("<!-- house: begin")
    rooms_of, _, lines_of = rest.partition("<!-- house: end -->")[0].partition("| lines of ")
    rows, lines = cells_of(rooms_of), cells_of(lines_of)
    for package in house.PACKAGES:
        found = house.graph(package)
        rooms, floors, arrows = (int(cell) for cell in rows[package][:3])
        assert (rooms, floors) == (len(found.rooms), max(found.floors().values())), f"{package}: give `make house`"
        assert arrows == pytest.approx(len(found.arrows), rel=0.05), f"{package}: give `make house`"
    told = int(lines["all"][1].replace(",", ""))
    assert told == pytest.approx(sum(house.lines().values()), rel=0.05), "give `make house`"


def cells_of(text: str) -> dict[str, list[str]]:
    """First cell of a table's row -> the others."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {first: cells for first, *cells in rows}


def test_extensions_touch_no_more_than_they_may_and_name_files_and_tests_that_there_are() -> None:
    for what, at_most, files, shown_by in house.EXTENSIONS:
        assert len(files) <= at_most, what
        for name in files:
            path = ROOT / name.removeprefix("+ ")
            assert path.parent.is_dir() if name.startswith("+ ") else path.is_file(), f"{what}: {name}"
        file, _, test = shown_by.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(), f"{what}: {shown_by}"


def test_floors_are_the_longest_way_down_and_a_circle_is_one_place() -> None:
    found = graph_of("top>middle", "middle>low", "top>low", "a>b", "b>a", "b>top")
    assert found.floors() == {"low": 1, "middle": 2, "top": 3, "a": 4, "b": 4}
    assert found.circles() == [("a", "b")]
    assert graph_of("top>middle", "middle>low").circles() == []


def test_arrows_along_a_row_or_against_the_order_run_back_up(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[[tool.importlinter.contracts]]\nlayers = ["a", "b"]\n'
        '[[tool.importlinter.contracts]]\ncontainers = ["hw3models"]\n'
        'layers = ["engine", "(objectives)", "data | evaluation", "stats"]\n'
    )
    rows = house.order(project)
    assert rows == [{"stats"}, {"data", "evaluation"}, {"objectives"}, {"engine"}]
    found = graph_of("engine>data", "data>evaluation", "stats>engine", "report>stats", "data>report")
    assert house.upward(found, rows) == [("data", "evaluation"), ("data", "report"), ("stats", "engine")]


def test_imports_count_wherever_they_stand(tmp_path: Path) -> None:
    package = tmp_path / "made"
    (package / "room").mkdir(parents=True)
    for name in ("__init__.py", "below.py", "typed.py", "late.py", "alone.py", "room/__init__.py", "room/deep.py"):
        (package / name).touch()
    (package / "room" / "one.py").write_text(
        "from typing import TYPE_CHECKING\nimport json\nfrom made import below\nfrom made.room import deep\n"
        "if TYPE_CHECKING:\n    from made.typed import Name\n"
        "def call():\n    import made.late as late\n    from ..alone import what\n"
    )
    found = house.graph("made", tmp_path)
    assert found.rooms == ("alone", "below", "late", "room", "typed")
    assert list(found.arrows) == [("room", "alone"), ("room", "below"), ("room", "late"), ("room", "typed")]
    assert found.arrows["room", "late"] == ("made/room/one.py",)


def test_lines_are_counted_by_suffix(tmp_path: Path) -> None:
    for package in house.COUNTED:
        (tmp_path / package).mkdir()
    (tmp_path / "tasks" / "a.py").write_text("1\n\n# 3\n")
    (tmp_path / "tasks" / "a.sql").write_text("1\n")
    (tmp_path / "tasks" / "a.css").write_text("1\n2\n")
    assert house.lines(tmp_path)["tasks"] == 4
    assert house.lines(tmp_path, house.TEMPLATES)["tasks"] == 2
    assert sum(house.BEFORE.values()) == 31_164
