"""The notebook runs from top to bottom in a fresh kernel, and what is kept in it came from its own cells."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from benchmarks.notebook import NOTEBOOK, executed


def printed(notebook: Any) -> str:
    """All text that the cells put out."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            texts.append(output.get("text", "") + data.get("text/markdown", "") + data.get("text/plain", ""))
    return "\n".join(texts)


def figures(notebook: Any) -> int:
    return sum(
        "<svg" in output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


def assert_tells_the_homework(notebook: Any) -> None:
    text = printed(notebook)
    assert "cross-entropy: -ln 0.4 = 0.9163 nats" in text
    assert "50,890 numbers to learn" in text
    for regime in ("motif", "order", "locked"):
        assert re.search(rf"\*\*{regime}\*\*: .{{40,}}", text), regime
    assert len(re.findall(r"\*\*(holds|does not hold|cannot tell)\*\*", text)) >= 4
    assert figures(notebook) >= 15
    assert not [one for cell in notebook.cells for one in cell.get("outputs", ()) if one.get("name") == "stderr"]


def test_what_is_kept_in_the_notebook_is_whole_small_and_of_no_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run `make notebook`"
    assert_tells_the_homework(notebook)
    raw = NOTEBOOK.read_text()
    assert len(raw) < 2_500_000
    assert not re.search(r"/(root|home|tmp|work)/", raw)
    assert "mathdefault" not in raw  # a formula that is shown as it is written


@pytest.mark.servers
@pytest.mark.timeout(900)
@pytest.mark.parametrize("source", ["digits", "mnist"])
def test_it_runs_in_a_fresh_kernel(source: str, tmp_path: Path, shared: Path) -> None:
    if source == "mnist":
        found = list(shared.glob("mnist/*.gz"))
        if len(found) < 4:
            pytest.skip("MNIST is not at hand")
        raw = tmp_path / "cache" / "raw" / "mnist"
        raw.mkdir(parents=True)
        for path in found:
            (raw / path.name).write_bytes(path.read_bytes())
    changed = {"SOURCE": source, "SEEDS": 2, "EPOCHS": 2, "NUM_TRAIN": 200}
    notebook = executed(tmp_path, **changed)
    assert {"digits": "449 test examples", "mnist": "10,000 test examples"}[source] in printed(notebook)
    assert figures(notebook) >= 15
