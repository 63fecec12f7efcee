"""The page itself: one HTML file that loads nothing, from a template in which every value is escaped."""

import re
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hw3models.errors import DataError
from hw3models.evaluation.glossary import GLOSSARY
from hw3models.printable import visible
from hw3models.report import formatting
from hw3models.report.drawing import Drawing
from hw3models.report.figures import Drawn
from hw3models.report.glossary import with_terms
from hw3models.report.views import view_run
from hw3models.runtime.files import write_atomically
from hw3models.runtime.redaction import without_password
from hw3models.specs import RunReport

# strftime's names follow the machine's language.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def write_report(run: RunReport, path: Path, drawing: Drawing | None = None) -> None:
    """Write the page of `run` to `path`, whole or not at all, with figures from `drawing` or drawn now.

    What lies beside the reports (histories, prediction tables, prepared data) may be gone: the page then says what
    it lacks.

    Raises:
        DataError: the file cannot be written.
    """
    page = rendered("report.html.j2", view=view_run(run, drawing or Drawing()))
    try:
        write_atomically(path, page.encode("utf-8", errors="replace"))
    except OSError as error:
        raise DataError(
            f"{path}: the report cannot be written ({error.strerror or error}). Free the path or name another one."
        ) from error


def rendered(template: str, **values: Any) -> str:
    """A page from a template of ours, with its style in it."""
    style = Markup(_read("report.css"))  # noqa: S704  # our own file
    page = visible(_environment().get_template(template).render(**values, style=style))
    return _TABLE.sub(_with_labels, page)


_TABLE = re.compile(r'<table(?! class="(?:short|matrix)").*?</table>', re.DOTALL)
_HEAD = re.compile(r'<th scope="col"[^>]*>(.*?)</th>', re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_CELL = re.compile(r"<td(?![^>]*colspan)")


def _with_labels(match: re.Match[str]) -> str:
    """The table with the head of its column in each cell: on a telephone a row is a card, and these name its cells."""
    head, body, rest = match.group().partition("<tbody>")
    names = [" ".join(_TAG.sub("", one).split()) for one in _HEAD.findall(head)]

    def label(row: re.Match[str]) -> str:
        places = iter(names[1:])
        return _CELL.sub(lambda _: f'<td data-label="{next(places, "")}"', row.group())

    return head + body + _ROW.sub(label, rest)


def _read(name: str) -> str:
    return resources.files("hw3models.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["glossary"] = GLOSSARY
    environment.filters |= {
        "count": formatting.count,
        "seconds": formatting.seconds,
        "plural": formatting.plural,
        "shape": formatting.shape,
        "numbers": formatting.number_list,
        "family": formatting.family_name,
        "code": formatting.with_code,
        "terms": with_terms,
        "shortened": formatting.shortened,
        "public": without_password,
        "date": _date,
        "figure": _figure,
        "narrow": lambda drawn: Markup(drawn.narrow),  # noqa: S704  # as in `_figure`
        "code_in": _code_in,
    }
    return environment


def _date(iso: str) -> str:
    """`22 November 2026, 23:40`; what is no date stays as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"


def _code_in(text: Markup) -> Markup:
    """Escaped text with `words between backticks` as code; a term never stands between them."""
    return Markup(re.sub(r"`([^`<]+)`", r"<code>\1</code>", str(text)))  # noqa: S704  # it was escaped before


def _figure(drawn: Drawn) -> Markup:
    """The SVG as it is: `hw3models.plots.to_svg` writes it through an XML library, which escapes."""
    return Markup(drawn.svg)  # noqa: S704
