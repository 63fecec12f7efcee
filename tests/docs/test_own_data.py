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

from hw3models.data.known.synthetic import make_regime
from hw3models.specs import DataSpec
from tests.servers import clean_environment

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-data.md").read_text()


def blocks() -> list[list[str]]:
    return [text.strip().splitlines() for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]


def write(path: Path, *, seed: int, gaps: bool = False) -> None:
    """Two bumps on a channel; which comes first is the class: no summary tells, and no baseline."""
    raw = make_regime(DataSpec(source="regime:order", num_train=400, num_test=200, seed=seed))
    num, steps, channels = raw.features.shape
    table = pd.DataFrame(raw.features.reshape(num * steps, channels), columns=[f"c{i}" for i in range(channels)])
    table.insert(0, "sample", np.repeat([f"a{i}" for i in range(num)], steps))
    table.insert(1, "time", np.tile(np.arange(steps), num))
    table["label"] = np.repeat(np.where(raw.labels, "good", "bad"), steps)
    if gaps:
        table.loc[[5, 77], "c0"] = np.nan
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
    assert "600 sequences of 50 x 8, 2 classes" in printed[0]
    assert "hw3-sequences-mine version 1" in printed[2]
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert list(table.columns) == ["id", "class", "probability", "p_bad", "p_good"]
    truth = pd.read_csv(tmp_path / "new.csv").groupby("sample")["label"].first()
    assert (table["class"] == table["id"].map(truth)).mean() > 0.8
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
    assert "feature 'c0' is missing at line 7, line 79 (`--missing interpolate` fills gaps)" in refused.stderr
    look, study = second
    said = run(look, environment, tmp_path)
    assert "note: 2 values are missing, in 2 of 600 series; channels 0" in said
    assert "they will be filled" in said
    assert "GRU" in run(f"{study} --families gru,majority --epochs 2", environment, tmp_path)
