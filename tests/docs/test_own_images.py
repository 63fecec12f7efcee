"""The commands of docs/own-images.md, on pictures whose colour is their class."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.servers import clean_environment

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-images.md").read_text()
SMALL = " --families mlp,majority --epochs 20"


def commands() -> list[str]:
    """All that need no server."""
    found = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    return [line for line in found if line.startswith("hw3 ")]


def photos(root: Path, num: int) -> None:
    """Red and blue noise of several sizes, of four patients; one file is damaged."""
    for k, name in enumerate(("ants", "bees")):
        for i in range(num):
            rng = np.random.default_rng(1000 * k + i)
            pixels = rng.integers(0, 90, (20 + i % 3, 24, 3), dtype=np.uint8)
            pixels[..., 2 * k] += 150
            path = root / name / f"patient{i % 8}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    found = clean_environment(HW3_HOME=str(tmp_path), HW3_CACHE=str(tmp_path / "cache"), PYTHONPATH=str(ROOT))
    found["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{found['PATH']}"
    return found


def test_the_commands_of_the_page_run_as_written(environment: dict[str, str], tmp_path: Path) -> None:
    photos(tmp_path / "photos", 40)
    photos(tmp_path / "new-photos", 6)
    rows = [
        (path.relative_to(tmp_path).as_posix(), path.parts[-3], path.parts[-2])
        for path in sorted((tmp_path / "photos").rglob("*.png"))
    ]
    pd.DataFrame(rows, columns=["path", "label", "patient"]).to_csv(tmp_path / "labels.csv", index=False)
    printed = {}
    for command in commands():
        given = command + (SMALL if command.startswith("hw3 images") else "")
        done = subprocess.run(
            given, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, f"{given}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        printed[command] = done.stdout + done.stderr
    assert "80 pictures of 3 sizes (20 to 24 pixels a side" in printed["hw3 check photos"]
    assert "8 groups" in printed["hw3 images photos --group-from 'patient(\\d+)'"]
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert (table["class"] == table["id"].str.split("/").str[0]).all()
