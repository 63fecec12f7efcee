"""Families compared in MLflow as a person does it: open, sort, group, compare, see the box plot. Pictures are kept."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.browser import SCREENSHOTS, chromium, needs_chromium
from tests.servers import clean_environment, mlflow_server

pytestmark = [pytest.mark.servers, needs_chromium]
ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ("mlp", "cnn", "gru", "logistic", "majority")
SEEDS = 3
SMALL = ("--num-train", "160", "--num-test", "80", "--epochs", "2", "--seeds", str(SEEDS))


class Study(NamedTuple):
    """A study in MLflow, and what its command has said."""

    server: str
    link: str


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """Five families, on a server."""
    home = tmp_path_factory.mktemp("home")
    with mlflow_server(home / "server") as server:
        environment = clean_environment(
            HW3_HOME=str(home), HW3_CACHE=str(home / "cache"), PYTHONPATH=str(ROOT), MLFLOW_TRACKING_URI=server
        )
        command = [sys.executable, "-m", "flows.cli", "sequences", "regime:locked", *SMALL]
        done = subprocess.run(
            [*command, "--families", ",".join(FAMILIES)], env=environment, cwd=home, capture_output=True, text=True,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        [link] = re.findall(r"MLflow: +(\S+)", done.stdout)
        yield Study(server, link)


@pytest.fixture
def page() -> Iterator[Any]:
    """A window of the browser."""
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1700, "height": 1100})
        opened.set_default_timeout(60_000)
        yield opened


def opened(page: Any, study: Study) -> None:
    """The experiment, as its address without anything else shows it, with the study's families."""
    page.goto(f"{study.link.partition('?')[0]}?workflowType=machine_learning")
    parent = page.locator(".ag-row", has_text="sequences regime:locked").first
    parent.wait_for()
    parent.locator("[role=button], button").first.click()
    row(page, "gru on locked").wait_for()


def row(page: Any, text: str) -> Any:
    """The line of the table with this text, by the name of its run."""
    return page.locator(".ag-row", has=page.get_by_text(text, exact=True)).first


def rows(page: Any) -> list[str]:
    """Names of the runs, from the top: the table draws its lines in any order."""
    lines = page.locator(".ag-row", has_text=" on locked").all()
    found = {int(one.get_attribute("row-index")): one.inner_text() for one in lines}
    return [name[0] for _, text in sorted(found.items()) if (name := re.findall(r"\S+ on locked(?:, se\S*)?", text))]


def chosen(page: Any, label: str, value: str) -> None:
    """Choose a value of one of the table's menus."""
    page.get_by_role("button", name=label).first.click()
    page.get_by_placeholder("Search").last.fill(value)
    page.get_by_text(value, exact=True).last.click()


def axis(page: Any, index: int, value: str) -> None:
    """Choose what an axis of the plot shows."""
    page.get_by_text("Select parameter or metric").nth(index).click()
    page.keyboard.type(value)
    page.get_by_role("option", name=value, exact=True).first.click()


def test_the_experiment_is_sorted_by_score(page: Any, study: Study) -> None:
    opened(page, study)
    chosen(page, "Sort:", "accuracy")
    page.get_by_role("button", name="Sort: accuracy").wait_for()
    page.wait_for_timeout(1_000)
    page.screenshot(path=SCREENSHOTS / "mlflow-sorted.png")
    families = [name for name in rows(page) if "," not in name]
    assert set(families) == {f"{family} on locked" for family in FAMILIES}
    assert families[0] == "logistic on locked", families
    assert families[-1] == "majority on locked", families


def test_families_are_grouped_with_the_mean_of_their_seeds(page: Any, study: Study) -> None:
    opened(page, study)
    chosen(page, "Group by", "family")
    page.get_by_text("Group: gru").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "mlflow-grouped.png")
    # The address that the command prints opens on just that, of this study's seeds.
    page.goto(study.link)
    page.get_by_text("Group: gru").first.wait_for()
    page.get_by_text("gru on locked, seed 2").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "mlflow-link.png")
    shown = page.inner_text("body")
    assert all(f"Group: {family}" in shown for family in FAMILIES)
    assert "(average)" in shown
    assert "Sort: accuracy" in shown


def test_five_children_are_compared_and_the_page_opens_with_their_score(page: Any, study: Study) -> None:
    opened(page, study)
    for family in FAMILIES:
        row(page, f"{family} on locked").locator("input[type=checkbox]").first.check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Comparing 5 Runs from 1 Experiment").wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "mlflow-five.png")
    assert page.locator(".js-plotly-plot", has_text="accuracy").count() == 1, "the plot begins with the score"
    shown = page.inner_text("body")
    assert all(f"{family} on locked" in shown for family in FAMILIES)
    metrics = re.split(r"\nMetrics\n", shown)[-1]
    assert metrics.index("\naccuracy") < metrics.index("\ninterval/accuracy_low"), "scores come before intervals"


def test_the_box_plot_shows_what_seeds_do(page: Any, study: Study) -> None:
    page.goto(study.link)
    page.get_by_text("gru on locked, seed 2").first.wait_for()
    page.locator(".ag-header input[type=checkbox]").first.check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    runs = SEEDS * 3 + 2
    page.get_by_text(f"Comparing {runs} Runs from 1 Experiment").wait_for()
    page.get_by_text("Box Plot").first.click()
    axis(page, 0, "family")
    axis(page, 0, "accuracy")
    page.locator(".js-plotly-plot .trace.boxes").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "mlflow-boxes.png")
    plot = page.locator(".js-plotly-plot").last
    assert plot.locator(".trace.boxes path.box").count() == len(FAMILIES)
    shown = plot.inner_text()
    assert all(family in shown for family in FAMILIES)
