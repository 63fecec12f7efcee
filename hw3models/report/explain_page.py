"""An explanation as a page of its own: what answers rest on, drawn for typical examples and for wrong ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.explaining import Explanation
from hw3models.explaining.explanation import Maps
from hw3models.explaining.measures import SHARES, STABLE
from hw3models.explaining.said import NumberSaid
from hw3models.explaining.wording import WORDS, channel_name, is_told
from hw3models.plots import to_svg
from hw3models.plots.examples import are_ink
from hw3models.plots.maps import deletion_curves, image_map, mean_map, series_map
from hw3models.plots.scores import NARROW
from hw3models.plots.style import plain
from hw3models.report.figures import Drawn, draw_twice
from hw3models.report.page import rendered
from hw3models.runtime.files import write_atomically

MOST_TYPICAL, MOST_WRONG = 6, 4


@dataclass(frozen=True, kw_only=True)
class Example:
    """A drawn example."""

    drawn: Drawn
    title: str
    agreement: float | None
    """Correlation of the seeds' maps of it."""

    @property
    def is_stable(self) -> bool:
        """Do the seeds agree on its map?"""
        return self.agreement is None or self.agreement >= STABLE


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the page shows of a method."""

    name: str
    is_told: bool
    """May be read from these maps where answers rest?"""
    mean: Drawn
    typical: tuple[Example, ...]
    wrong: tuple[Example, ...]


def write_page(found: Explanation, path: Path, differences: tuple[str, ...] = ()) -> None:
    """Write the page, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    text = rendered(
        "explain.html.j2",
        found=found,
        curves=curves(found),
        sections=[_section(found, one) for one in found.maps],
        differences=differences,
    )
    try:
        write_atomically(path, text.encode("utf-8", errors="replace"))
    except OSError as error:
        raise DataError(f"{path}: the page cannot be written ({error.strerror or error}). Name another one.") from error


def figures(found: Explanation) -> dict[str, str]:
    """The figures of the page as SVG, by name."""
    sheets = {"deletion": curves(found).svg}
    for one in found.maps:
        section = _section(found, one)
        sheets[f"{one.method}-mean"] = section.mean.svg
        for kind, examples in (("typical", section.typical), ("wrong", section.wrong)):
            sheets |= {f"{one.method}-{kind}-{number}": each.drawn.svg for number, each in enumerate(examples, 1)}
    return sheets


def curves(found: Explanation) -> Drawn:
    """The deletion test of every method."""
    # How far a number has moved is kept as what is lost of nearness.
    sign = -1 if found.said.is_number else 1
    lines = {}
    for one in found.maps:
        ranked, at_random = (
            [sign * value for value in (one.deletion.whole, *left)]
            for left in (one.deletion.ranked, one.deletion.random)
        )
        lines[WORDS[one.method]] = ranked, at_random
    figure = partial(deletion_curves, SHARES, lines, is_share=not found.said.is_number)
    what = "How far the number moves" if found.said.is_number else "Probability of the answer"
    told = f"{what} while parts are deleted, those ranked highest and random ones"
    return draw_twice(lambda width=6.4: figure(width), told)


def typical_and_wrong(found: Explanation) -> tuple[list[int], list[int]]:
    """Places of examples to draw: of each class a right one, of middling strength of its map; and wrong ones.

    Of numbers some from the smallest that is said to the greatest, and those that are furthest off.
    """
    if isinstance(found.said, NumberSaid):
        order = np.argsort(found.said.numbers, kind="stable")
        apart = np.unique(np.linspace(0, len(order) - 1, min(MOST_TYPICAL, len(order))).astype(int))
        return [int(i) for i in order[apart]], _furthest_off(found.said, found.questions.targets)
    codes = found.said.codes
    labels = codes if found.questions.labels is None else found.questions.labels
    right = codes == labels
    strength = np.nan_to_num(np.abs(found.maps[0].mean)).sum(axis=(1, 2))
    typical = []
    for k in range(len(found.class_names)):
        own = np.flatnonzero(right & (labels == k))
        if len(own):
            typical.append(int(own[np.argsort(strength[own], kind="stable")[len(own) // 2]]))
    return typical[:MOST_TYPICAL], [int(i) for i in np.flatnonzero(~right)[:MOST_WRONG]]


def _furthest_off(said: NumberSaid, targets: NDArray[np.float64] | None) -> list[int]:
    if targets is None:
        return []
    return [int(i) for i in np.argsort(-np.abs(said.numbers - targets), kind="stable")[:MOST_WRONG]]


def _section(found: Explanation, one: Maps) -> Section:
    typical, wrong = typical_and_wrong(found)
    tops, values = found.tops(one.method), one.mean
    has_ink = found.kind == "images" and are_ink(np.nan_to_num(found.questions.examples).astype(np.uint8))
    drawn = values[: found.num_drawn]
    counts = np.isfinite(drawn).sum(axis=0)
    mean = np.divide(np.nansum(drawn, axis=0), counts, out=np.zeros(counts.shape), where=counts > 0)
    names = None if found.kind == "images" else _names(found)
    label = f"Mean map of {found.num_drawn} examples by {WORDS[one.method]}"
    draw = partial(_examples, found, one, tops, values, has_ink)
    return Section(
        name=WORDS[one.method],
        is_told=is_told(found, one),
        mean=draw_twice(lambda width=6.4: mean_map(mean, names, width), label),
        typical=tuple(draw(typical)),
        wrong=tuple(draw(wrong)),
    )


def _examples(
    found: Explanation,
    one: Maps,
    tops: NDArray[np.int64],
    values: NDArray[np.float64],
    has_ink: bool,
    places: list[int],
) -> Iterator[Example]:
    for i in places:
        example, corner = found.questions.examples[i], (int(tops[i, 0]), int(tops[i, 1]))
        if found.kind == "images":
            figure = image_map(example, values[i], ink=has_ink, top=corner, window=found.window)
        else:
            end = int(np.isfinite(example).any(axis=1).sum())
            shown = example[:end], values[i, :end]
            figure = series_map(*shown, _names(found), top=corner, window=found.window.height, width=NARROW)
        said, truth = _said_and_true(found, i)
        title = f"example {found.questions.rows[i]}, {plain(said)}"
        title += f" for {plain(truth)}" if truth not in (None, said) else ""
        svg = to_svg(figure, label=f"{title}: its map by {WORDS[one.method]}")
        agreement = None if one.each is None else float(one.each[i])
        yield Example(drawn=Drawn(svg=svg, title=title, has_ink=has_ink), title=title, agreement=agreement)


def _said_and_true(found: Explanation, i: int) -> tuple[str, str | None]:
    own = found.questions
    if isinstance(found.said, NumberSaid):
        return f"{found.said.numbers[i]:.4g}", None if own.targets is None else f"{own.targets[i]:.4g}"
    names = found.class_names
    return names[found.said.codes[i]], None if own.labels is None else names[own.labels[i]]


def _names(found: Explanation) -> list[str]:
    return [channel_name(found, channel) for channel in range(found.questions.examples.shape[2])]
