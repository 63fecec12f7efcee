"""`hw3 check` as a user meets it: text, exit codes, a page in which nothing from the data is markup."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.browser import chromium
from tests.flows.cli.test_cli import environment, hw3

__all__ = ["environment"]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A table whose names would be markup anywhere but in text; it has a gap as well."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"sample": np.repeat(np.arange(40), 5), "time": np.tile(np.arange(5), 40)})
    table["x"] = rng.normal(size=200)
    table.loc[7, "x"] = np.nan
    table["label"] = np.where((table["sample"] % 2) == 0, SCRIPT, "b & <i>c</i>")
    path = tmp_path / '"><img src=x onerror=alert(1)>.csv'
    table.to_csv(path, index=False)
    return path


def test_a_look_says_what_was_understood_and_what_is_wrong(
    environment: dict[str, str], hostile: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    done = hw3(environment, "check", str(hostile), "--output", str(page))
    assert done.returncode == 1, done.stderr
    assert f"40 sequences of 5 x 1, 2 classes\n  {SCRIPT}: " in done.stdout or "  b & <i>c</i>: " in done.stdout
    assert "error: 1 values are missing, in 1 of 40 series" in done.stdout
    assert "--missing interpolate" in done.stdout
    found = json.loads(hw3(environment, "check", str(hostile), "--output", str(page), "--json").stdout)
    assert found["num_missing"] == 1
    with chromium() as browser:
        tab = browser.new_page()
        asked: list[str] = []
        tab.on("dialog", lambda dialog: asked.append(dialog.message))
        tab.on("request", lambda request: asked.append(request.url) if not request.url.startswith("file:") else None)
        tab.goto(page.as_uri())
        assert tab.locator("h1").inner_text().startswith('"><img src=x onerror=alert(1)>')
        assert SCRIPT in tab.locator("table").first.inner_text()
        assert tab.locator("figure svg").count() == 4, "each for wide and for narrow pages"
        assert tab.locator("script, img").count() == 0
        assert [one for one in asked if not one.startswith("data:")] == []


def test_data_in_order_end_with_0_and_unreadable_ones_with_2(environment: dict[str, str], tmp_path: Path) -> None:
    fine = hw3(environment, "check", "regime:order", "--num-train", "100", "--num-test", "50")
    assert (fine.returncode, "nothing stands out" in fine.stdout) == (0, True), fine.stdout + fine.stderr
    (tmp_path / "broken.csv").write_text("a,b\n1,2\n")
    broken = hw3(environment, "check", str(tmp_path / "broken.csv"))
    assert broken.returncode == 2
    assert "column 'sample'" in broken.stderr
    assert "Traceback" not in broken.stderr
