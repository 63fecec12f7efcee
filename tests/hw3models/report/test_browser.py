"""The page in a real browser: nothing leaves it, nothing runs in it, it fits small screens, and it turns dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw3models.report import write_report
from tests.browser import SCREENSHOTS, chromium, needs_chromium
from tests.report_fixtures import HOSTILE, run_report

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose class names would run if they could."""
    folder = tmp_path_factory.mktemp("report")
    # A folder's and a file's name reach the page as well, in what it says of missing files.
    run = run_report(folder / "<img src=x onerror=alert(3)>", class_names=HOSTILE)
    (Path(run.answers[0].training["mlp"].directory) / "history.json").unlink()
    write_report(run, folder / "report.html")
    return folder / "report.html"


class Visit:
    """A page that was opened, and what happened meanwhile."""

    def __init__(self, browser: Any, file: Path, width: int, height: int, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.messages: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(file.as_uri())

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _dismiss(self, dialog: Any) -> None:
        self.messages.append(dialog.message)
        dialog.dismiss()

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"report-{name}.png", full_page=True)

    def ground(self) -> str:
        return str(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1280, 800), ("narrow", 360, 740)])
def test_the_page_loads_nothing_else_and_its_verdict_is_seen_at_once(
    browser: Any, page_file: Path, name: str, width: int, height: int
) -> None:
    with Visit(browser, page_file, width, height) as visit:
        visit.screenshot(name)
        assert [address for address in visit.requests if not address.startswith("data:")] == [page_file.as_uri()]
        assert visit.messages == []
        lead = visit.page.locator(".lead").first
        box = lead.bounding_box()
        assert box["y"] + box["height"] <= height
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_are_read_and_not_run(browser: Any, page_file: Path) -> None:
    with Visit(browser, page_file, 1280, 800) as visit:
        text = visit.page.evaluate("document.body.textContent")
        assert all(name in text for name in HOSTILE)
        assert "<img src=x onerror=alert(3)>" in text
        assert visit.page.locator("script, img").count() == 0
        assert visit.messages == []


def test_the_page_turns_dark_with_the_system_and_light_on_paper(browser: Any, page_file: Path) -> None:
    with Visit(browser, page_file, 1280, 800) as light, Visit(browser, page_file, 1280, 800, "dark") as dark:
        dark.screenshot("dark")
        assert light.ground() == "rgb(255, 255, 255)"
        assert dark.ground() != light.ground()
        tick = dark.page.locator("svg text").first
        assert tick.evaluate("e => getComputedStyle(e).fill") == "rgb(231, 230, 226)"
        dark.page.emulate_media(media="print")
        assert dark.ground() == light.ground()


def test_folded_tables_are_printed(browser: Any, page_file: Path) -> None:
    with Visit(browser, page_file, 1280, 800) as visit:
        cell = visit.page.locator(".pairs td").first
        assert not cell.is_visible()
        visit.page.emulate_media(media="print")
        assert cell.bounding_box()["height"] > 0


OVERLAPS = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].filter(t => t.getClientRects().length && t.textContent.trim())
    .map(t => [t.getBoundingClientRect(), t.textContent]);
  return boxes.flatMap(([a, one], i) => boxes.slice(0, i)
    .filter(([b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
    .map(([b, other]) => `${svg.getAttribute('aria-label').slice(0, 30)}: ${one} / ${other}`));
})"""
"""Labels of a figure that lie on each other, by the browser's own boxes."""

CUT = """() => [...document.querySelectorAll('table, .plot, .plot svg, p, figure')]
  .filter(e => e.getClientRects().length && !e.closest('nav') && !e.classList.contains('hidden'))
  .filter(e => { const box = e.getBoundingClientRect();
    return box.right > innerWidth + 1 || box.left < -1 || (e.matches('.plot') && e.scrollWidth > e.clientWidth + 1); })
  .map(e => `${e.tagName} ${e.className.baseVal ?? e.className} ${Math.round(e.getBoundingClientRect().right)}`)"""
"""What reaches over the edge of the page, or scrolls within itself."""


@pytest.fixture(scope="module")
def crowded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of twelve families, five of which are as good and as fast as each other."""
    folder = tmp_path_factory.mktemp("crowded")
    run = run_report(folder)
    first = run.answers[0]
    training, evaluation = dict(first.training), dict(first.evaluation)
    for number in range(6):
        name = f"./nets.py:Network{number}"
        training[name] = training["gru"].model_copy(update={"family": name, "train_seconds": 30.0 + number})
        evaluation[name] = evaluation["gru"].model_copy(update={"family": name})
    crowded = first.model_copy(update={"training": training, "evaluation": evaluation})
    write_report(run.model_copy(update={"answers": (crowded,)}), folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize("which", ["page_file", "crowded_file"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_label_lies_on_another_and_nothing_is_cut_even_with_everything_unfolded(
    browser: Any, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    with Visit(browser, request.getfixturevalue(which), width, 844) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        visit.screenshot(f"{which}-{width}")
        assert visit.page.evaluate(OVERLAPS) == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        if width == 390:
            assert visit.page.evaluate(CUT) == []
        plots = visit.page.locator(".gallery.wide .plot svg:visible")
        room = visit.page.locator("main").bounding_box()["width"]
        assert all(plots.nth(i).bounding_box()["width"] >= 0.97 * room for i in range(plots.count()))


def test_text_of_the_main_figures_is_large_enough_to_read_on_a_telephone(browser: Any, page_file: Path) -> None:
    with Visit(browser, page_file, 390, 844) as visit:
        heights = visit.page.evaluate(
            "[...document.querySelectorAll('.narrow-only svg text')].map(t => t.getBoundingClientRect().height)"
        )
        assert min(heights) >= 10


def test_the_contents_stay_in_sight(browser: Any, page_file: Path) -> None:
    with Visit(browser, page_file, 390, 844) as visit:
        visit.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        visit.page.wait_for_function("scrollY > 1000")
        box = visit.page.locator("nav").bounding_box()
        assert 0 <= box["y"] < 10


@pytest.mark.parametrize("width", [390, 1280])
def test_a_word_is_explained_where_it_stands(browser: Any, page_file: Path, width: int) -> None:
    with Visit(browser, page_file, width, 844) as visit:
        visit.page.locator(".caveat .term, .lead .term, .rest .term").first.focus()
        told = visit.page.evaluate(
            "(e => [getComputedStyle(e, '::after').content, getComputedStyle(e, '::after').position])"
            "(document.activeElement)"
        )
        assert len(told[0]) > 40
        assert told[1] == "fixed"
        visit.page.screenshot(path=SCREENSHOTS / f"report-term-{width}.png")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


CONTRAST = """() => {
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('h1,h2,h3,p,li,th,td,a,span,summary,caption,figcaption,dt,dd,code,b')]
    .filter(e => !e.closest('svg') && e.textContent.trim() && e.getClientRects().length)
    .map(e => { const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className, e.textContent.slice(0, 40)]; })
    .filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(browser: Any, page_file: Path, scheme: str) -> None:
    with Visit(browser, page_file, 1280, 800, scheme) as visit:
        assert visit.page.evaluate(CONTRAST) == []
