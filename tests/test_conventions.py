"""Rules of the repository that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("hw3models", "tasks", "flows")
NO_BEGINNING = ("As ", "By ", "From ", "In ", "Of ", "Those ")
"""Words with which no docstring begins."""
BEING_MENDED = ("flows/local/", "hw3models/engine/", "hw3models/families/", "hw3models/nn/", "tasks/helper/")
"""Rooms that others rewrite at this moment; the list is to be empty when they are done."""
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in done.stdout.splitlines()]


def test_importing_the_core_loads_neither_prefect_nor_mlflow_nor_torch() -> None:
    code = (
        "import sys, hw3models, hw3models.specs, hw3models.errors, hw3models.data\n"
        "assert not {'prefect', 'mlflow', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_importing_everything_makes_no_files(tmp_path: Path) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Libraries keep caches of fonts and compiled code in the home; ours would be elsewhere.
    ours = [path for path in tmp_path.rglob("*") if "hw3" in path.name or path.suffix in {".db", ".html"}]
    assert ours == []


def test_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_only_tracking_imports_mlflow() -> None:
    for path in MODULES:
        if path.is_relative_to(ROOT / "tasks" / "tracking"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "mlflow" for name in names), path


def test_the_mlflow_folder_holds_no_python() -> None:
    assert list((ROOT / "mlflow").rglob("*.py")) == []


def test_every_package_is_found_for_installation_and_no_other() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    found = set(find_packages(ROOT, include=options["include"]))
    assert found == {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_public_names_have_docstrings_and_functions_fit_a_screen(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.read_text().strip():
        assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 50, f"{node.name} has {length} lines"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring; those behind an attribute count as well."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for one in body if isinstance(body, list) else ():
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
                yield one.lineno, one.value.value.strip()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_docstrings_begin_with_a_verb_or_a_noun_phrase_that_stands_alone(path: Path) -> None:
    """`Of one example.` is half a sentence, whose other half is the name above it."""
    if path.relative_to(ROOT).as_posix().startswith(BEING_MENDED):
        pytest.skip("is being rewritten")
    found = [f"line {line}: {text[:60]}" for line, text in docstrings(ast.parse(path.read_text()))]
    assert [one for one in found if one.split(": ", 1)[1].startswith(NO_BEGINNING)] == []


def test_no_registry_address_and_no_path_of_a_machine_is_committed() -> None:
    forbidden = ("pypi" + ".org", "pythonhosted" + ".org", "/work" + "/", "/root" + "/")
    for path in tracked():
        if path.suffix in {".png", ".svg"} or not path.exists():
            continue
        text = path.read_text(errors="replace")
        assert not [word for word in forbidden if word in text], path


def test_lock_files_are_complete_hashed_and_hold_the_bounds_that_prefect_needs() -> None:
    lock = (ROOT / "constraints.txt").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    versions = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line and line[0].isalnum())
    assert tuple(map(int, versions["fastapi"].split(".")[:2])) < (0, 151)
    assert tuple(map(int, versions["sqlalchemy"].split(".")[:2])) < (2, 1)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in project:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert name in versions, f"{name} is not locked"
