"""docs/own-networks.md: its file, its commands and its Python, as they are written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from hw3models.engine.fit import FitResult
from hw3models.engine.strategies import Strategy
from tests.servers import clean_environment
from tests.tiny import tiny_dataset

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-networks.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_network_of_the_page_is_checked_and_compared(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(blocks("python")[0])
    environment = clean_environment(HW3_HOME=str(tmp_path), HW3_CACHE=str(tmp_path / "cache"), PYTHONPATH=str(ROOT))
    check, compare = blocks("sh")[0].strip().splitlines()
    quick = " --num-train 100 --num-test 60 --seeds 2 --epochs 1 --json"
    outputs = []
    for command in (check, compare + quick):
        words = shlex.split(command.removeprefix("hw3 "))
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        outputs.append(done.stdout)
    assert re.search(r"replicates run (as one program|one by one)", outputs[0])
    assert re.search(r"nets\.py:Dilated \(sha256 [0-9a-f]{16}\)", outputs[0])
    for name in ("Dilated", "ExtraTreesClassifier", "cnn"):
        assert f'"{name}"' in outputs[1]


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(blocks("python")[0])
    code = blocks("python")[1].replace("./nets.py", str(tmp_path / "nets.py"))
    names: dict[str, object] = {"dataset": tiny_dataset()}
    exec(code, names)
    result = names["result"]
    assert isinstance(result, FitResult)
    assert result.strategy in get_args(Strategy)
    assert result.seeds == (0, 1, 2)
