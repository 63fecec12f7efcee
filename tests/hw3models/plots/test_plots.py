"""Figures: what they show of the numbers, and that their SVG is safe inside a page."""

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from hw3models.plots import (
    Mark,
    code_map,
    confusion,
    cost_accuracy,
    family_color,
    intervals,
    learning_curves,
    reconstructions,
    to_svg,
    walk,
)
from hw3models.plots.style import plain

HOSTILE = '"><script>alert(1)</script>'


def mark(label: str, mean: float, **changes: Any) -> Mark:
    values: dict[str, Any] = {
        "label": label,
        "mean": mean,
        "low": mean - 0.01,
        "high": mean + 0.01,
        "seconds": 1.0,
    } | changes
    return Mark(**values)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def row_names(figure: Figure) -> list[str]:
    """From the top to the bottom."""
    return [label.get_text() for label in figure.axes[0].get_yticklabels()][::-1]


# ------------------------------------------------------------------------------------------ scores


@pytest.mark.parametrize(("higher_is_better", "order"), [(True, ["a", "b", "c"]), (False, ["c", "b", "a"])])
def test_the_best_family_stands_on_top(higher_is_better: bool, order: list[str]) -> None:
    marks = [mark("b", 0.8), mark("a", 0.9), mark("c", 0.7)]
    figure = intervals(marks, metric="x", is_percent=True, higher_is_better=higher_is_better)
    assert row_names(figure) == order


def test_whiskers_reach_from_low_to_high() -> None:
    figure = intervals([mark("a", 0.9, low=0.85, high=0.92)], metric="x", is_percent=True)
    assert np.asarray(figure.axes[0].lines[0].get_xdata()).tolist() == [0.85, 0.92]


def test_a_baseline_far_off_is_named_at_the_edge_and_does_not_stretch_the_axis() -> None:
    networks = [mark("CNN", 0.97), mark("GRU", 0.96)]
    figure = intervals([*networks, mark("majority", 0.1, is_baseline=True)], metric="x", is_percent=True)
    assert figure.axes[0].get_xlim()[0] > 0.9
    assert "◂ 10.0%" in texts(to_svg(figure, label="x"))


def test_a_network_far_off_stays_on_the_axis() -> None:
    figure = intervals([mark("CNN", 0.97), mark("GRU", 0.96), mark("LSTM", 0.1)], metric="x", is_percent=True)
    assert figure.axes[0].get_xlim()[0] < 0.1


def test_scores_that_are_not_finite_are_left_out() -> None:
    nan = float("nan")
    figure = intervals([mark("a", 0.9), mark("b", nan, low=nan, high=nan)], metric="x", is_percent=True)
    assert row_names(figure) == ["a"]
    assert row_names(intervals([], metric="x", is_percent=False)) == []


def test_cost_is_logarithmic_and_training_in_no_time_has_a_place() -> None:
    figure = cost_accuracy(
        [mark("majority", 0.9, seconds=0.0), mark("CNN", 0.95, seconds=40.0)], metric="x", is_percent=True
    )
    ax = figure.axes[0]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < 0.001 < 40 < ax.get_xlim()[1]
    assert {"majority", "CNN"} <= set(texts(to_svg(figure, label="x")))


def test_names_of_points_do_not_cover_one_another() -> None:
    marks = [mark(name, 0.9 + 0.002 * i, seconds=5 + i) for i, name in enumerate(("MLP", "CNN", "LSTM", "GRU"))]
    figure = cost_accuracy(marks, metric="x", is_percent=True)
    figure.draw_without_rendering()
    # Of the text: an annotation's own box holds the line to its point as well.
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    assert len(boxes) == len(marks)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_family_has_its_colour_and_baselines_that_of_the_text() -> None:
    assert len({family_color(name) for name in ("mlp", "cnn", "lstm", "gru")}) == 4
    assert family_color("rocket", is_baseline=True) == "#000000"


# ------------------------------------------------------------------------------------------ curves


def test_the_curve_is_the_mean_of_the_seeds_that_still_run_within_their_range() -> None:
    figure = learning_curves([[4.0, 2.0, 1.0], [2.0, 1.0]])
    ax = figure.axes[0]
    assert np.asarray(ax.lines[0].get_ydata()).tolist() == [3.0, 1.5, 1.0]
    vertices = np.asarray(ax.collections[0].get_paths()[0].vertices)
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (1.0, 4.0)


def test_values_that_were_not_finite_leave_a_gap_and_no_warning() -> None:
    ax = learning_curves([[1.0, None, 0.5], [None, None, 0.7]], [[None], []]).axes[0]
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 3]


def test_accuracy_has_a_panel_of_its_own_where_there_is_one() -> None:
    assert len(learning_curves([[1.0, 0.5]]).axes) == 1
    figure = learning_curves([[1.0, 0.5]], [[1.1, 0.6]], [[0.5, 0.8]], accuracy_range=(0.4, 1.0))
    assert figure.axes[1].get_ylim() == (0.4, 1.0)


