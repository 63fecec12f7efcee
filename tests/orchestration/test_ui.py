"""The web pages, as a user sees them: a study started with a form in Prefect, its runs compared in MLflow."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.browser import SCREENSHOTS, chromium, needs_chromium
from tests.orchestration.pools import flow_runs, state_of, wait_for_worker
from tests.orchestration.studies import mlflow_client
from tests.servers import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.servers, needs_chromium]

TITLE = "sequences regime:order"


@pytest.fixture(scope="module")
def page(stack: Stack) -> Iterator[Any]:
    """A window of the browser; whatever it asks of other hosts is noted."""
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1700, "height": 1100})
        opened.set_default_timeout(30_000)
        yield opened


@pytest.fixture(scope="module")
def studies_worker(stack: Stack) -> None:
    stack.worker("hw3-cpu", "studies-ui", limit=None)
    wait_for_worker(stack, "hw3-cpu", "studies-ui")


def field(page: Any, label: str) -> Any:
    """The part of the form that is about one field."""
    name = page.locator(f".schema-form-property__label:text-is('{label} (Optional)')")
    return page.locator(".p-label", has=name).last


def submitted(stack: Stack) -> dict[str, dict[str, Any]]:
    """Studies that someone asked for, by id: schedules of other tests plan and drop runs of their own."""
    return {run["id"]: run for run in flow_runs(stack, flow="sequences") if not run["auto_scheduled"]}


def submit(page: Any, stack: Stack) -> str:
    """Press the button until a run is there (a server on SQLite may be too busy, and the page then says so); its id."""
    before = set(submitted(stack))
    end = time.monotonic() + 120
    while time.monotonic() < end:
        page.get_by_role("button", name="Submit").click()
        page.wait_for_timeout(5_000)
        if new := set(submitted(stack)) - before:
            (run,) = new
            return run
        page.screenshot(path=SCREENSHOTS / "prefect-refused.png", full_page=True)
    raise AssertionError(f"no run was made: see prefect-refused.png; the page says {page.inner_text('body')[-2000:]}")


def test_a_study_is_started_with_the_form_and_shows_its_verdict(page: Any, stack: Stack, studies_worker: None) -> None:
    before = set(submitted(stack))
    base = stack.environment["PREFECT_API_URL"].removesuffix("/api")
    page.goto(f"{base}/deployments")
    page.get_by_text("sequences", exact=True).first.click()
    page.locator("button", has_text="Run").last.click()
    page.get_by_text("Custom run").first.click()
    page.get_by_text("Replicates per family.").wait_for()
    page.screenshot(path=SCREENSHOTS / "prefect-form.png", full_page=True)

    page.get_by_text("placement (Optional)").wait_for()
    assert "insist on gpu or cpu" in field(page, "placement").inner_text(), "every field is explained"
    assert field(page, "source").locator("input, textarea").first.input_value() == "regime:order", (
        "defaults are filled in"
    )
    field(page, "Num Train").locator("input").fill("160")
    field(page, "Num Test").locator("input").fill("80")
    field(page, "Epochs").get_by_text("int", exact=True).click()
    field(page, "Epochs").locator("input").last.fill("2")

    field(page, "seeds").locator("input").fill("0")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("0 is less than the minimum of 1").first.wait_for()
    assert set(submitted(stack)) == before, "a wrong value starts nothing"

    field(page, "seeds").locator("input").fill("2")
    run = submit(page, stack)
    parameters = submitted(stack)[run]["parameters"]
    advanced = parameters["advanced"]
    assert (parameters["seeds"], advanced["epochs"], advanced["num_train"]) == (2, 2, 160)
    with suppress(AssertionError):
        wait_until(lambda: state_of(stack, run) == "COMPLETED", "the study completes", timeout=240, pause=1)
    now = submitted(stack)
    assert now[run]["state_type"] == "COMPLETED", [
        (one["id"], one["state_name"], one["state"]["message"]) for one in now.values()
    ]

    page.goto(f"{base}/runs/flow-run/{run}")
    page.get_by_text("Completed").first.wait_for()
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("verdict-sequences-order").first.click()
    page.get_by_text("144 training, 16 validation, 80 test examples").wait_for()
    page.screenshot(path=SCREENSHOTS / "prefect-verdict.png")
    assert "cannot be separated" in page.inner_text("body") or "beats" in page.inner_text("body")
    rows = page.locator("table").first.inner_text()
    assert all(family in rows for family in ("mlp", "cnn", "lstm", "gru", "lite", "majority", "logistic", "rocket"))


def test_mlflow_shows_the_study_and_compares_its_families(page: Any, stack: Stack) -> None:
    _, experiment = mlflow_client(stack)
    page.goto(f"{stack.environment['MLFLOW_TRACKING_URI']}/#/experiments/{experiment}/runs")
    parent = page.locator(".ag-row", has_text=TITLE).first
    parent.wait_for()
    parent.locator("[role=button], button").first.click()
    page.locator(".ag-row", has_text="gru on order").first.wait_for()
    for family in ("mlp", "cnn", "gru"):
        row = page.locator(".ag-row", has_text=f"{family} on order").first
        row.locator("input[type=checkbox]").first.check(force=True)
    page.screenshot(path=SCREENSHOTS / "mlflow-runs.png")
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Run details").first.wait_for()
    page.get_by_text("interval/accuracy_high").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "mlflow-compare.png", full_page=True)
    shown = page.inner_text("body")
    assert all(f"{family} on order" in shown for family in ("mlp", "cnn", "gru"))
    assert "train_seconds" in shown or "balanced_accuracy" in shown
