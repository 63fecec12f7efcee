"""The documentation site: built with warnings as errors, complete, and asking for nothing from elsewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from flows.cli.main import app
from hw3models.specs import StudySpec
from tests.browser import SCREENSHOTS, chromium, needs_chromium

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    dead = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"]+)"', page.read_text()):
            parts = urlsplit(link)
            if parts.scheme or not parts.path or page.name == "404.html":
                continue
            if not (page.parent / unquote(parts.path)).exists():
                dead.append(f"{page.relative_to(site)}: {link}")
    assert not dead


def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "reference" / "cli.html").read_text())
    names = [name for name in app if not name.startswith("-")]  # type: ignore[attr-defined]
    assert {"run", "sequences", "promote", "predict", "check", "drift", "up"} <= set(names)
    for name in names:
        assert f"hw3 {name}" in text
    for field in StudySpec.model_fields:
        if field not in ("own_recipe", "families"):
            assert f"--{field.replace('_', '-')}" in text, field


def test_specs_are_documented_field_by_field(site: Path) -> None:
    text = (site / "reference" / "specs.html").read_text()
    assert "Search for each network&#39;s recipe first" in text or "Search for each network's recipe first" in text
    assert "hw3models.specs.StudySpec.tune" in text


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as one:
        yield one


@needs_chromium
@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_ask_for_nothing_elsewhere_and_fit_the_window(
    site: Path, browser: object, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1100}, color_scheme=scheme)  # type: ignore[attr-defined]
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "concepts", "faults", "results", "reference/cli", "reference/library"):
        page.goto(f"file://{site}/{name}.html")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.screenshot(path=SCREENSHOTS / f"site-{name.replace('/', '-')}-{width}-{scheme}.png")
    context.close()
    assert [url for url in asked if not url.startswith("file:")] == []