def test_long_trainings_are_thinned_but_keep_their_ends() -> None:
    curve = learning_curves([[1 / (1 + i) for i in range(5000)]]).axes[0].lines[0]
    x = np.asarray(curve.get_xdata())
    assert (x[0], x[-1]) == (1, 5000)
    assert len(x) <= 120


# --------------------------------------------------------------------------------------- confusion


def test_confusion_shows_each_cell_as_a_share_of_its_row() -> None:
    svg = to_svg(confusion([[90, 10], [0, 50]], ["no", "yes"]), label="x")
    assert {"90.0", "10.0", "100.0"} <= set(texts(svg))
    assert "0.0" not in texts(svg)


def test_a_class_without_examples_is_an_empty_row() -> None:
    assert "nan" not in to_svg(confusion([[0, 0], [1, 3]], ["a", "b"]), label="x")


def test_confusion_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 x 3, one row per class, got \(2, 2\)"):
        confusion([[1, 0], [0, 1]], ["a", "b", "c"])


@pytest.mark.parametrize("size", [1, 20, 60])
def test_confusion_of_any_number_of_classes_is_drawn(size: int) -> None:
    svg = to_svg(confusion((np.eye(size) * 5).tolist(), [f"class {i}" for i in range(size)]), label="x")
    assert len(svg) < 60_000


# ------------------------------------------------------------------------------------ autoencoders


def test_reconstructions_stand_below_their_originals() -> None:
    images = np.full((3, 28, 28), 200, np.uint8)
    ax = reconstructions(images, {"PCA": images // 2}).axes[0]
    ink = np.asarray(ax.images[0].get_array())[..., 3]
    assert (ink[14, 14], ink[30 + 14, 14]) == (200, 100)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["original", "PCA"]


def test_more_than_ten_reconstructions_make_a_second_block() -> None:
    images = np.zeros((12, 28, 28), np.uint8)
    assert len(reconstructions(images, {"PCA": images}).axes) == 2


def test_the_map_names_every_class_in_its_legend_even_with_an_underscore() -> None:
    figure = code_map(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3, ["_a", "b", "c"])
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text().strip("\u200b") for text in legend.get_texts()] == ["_a", "b", "c"]


def test_a_map_of_many_points_is_one_picture_and_small() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 10_000)
    svg = to_svg(code_map(rng.normal(size=(10_000, 2)) + labels[:, None], labels, list("0123456789")), label="x")
    assert "data:image/png;base64," in svg
    assert len(svg) < 400_000


def test_a_code_that_is_not_two_numbers_has_no_map() -> None:
    with pytest.raises(ValueError, match=r"must be \(n, 2\).*got \(5, 3\)"):
        code_map(np.zeros((5, 3)), np.zeros(5, np.int64), ["a"])


def test_a_walk_shows_its_first_row_on_top() -> None:
    pictures = np.zeros((2, 3, 28, 28), np.uint8)
    pictures[0] = 250
    ink = np.asarray(walk(pictures, first=(-1, 1), second=(-2, 2)).axes[0].images[0].get_array())[..., 3]
    assert (ink[14, 14], ink[44, 14]) == (250, 0)


# --------------------------------------------------------------------------------------------- SVG


def test_text_from_data_stays_text() -> None:
    svg = to_svg(confusion(np.eye(3).tolist(), [HOSTILE, "\x00\x0b\ufffe", "$x^$"]), label=HOSTILE)
    root = ElementTree.fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "defs",
        "clipPath",
        "rect",
        "use",
    }
    assert root.get("aria-label") == HOSTILE
    assert {plain(HOSTILE, 12), "$x^$"} <= set(texts(svg))


def test_svg_takes_its_colours_from_the_page() -> None:
    svg = to_svg(intervals([mark("a", 0.9, color="#0072B2")], metric="x", is_percent=True), label="x")
    assert "currentColor" in svg
    assert "var(--blue, #0072B2)" in svg
    assert "#000000" not in svg


def test_svg_has_no_style_sheet_that_would_reach_the_page() -> None:
    svg = to_svg(intervals([mark("a", 0.9)], metric="x", is_percent=True), label="x")
    assert not {"<style", "<metadata", "DejaVu"} & set(re.findall(r"<style|<metadata|DejaVu", svg))
    assert svg.startswith("<svg")


def test_ids_of_two_figures_never_meet_and_every_reference_is_kept() -> None:
    curves = learning_curves([[1.0, 0.5]], [[1.0, 0.6]])
    one, other = to_svg(curves, label="one"), to_svg(curves, label="other")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((one, other), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) == own


def test_the_same_figure_gives_the_same_svg() -> None:
    figures = [to_svg(learning_curves([[1.0, 0.5], [1.0, 0.4]]), label="x") for _ in range(2)]
    assert figures[0] == figures[1]


def test_characters_that_matplotlib_cannot_measure_are_kept_without_a_warning() -> None:
    assert "步行" in texts(to_svg(confusion([[1, 0], [0, 1]], ["步行", "🏃"]), label="x"))


def test_long_names_keep_their_ends() -> None:
    assert plain("left hand, rehearsal 12", 12) == "left han… 12"
    assert plain(" \n ") == "(empty)"
