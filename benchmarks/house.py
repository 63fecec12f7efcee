"""`make house`: rooms, floors, arrows and lines of the packages, read from their syntax, in a part of ARCHITECTURE.md.

A room is a folder directly under a package, or a module there. An arrow goes from one room to another whose name it
imports: anywhere, so also inside a function or only for types. A room's floor is 1 more than the highest floor that
it imports from; rooms that import each other in a circle share one.
"""

import ast
import sys
import tomllib
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import networkx  # comes with torch

from benchmarks.pages import rewrite

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
PACKAGES = ("hw3models", "tasks", "flows")
COUNTED = (*PACKAGES, "benchmarks")
SUFFIXES = (".py", ".sql")
TEMPLATES = (".j2", ".css")
BEFORE = {"hw3models": 16_413, "tasks": 6_808, "flows": 5_254, "benchmarks": 2_689}
"""Lines of `SUFFIXES` in commit 349681b, before the house was cleared: 31,164; `TEMPLATES` had 578 more."""


class Extension(NamedTuple):
    """What people add, and where."""

    what: str
    at_most: int
    """Files that it may touch."""
    files: tuple[str, ...]
    """Those that it does touch: to edit, and (`+ PATTERN`) to write."""
    shown_by: str
    """The test or the example that does it, `PATH::NAME`."""


_SHOWN = "tests/test_extensions.py::test_"
_FAMILY = ("+ hw3models/families/NAME.py", "hw3models/families/__init__.py")
_SOURCE = ("+ hw3models/data/readers/NAME.py", "hw3models/data/sources.py")
_TASK = ("+ hw3models/objectives/NAME.py", "hw3models/objectives/__init__.py")
_RULE = ("hw3models/nn/stacking.py",)
EXTENSIONS = (
    Extension("a family for sequences", 2, _FAMILY, f"{_SHOWN}a_family_of_sequences_is_one_file_and_a_line"),
    Extension("a family for images", 2, _FAMILY, f"{_SHOWN}a_family_of_images_is_one_file_and_a_line"),
    Extension(
        "a source of data",
        2,
        _SOURCE,
        "tests/hw3models/data/test_sources.py::test_the_example_is_one_file_and_one_line",
    ),
    Extension(
        "a task type",
        4,
        (*_TASK, "hw3models/evaluation/metrics.py", "hw3models/pipeline/study.py"),
        f"{_SHOWN}a_task_type_is_one_file_and_the_families_that_have_it",
    ),
    Extension("a rule for a layer", 1, _RULE, f"{_SHOWN}a_rule_for_a_layer_is_a_line"),
    Extension(
        "a module of one's own",
        0,
        (),
        "tests/docs/test_own_networks.py::test_the_network_of_the_page_is_checked_and_compared",
    ),
)


class Graph(NamedTuple):
    """The rooms of one package and who imports whom."""

    rooms: tuple[str, ...]
    arrows: Mapping[tuple[str, str], tuple[str, ...]]
    """From the room that imports to the one that is imported; the files that do it."""

    def circles(self) -> list[tuple[str, ...]]:
        """The sets of rooms that import each other, by whatever way."""
        found = networkx.strongly_connected_components(self._upward())
        return sorted(tuple(sorted(rooms)) for rooms in found if len(rooms) > 1)

    def floors(self) -> dict[str, int]:
        """The floor of each room; the lowest is 1."""
        # Rooms of a circle become one; a generation is one more than the highest of those below.
        joined = networkx.condensation(self._upward())
        generations = enumerate(networkx.topological_generations(joined), 1)
        return {room: floor for floor, ones in generations for one in ones for room in joined.nodes[one]["members"]}

    def _upward(self) -> networkx.DiGraph:
        """From each room to those that import it."""
        found = networkx.DiGraph((target, source) for source, target in self.arrows)
        found.add_nodes_from(self.rooms)
        return found


def graph(package: str, root: Path = ROOT) -> Graph:
    """The rooms of a package as its files have them now."""
    files = sorted((root / package).rglob("*.py"))
    rooms = {room for path in files if (room := _room_of(path, root / package))}
    arrows: dict[tuple[str, str], set[str]] = {}
    for path in files:
        source = _room_of(path, root / package)
        for name in imports(path, root):
            first, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            # `from package import room` and `import package.room` name it; what else a package holds is no room.
            if source and first == package and target in rooms and target != source:
                arrows.setdefault((source, target), set()).add(path.relative_to(root).as_posix())
    return Graph(tuple(sorted(rooms)), {ends: tuple(sorted(files)) for ends, files in sorted(arrows.items())})


