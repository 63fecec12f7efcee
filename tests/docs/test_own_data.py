"""The commands of docs/own-data.md, as they are written."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.servers import clean_environment

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-data.md").read_text()


def blocks() -> list[list[str]]:
    return [text.strip().splitlines() for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]


def write(path: Path, *, seed: int, gaps: bool = False) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for sample in range(80):
        label = ("bad", "good")[sample % 2]
        speed = rng.normal(size=12) + (np.arange(12) > 6) * (1.5 if label == "good" else -1.5)
        force = rng.normal(size=12)
        rows += [(f"a{sample}", step, speed[step], force[step], label) for step in range(12)]
    table = pd.DataFrame(rows, columns=["sample", "time", "speed", "force", "label"])
    if gaps:
        table.loc[[5, 77], "speed"] = np.nan
    table.to_csv(path, index=False)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    found = clean_environment(HW3_HOME=str(tmp_path), HW3_CACHE=str(tmp_path / "cache"), PYTHONPATH=str(ROOT))
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    return found


def run(command: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    return done.stdout


def test_from_a_csv_to_a_served_champion_in_five_commands(environment: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", seed=0)
    write(tmp_path / "new.csv", seed=1)
    first, *_ = blocks()
    assert len(first) == 5
    *commands, serve = first
    printed = [run(command, environment, tmp_path) for command in commands]
    assert "80 sequences of 12 x 2, 2 classes" in printed[0]
    assert "hw3-sequences-mine version 1" in printed[2]
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert list(table.columns) == ["id", "class", "probability", "p_bad", "p_good"]
    truth = np.where(np.arange(80) % 2, "good", "bad")
    assert (table["class"] == truth).mean() > 0.8
    with (tmp_path / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", f"exec env {serve}"], cwd=tmp_path, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        assert answers(), (tmp_path / "serve.log").read_text()[-1500:]
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def answers() -> bool:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen("http://127.0.0.1:5001/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.5)
    return False


def test_gaps_have_the_path_that_the_page_describes(environment: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", seed=0, gaps=True)
    _, second = blocks()
    refused = subprocess.run(
        ["hw3", "sequences", "mine.csv"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert refused.returncode == 2
    assert "feature 'speed' is missing at line 7, line 79 (`--missing interpolate` fills gaps)" in refused.stderr
    look, study = second
    assert "nothing stands out" in run(look, environment, tmp_path)
    assert "cannot be separated" in (said := run(f"{study} --families mlp,gru,majority", environment, tmp_path)) or said
