"""docs/python.md: its Python, as it is written."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from tests.hw3models.api.test_studies import waves

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text()


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (
        block.replace('"cnn"', '"mlp"').replace("seeds=5", "seeds=2, epochs=2").replace("seeds=3", "seeds=1, epochs=2")
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    )
    X, y = waves(80)
    names: dict[str, object] = {"X": X, "y": y, "new": X[:3]}
    exec(first.replace("result.best", "result.model('mlp')"), names)  # our own page
    exec(second, names)
    assert (tmp_path / "study.html").is_file()
    plt.close("all")
