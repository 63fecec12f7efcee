"""`make notebook`: run notebooks/hw3.ipynb from top to bottom and keep what came out of it."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "hw3.ipynb"


def executed(folder: Path, *, timeout: int = 900, **parameters: object) -> Any:
    """The notebook after a run in a fresh kernel whose runs go to `folder`; `parameters` replace those
    of its first cell.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    for name, value in parameters.items():
        first.source, changed = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value!r}  ", first.source)
        assert changed == 1, name
    environment = {"HW3_HOME": str(folder / "home"), "HW3_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    kept = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        NotebookClient(
            notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return notebook


def main() -> int:
    """Write the outputs back."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder))
    for cell in notebook.cells:
        # Times of the run: noise in every diff.
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, NOTEBOOK)
    sys.stdout.write(f"{NOTEBOOK}: {NOTEBOOK.stat().st_size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
