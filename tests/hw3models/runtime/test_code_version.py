"""What a key depends on: the code that the step uses, and nothing else."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from hw3models.runtime.code_version import PACKAGE, STEPS, code_version, files_of, version_of
from tasks.data import preprocess
from tasks.evaluation import evaluate
from tasks.training import train

ROOT = PACKAGE.parent
ENTRIES = {
    "preprocess": "hw3models.data",
    "train": "hw3models.pipeline.steps",
    "evaluate": "hw3models.pipeline.steps",
    "trial": "hw3models.tuning.search hw3models.tuning.trial",
    "simulate": "hw3models.simulation.comparisons",
    "run": "flows.hw3",
}
"""The modules that whoever orders a step imports for it."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for name in ("hw3models", "tasks", "flows") for path in (ROOT / name).rglob("*.py")}


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything but what only type checkers read."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _executed(child)


@cache
def imported_by(module: str) -> frozenset[str]:
    """Ours, wherever in the module it stands, with the packages that hold it."""
    parts = module.split(".")
    found = {".".join(parts[:size]) for size in range(1, len(parts))}
    for node in _executed(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found & MODULES.keys())


def closure(*entries: str) -> set[str]:
    seen, todo = set[str](), list(entries)
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += imported_by(module)
    return {module for module in seen if module.startswith("hw3models.")}


def covered(step: str) -> set[str]:
    return {module_name(path) for path in files_of(step, PACKAGE) if path.suffix == ".py"}


@pytest.mark.parametrize("step", STEPS)
def test_the_table_has_everything_that_a_step_imports_and_no_room_that_it_does_not(step: str) -> None:
    needed = closure(*ENTRIES[step].split())
    assert needed - covered(step) == set(), f"add these, or their rooms, to STEPS[{step!r}]"
    for part in STEPS[step]:
        inside = {module for module in needed if f"{module}.".startswith(f"hw3models.{part}.")}
        assert inside, f"STEPS[{step!r}] does not need {part}"


def test_what_a_training_and_an_evaluation_really_load_is_covered(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from hw3models.data import fetch, prepare
from hw3models.specs import DataSpec, Recipe, TrainSpec
folder = Path(sys.argv[1])
ours = lambda: {name for name in sys.modules if name.startswith("hw3models.")}
spec = DataSpec(source="regime:order", num_train=80, num_test=40)
data = prepare(spec, fetch(spec, cache=folder), cache=folder)
print(*sorted(ours()))
from hw3models.pipeline.steps import evaluate_step, train_step
for family, recipe in (("mlp", Recipe(epochs=1)), ("majority", None)):
    training = TrainSpec(data=spec, family=family, seeds=(0, 1), recipe=recipe)
    evaluate_step(train_step(training, data, folder / family), data)
print(*sorted(ours()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    prepared, trained = (set(line.split()) for line in done.stdout.splitlines())
    rooms = {f"hw3models.{path.name}" for path in PACKAGE.iterdir() if path.is_dir()}
    assert "hw3models.data.preparation" in prepared
    assert prepared - rooms <= covered("preprocess")
    assert "hw3models.engine.fit" in trained
    assert trained - rooms <= covered("train") & covered("evaluate")


def test_every_cached_task_has_a_row() -> None:
    assert {task.name for task in (preprocess, train, evaluate)} <= STEPS.keys()


def comment(path: Path) -> None:
    path.write_text(f"# A word more.\n\n{path.read_text()}\n# And one at the end.\n")


def docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    text = ast.get_docstring(tree, clean=False)
    assert text
    path.write_text(path.read_text().replace(text, f"{text} Or so.", 1))


def code(path: Path) -> None:
    path.write_text(f"{path.read_text()}\n\ndef more() -> int:\n    return 1\n")


CHANGES: list[tuple[Callable[[Path], None], str, set[str]]] = [
    (comment, "plots/scores.py", set()),
    (comment, "engine/fit.py", set()),
    (docstring, "engine/fit.py", set()),
    (code, "plots/scores.py", {"run"}),
    (code, "report/page.py", {"run"}),
    (code, "homework/parts.py", {"run"}),
    (code, "evaluation/verdicts.py", {"run", "simulate"}),
    (code, "evaluation/metrics.py", {"train", "evaluate", "trial", "run", "simulate"}),
    (code, "evaluation/__init__.py", {"train", "evaluate", "trial", "run", "simulate"}),
    (code, "objectives/reconstruction.py", {"train", "evaluate", "trial", "run"}),
    (code, "evaluation/scores.py", {"train", "evaluate", "run", "simulate"}),
    (code, "pipeline/steps.py", {"train", "evaluate", "run"}),
    (code, "engine/fit.py", {"train", "evaluate", "trial", "run"}),
    (code, "families/lstm.py", {"train", "evaluate", "trial", "run"}),
    (code, "tuning/space.py", {"trial", "run"}),
    (code, "data/readers/npz_files.py", set(STEPS) - {"simulate"}),
    (code, "specs/data.py", set(STEPS)),
    (code, "errors.py", set(STEPS)),
    (code, "drift/detection.py", set()),
]


@pytest.mark.parametrize(
    ("change", "file", "steps"), CHANGES, ids=[f"{change.__name__} in {file}" for change, file, _ in CHANGES]
)
def test_a_change_discards_what_the_changed_code_did(
    change: Callable[[Path], None], file: str, steps: set[str], tmp_path: Path
) -> None:
    copy = tmp_path / "hw3models"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = {step: version_of(step, copy) for step in (*STEPS, None)}
    change(copy / file)
    after = {step: version_of(step, copy) for step in (*STEPS, None)}
    changed = {step for step in after if after[step] != before[step]}
    assert changed == {*steps, None}, "every byte counts for what people compare"


def test_a_table_of_measurements_counts_and_what_is_no_source_does_not(tmp_path: Path) -> None:
    copy = tmp_path / "hw3models"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = version_of("train", copy)
    (copy / "engine" / "notes.txt").write_text("nothing")
    assert version_of("train", copy) == before
    table = copy / "engine" / "strategies.json"
    table.write_text(table.read_text() + "\n")
    assert version_of("train", copy) != before


def test_versions_are_the_same_in_every_process_and_place() -> None:
    command = "from hw3models.runtime.code_version import STEPS, code_version; print(*map(code_version, STEPS))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", command], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        ).stdout.split()
        == [code_version(step) for step in STEPS]
        for seed in ("1", "2")
    }  # fmt: skip
    assert seen == {True}
