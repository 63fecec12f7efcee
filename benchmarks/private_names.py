"""`python -m benchmarks.private_names`: refuse private names of the large packages, which change without notice.

A private name has a leading underscore, in an import, an attribute or a string (`getattr`, paths of patches), or it is
a setting of Prefect with two of them inside. A variable's type is not known here: its private attribute is somebody
else's where no file of the repository defines it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

PACKAGES = ("prefect", "mlflow", "torch", "uvicorn", "fastapi", "aeon", "sklearn")
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("benchmarks/tf32.py", "torch.utils._python_dispatch.TorchDispatchMode"): (
        "a measurement that must see the products of backward passes; torch has no public name for what shows them"
    ),
    ("hw3models/engine/fitted_store.py", "sklearn.tree._tree.Tree"): (
        "a text, not an import: skops asks which types of a file are trusted by the names that it writes"
    ),
    ("hw3models/engine/fitted_store.py", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"): (
        "the same: without it no gradient boosting could be kept"
    ),
}
"""File and name, with the reason. At most three."""
_AS_DATA = ("benchmarks/private_names.py", "tests/benchmarks/test_private_names.py")
"""This check and its tests, in which private names are texts."""
_ROOT = Path(__file__).resolve().parents[1]
_NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}
_SETTING = re.compile(r"PREFECT__[A-Z]\w*")
_PATH = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)*")
_WITH_SETTINGS = (".yaml", ".yml", ".env", ".example", ".sh", ".json", ".service", "")
_BY_NAME = ("getattr", "setattr", "hasattr", "delattr")


def is_private(name: str) -> bool:
    """One underscore or two in front, and none of Python's own names such as `__init__`."""
    return name.startswith("_") and name.strip("_") != "" and not name.endswith("__")


MODULES_OWN = {name for name in dir(torch.nn.Module()) if is_private(name)}
"""Private names of any module, such as `_parameters`: a variable that has them is one."""


def defined(tree: ast.AST) -> Iterator[str]:
    """Private names that a file gives to something of its own."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            yield node.attr
        elif isinstance(node, ast.alias):
            # `import module as _module`, and a submodule of ours.
            yield node.asname or node.name


def violations(tree: ast.AST, own: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each private name of `PACKAGES`; `own` are those that the repository defines."""
    imported = dict(_imports(tree))
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for name in _names(node, imported, own):
            yield line, name


def _names(node: ast.AST, imported: dict[str, str], own: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_theirs(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        names = (f"{node.module}.{alias.name}" for alias in node.names)
        yield from (name for name in names if _is_theirs(name))
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node.value, node.attr, imported, own)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if _SETTING.fullmatch(node.value) or (_PATH.fullmatch(node.value) and _is_theirs(node.value)):
            yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BY_NAME:
        match node.args:
            case [value, ast.Constant(value=str(name)), *_]:
                yield from _attribute(value, name, imported, own)


def _attribute(value: ast.expr, name: str, imported: dict[str, str], own: set[str]) -> Iterator[str]:
    if not is_private(name):
        return
    path = _path(value, imported)
    if path is None:
        if name in MODULES_OWN or not (name in own or name in _NAMED_TUPLE):
            yield name
    elif name in MODULES_OWN or _is_theirs(f"{path}.{name}"):
        yield f"{path}.{name}"


def _is_theirs(path: str) -> bool:
    package, *parts = path.split(".")
    return package in PACKAGES and any(is_private(part) for part in parts)


def _path(value: ast.expr, imported: dict[str, str]) -> str | None:
    """Where `value` is from, where it is an imported name or an attribute of one."""
    if isinstance(value, ast.Name):
        return imported.get(value.id)
    if isinstance(value, ast.Attribute) and (path := _path(value.value, imported)) is not None:
        return f"{path}.{value.attr}"
    return None


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def found() -> Iterator[tuple[str, int, str]]:
    """File, line and name, in all files that git knows and that are no text for people."""
    listed = subprocess.run(["git", "ls-files"], cwd=_ROOT, capture_output=True, text=True, check=True)
    paths = [path for path in listed.stdout.splitlines() if (_ROOT / path).exists()]
    trees = {path: ast.parse((_ROOT / path).read_text()) for path in paths if path.endswith(".py")}
    own = {name for tree in trees.values() for name in defined(tree) if is_private(name)}
    for path, tree in trees.items():
        if path in _AS_DATA:
            continue
        yield from ((path, line, name) for line, name in sorted(set(violations(tree, own))))
    for path in paths:
        if Path(path).suffix in _WITH_SETTINGS:
            for number, text in enumerate((_ROOT / path).read_text().splitlines(), 1):
                yield from ((path, number, name) for name in _SETTING.findall(text))


def main() -> None:
    """List what is refused; the exit code says whether there was any."""
    everything = list(found())
    refused = [one for one in everything if (one[0], one[2]) not in EXCEPTIONS]
    for path, line, name in refused:
        print(f"{path}:{line}: `{name}` is a private name of a package; use a public one", file=sys.stderr)
    there = {(path, name) for path, _, name in everything}
    needless = [one for one in EXCEPTIONS if one not in there]
    for one in needless:
        print(f"benchmarks/private_names.py: {one} can go from its list: nothing is left there", file=sys.stderr)
    sys.exit(bool(refused or needless))


if __name__ == "__main__":
    main()
