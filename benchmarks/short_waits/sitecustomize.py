"""On `PYTHONPATH`, this cuts the waits of `tasks` and `flows` to a tenth in every Python process that is started.

A wait is a constant of a module, or the default of a field, whose docstring begins with "Seconds". It is changed in the
syntax before the module runs, so also where it is a default of something else; the packages know nothing of it.
"""

import ast
import importlib.machinery
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import CodeType, ModuleType

SCALE = 0.1
LIMITS = frozenset({"HEARTBEAT", "READY", "_CLOCK"})
"""No waits of ours: Prefect's own least heartbeat, what a server's first start may take, the doubt about a clock."""
PACKAGES = ("tasks", "flows")


def cut(tree: ast.Module) -> list[str]:
    """Scale the waits in a module's syntax; their names."""
    names = []
    for body in [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node, prose in pairwise(body):
            name, value = _assigned(node)
            if name and name not in LIMITS and _text(prose).startswith("Seconds"):
                numbers = [one for one in ast.walk(value) if isinstance(one, ast.Constant)] if value else []
                for number in numbers:
                    if isinstance(number.value, int | float):
                        number.value = SCALE * number.value
                        names.append(name)
    return names


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


def _text(node: ast.stmt) -> str:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return str(node.value.value) if is_text else ""


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the name is importlib's
        """From the source, always: what is kept beside it has the whole waits."""
        tree = ast.parse(self.get_data(self.path))
        cut(tree)
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder:
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module as Python would find it, but with our loader."""
        if name.partition(".")[0] not in PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


if __name__ == "sitecustomize":  # and not where a test looks at it
    sys.meta_path.insert(0, _Finder())
