"""`make errors`: docs/errors.md, every error that the code raises on purpose, as a user reads it.

Found in the syntax tree: calls of our error classes (and of functions that collect faults), with their text. What
stands in braces is filled in when it happens.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"
PACKAGES = ("hw3models", "tasks", "flows")
CLASSES = (
    "SpecError", "DataError", "DownloadError", "DigestError", "TrainingError", "PlacementError", "ServerError",
    "PortError", "StartError",
)  # fmt: skip
HEAD = """# Errors

Everything that the code raises on purpose, as the command line prints it after `hw3: `. `make errors` writes this page
from the code; words in braces are filled in when it happens. Exit code 2: the input is at fault (`SpecError`,
`DataError`, `DigestError`, `PortError`); 130: Ctrl-C; 1: something else.

Values that the fields of a spec refuse are told by pydantic in the same form: `` `seeds`: input should be greater than
or equal to 1, got 0. `` A full disk: `No space left on the disk: free some space, and give the same command again.`
Errors of MLflow, Prefect, SQLAlchemy and the system are put into such sentences by `flows/cli/foreign.py`: who does not
let us in (2), what keeps a database locked, which limit a file has met (1); `tests/flows/cli/test_foreign.py` causes
each for real. What nobody has foreseen is told in one sentence, with the name of a file that has the traceback.
"""


class Found(NamedTuple):
    """One error."""

    module: str
    kind: str
    text: str


def errors() -> list[Found]:
    """Of all packages, by module and place."""
    found: list[Found] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text())
            # What is put together elsewhere has its words there.
            found += [Found(module, kind, text) for kind, text in _raised(tree) if num_words(text) >= 3]
    return list(dict.fromkeys(found))


def num_words(text: str) -> int:
    """Beside what is filled in."""
    return len(re.sub(r"\{[^}]*\}", "", text).split())


def _raised(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES and node.args:
            yield node.func.id, _text(node.args[0])
        # `faults` are collected, so that all are told together.
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "append"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "faults"
        ):
            yield "DataError", _text(node.args[0])


def _text(node: ast.expr) -> str:
    """The template: `{name}` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        simple = isinstance(node.value, (ast.Name, ast.Attribute))
        return f"{{{ast.unparse(node.value)}}}" if simple else "{...}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return "{...}"


def page() -> str:
    """The whole of it."""
    lines = [HEAD]
    module = ""
    for one in errors():
        if one.module != module:
            lines += [*([""] if module else []), f"## `{one.module}`", "", "| error | message |", "|---|---|"]
            module = one.module
        text = " ".join(one.text.split()).replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {one.kind} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
