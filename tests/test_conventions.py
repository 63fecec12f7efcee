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
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

WITHOUT_A_MODULE = {
    "hw3models/data/readers/test_packed_text.py": "packed text, from its bytes to the examples",
    "hw3models/data/readers/test_parquet_types.py": "columns of every type, in small and large tables",
    "hw3models/data/test_edited_caches.py": "everything that is kept in the cache, by whichever reader",
    "flows/test_regression.py": "numbers instead of classes, through every flow",
    "hw3models/api/test_regression.py": "studies of numbers from arrays to the page",
    "hw3models/engine/test_regression.py": "every network on numbers, through the whole engine",
    "hw3models/evaluation/test_regression.py": "scores and verdicts of numbers, through the whole room",
    "flows/test_data_elsewhere.py": "new data at an address, for every command that takes some",
    "flows/test_outputs.py": "every command that writes a file",
    "flows/cli/test_killed.py": "commands that are ended in the middle, each of them",
    "flows/cli/test_end.py": "how the command ends, whatever it was asked",
    "flows/cli/test_settings_faults.py": "faults of the surroundings, through several commands",
    "flows/test_registry_kills.py": "promotions and rollbacks that are killed: crosses flows and tasks",
    "flows/studies/test_resume.py": "a study that was killed: every module of the folder has a part in it",
    "flows/test_deployments.py": "prefect.yaml names flows of the whole folder",
    "flows/test_secrets.py": "passwords in addresses, through every command",
    "flows/up/test_parts.py": "the small modules of the folder",
    "hw3models/data/readers/test_columns_of_forms.py": "which columns are channels, in every form that has columns",
    "hw3models/data/readers/test_group_readers.py": "groups, through every reader",
    "hw3models/data/readers/test_npz_by_names.py": "names, windows and validation parts of .npz, through two readers",
    "hw3models/data/test_understood.py": "what is said before training, through every reader",
    "hw3models/data/test_colour.py": "images of any size and colour, from the reader to the report",
    "hw3models/data/pictures/test_bad_pictures.py": "broken sets of pictures, through every reader of them",
    "hw3models/serving/test_kept.py": "fitted baselines that are kept, from training to prediction",
    "tasks/tracking/test_pages.py": "what MLflow's pages show, from several modules",
    "hw3models/engine/test_augmentation.py": "crosses batches and group",
    "hw3models/engine/test_class_weights.py": "rare classes and long series, from batches to the epoch that is kept",
    "hw3models/families/test_series_networks.py": "what the networks for series promise, each a module",
    "hw3models/families/test_registry.py": "the registry stands in the folder's `__init__`",
    "flows/studies/test_digests.py": "how often a study reads what it has",
    "hw3models/nn/test_zoo.py": "foreign modules, through all of the folder",
    "hw3models/pipeline/test_resampled_study.py": "resamples from the data to the verdict",
    "hw3models/pipeline/test_resampled_training.py": "training sets of their own, from the data to the verdict",
    "hw3models/report/test_browser.py": "the finished page, in a browser",
}
"""Files of tests that name no module, and why."""


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


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_mirror_the_rooms(package: str) -> None:
    """tests/PACKAGE/room/test_x.py tests PACKAGE/room/x.py, or the folder x; test_room.py the whole folder."""
    nameless = set()
    for path in sorted((ROOT / "tests" / package).rglob("*.py")):
        file = path.relative_to(ROOT / "tests")
        folder, tested = ROOT / file.parent, path.stem.removeprefix("test_")
        assert folder.is_dir(), f"tests/{file}: there is no folder {file.parent}; move the tests to what they test"
        is_named = tested == folder.name or (folder / tested).is_dir() or (folder / f"{tested}.py").is_file()
        if path.stem.startswith("test_") and not is_named:
            nameless.add(file.as_posix())
    reasoned = {file for file in WITHOUT_A_MODULE if file.startswith(f"{package}/")}
    assert nameless == reasoned, "name the file after its module, or say in WITHOUT_A_MODULE why there is none"


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
    found = [f"line {line}: {text[:60]}" for line, text in docstrings(ast.parse(path.read_text()))]
    assert [one for one in found if one.split(": ", 1)[1].startswith(NO_BEGINNING)] == []


def test_no_registry_address_and_no_path_of_a_machine_is_committed() -> None:
    forbidden = ("pypi" + ".org", "pythonhosted" + ".org", "/work" + "/", "/root" + "/")
    for path in tracked():
        if path.suffix in {".png", ".svg"} or not path.exists():
            continue
        text = path.read_text(errors="replace")
        assert not [word for word in forbidden if word in text], path


def test_lock_files_are_complete_hashed_and_hold_what_was_measured_to_work() -> None:
    lock = (ROOT / "constraints.txt").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    versions = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line and line[0].isalnum())
    prefect, fastapi = (tuple(map(int, versions[name].split(".")[:2])) for name in ("prefect", "fastapi"))
    # Prefect 3.8 never fires a schedule with SQLAlchemy 2.1. FastAPI 0.151 breaks `prefect deploy`: 3.9 says so itself.
    assert prefect >= (3, 9)
    assert fastapi < (0, 151)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in project:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert name in versions, f"{name} is not locked"