def _room_of(path: Path, package: Path) -> str | None:
    """The room that a file belongs to; none for the package's own `__init__`."""
    first = path.relative_to(package).parts[0].removesuffix(".py")
    return None if first in {"__init__", "__main__"} else first


def imports(path: Path, root: Path = ROOT) -> set[str]:
    """The dotted names that a file imports, wherever in it, with the names after `from x import`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(root).with_suffix("").parts[: -node.level] if node.level else ()
            base = ".".join((*here, *((node.module,) if node.module else ())))
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def order(project: Path = ROOT / "pyproject.toml") -> list[set[str]]:
    """The rooms of hw3models from below, as import-linter's contract has them: each imports from earlier rows only."""
    contracts = tomllib.loads(project.read_text())["tool"]["importlinter"]["contracts"]
    layers = [one["layers"] for one in contracts if one.get("containers") == ["hw3models"]]
    return [{room.strip(" ()") for room in row.split("|")} for rows in layers for row in reversed(rows)]


def upward(rooms: Graph, rows: Sequence[Set[str]]) -> list[tuple[str, str]]:
    """The arrows that run back up, or along a row."""
    row = {room: height for height, names in enumerate(rows) for room in names}
    return [
        (source, target)
        for source, target in rooms.arrows
        if source in row and row.get(target, len(rows)) >= row[source]
    ]


def lines(root: Path = ROOT, suffixes: tuple[str, ...] = SUFFIXES) -> dict[str, int]:
    """The lines of each package, blank ones and comments too, in its files with these suffixes."""
    return {
        package: sum(
            len(path.read_text().splitlines()) for path in (root / package).rglob("*") if path.suffix in suffixes
        )
        for package in COUNTED
    }


def part() -> str:
    """What stands in ARCHITECTURE.md between the marks."""
    house = {package: graph(package) for package in PACKAGES}
    now, templates = lines(), sum(lines(suffixes=TEMPLATES).values())
    text = ["| package | rooms | floors | arrows | in a circle |", "|---|---|---|---|---|"]
    text += [_row(package, rooms) for package, rooms in house.items()]
    text += [
        "",
        "Before (commit 349681b): hw3models 56 rooms, 13 floors, 205 arrows; tasks 23, 4, 47; flows 35, 8, 71.",
        "",
    ]
    core = house["hw3models"]
    text += ["| floor | rooms of hw3models |", "|---|---|"]
    text += [f"| {floor} | {', '.join(rooms)} |" for floor, rooms in reversed(by_floor(core))]
    if rows := order():
        told = ", ".join(f"{source} -> {target}" for source, target in upward(core, rows))
        text += ["", f"Arrows against the order in pyproject.toml: {told or 'none'}."]
    text += [""]
    text += [f"| lines of {', '.join(SUFFIXES)} | before | now |", "|---|---|---|"]
    text += [f"| {package} | {BEFORE[package]:,} | {now[package]:,} |" for package in COUNTED]
    text += [f"| all | {sum(BEFORE.values()):,} | {sum(now.values()):,} |", ""]
    text += [f"Beside these {templates:,} lines of {', '.join(TEMPLATES)} (578 before).", ""]
    text += ["| adding | touches at most | files | shown by |", "|---|---|---|---|"]
    text += [_touched(extension) for extension in EXTENSIONS]
    return "\n".join(text)


def _row(package: str, rooms: Graph) -> str:
    circles = "; ".join(" <-> ".join(circle) for circle in rooms.circles()) or "none"
    return f"| {package} | {len(rooms.rooms)} | {max(rooms.floors().values())} | {len(rooms.arrows)} | {circles} |"


def by_floor(rooms: Graph) -> list[tuple[int, tuple[str, ...]]]:
    """The rooms on each floor, from below."""
    floors = rooms.floors()
    return [
        (floor, tuple(room for room in rooms.rooms if floors[room] == floor)) for floor in sorted(set(floors.values()))
    ]


def _touched(extension: Extension) -> str:
    files = ", ".join(f"`{name[2:]}` (new)" if name.startswith("+ ") else f"`{name}`" for name in extension.files)
    return f"| {extension.what} | {extension.at_most} | {files or 'none'} | `{extension.shown_by}` |"


if __name__ == "__main__":
    rewrite(PAGE, "house", part())
    sys.stdout.write(f"{PAGE}\n")
