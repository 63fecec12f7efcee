"""The homework's answers and figures, solved once for all tests of this file."""

import io

import matplotlib
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure

from hw3models.errors import SpecError
from hw3models.homework import figures
from hw3models.homework import parts as homework
from hw3models.homework.loss_functions import SeedDifference
from hw3models.plots import to_svg
from hw3models.specs import HomeworkPart

NAMES = ["1A", "1B", "1B-measured", "1C", "3a", "3b", "3c", "3d", "3e", "3f"]
WITH_FIGURE = {"1B", "1B-measured", "1C", "3b", "3c", "3e", "3f"}
PALETTE = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

Solved = tuple[dict[str, HomeworkPart], list[str]]


@pytest.fixture(scope="module")
def solved() -> Solved:
    messages = [homework.announcement(name) for name in homework.part_names()]
    return {part.part: part for part in homework.solve()}, messages


def drawn(part: HomeworkPart) -> Figure:
    figure = figures.draw(part)
    assert figure is not None
    return figure


def test_every_part_is_answered_in_order_and_can_be_announced(solved: Solved) -> None:
    parts, messages = solved
    assert list(parts) == NAMES
    assert [message.split(":")[0] for message in messages] == [f"homework {name}" for name in NAMES]
    assert all(part.question.endswith(("?", ".")) and part.answer.endswith((".", ".)")) for part in parts.values())


def test_tables_are_rectangular_and_parts_survive_json(solved: Solved) -> None:
    for part in solved[0].values():
        assert len({len(row) for row in part.table}) == 1
        assert HomeworkPart.model_validate_json(part.model_dump_json()) == part


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("1A", ["0.9163", "0.39794", "0.397", "0.398", "natural"]),
        ("1B", ["-1.111", "-0.020", "56 times", "0.0022", "-0.10", "-0.002", "-0.99", "-0.0039", "mean over the ten"]),
        ("1B-measured", ["8 seeds", "1,213 training images", "ahead of MSE", "[", "paired over the seeds"]),
        ("1C", ["1.461", "-0.90", "-0.09", "logits"]),
        ("3a", ["torchvision.datasets.MNIST", "torch.optim.Adam", "torch.utils.data.DataLoader"]),
        ("3b", ["None", "largest change 0", "2.265"]),
        ("3c", ["1.00, 2.00, 3.00, 4.00, 5.00", "momentum 1"]),
        ("3d", ["0 or 2", "p/(1 - p) = 1", "400 passes is 0"]),
        ("3e", ["from 0 to 5.05", "running mean: 0", "more than 1 value per channel"]),
        ("3f", ["changes for 0.0%", "20 times", "449 test images", "eval mode only"]),
    ],
)
def test_answers_hold_the_computed_numbers(solved: Solved, name: str, numbers: list[str]) -> None:
    assert [number for number in numbers if number not in solved[0][name].answer] == []


def test_measured_evidence_says_what_the_theory_predicts(solved: Solved) -> None:
    series = solved[0]["1B-measured"].series
    for start in ("usual start", "confident wrong start"):
        assert series[f"{start}, cross-entropy, mean"][0] > series[f"{start}, MSE, mean"][0] + 0.02
    twice = solved[0]["1C"].series
    assert min(twice["Softmax layer, training loss, lowest"]) > twice["floor"][0]
    assert twice["logits, accuracy, mean"][-1] > twice["Softmax layer, accuracy, mean"][-1]


def test_a_difference_is_called_ahead_only_when_its_interval_excludes_zero() -> None:
    versus = homework._versus
    assert (
        versus("a", "b", SeedDifference(mean=0.05, low=0.04, high=0.06)) == "a is ahead of b by 5.0 points [4.0, 6.0]"
    )
    assert versus("a", "b", SeedDifference(mean=-0.05, low=-0.06, high=-0.04)).startswith("b is ahead of a by 5.0")
    assert "cannot be separated (+1.0 points [-1.0, 3.0])" in versus(
        "a", "b", SeedDifference(mean=0.01, low=-0.01, high=0.03)
    )


def test_labels_of_figures_are_no_formulas(solved: Solved) -> None:
    for name in WITH_FIGURE:
        assert "mathdefault" not in to_svg(drawn(solved[0][name]), label=name), name


def test_parts_with_curves_have_a_figure_and_the_others_none(solved: Solved) -> None:
    assert {name for name, part in solved[0].items() if figures.draw(part) is not None} == WITH_FIGURE
    assert figures.draw(HomeworkPart(part="9", question="?", answer="", series={"p": (1.0,)})) is None
    assert figures.draw(HomeworkPart(part="1B", question="?", answer="")) is None


@pytest.mark.parametrize("name", sorted(WITH_FIGURE))
def test_figures_are_transparent_with_black_text_and_the_palettes_colours(solved: Solved, name: str) -> None:
    figure = drawn(solved[0][name])
    assert tuple(figure.get_size_inches()) == (6.4, 3.4)
    assert to_rgba(figure.get_facecolor())[3] == 0
    for ax in figure.axes:
        assert to_rgba(ax.get_facecolor())[3] == 0
        assert {to_hex(line.get_color()) for line in ax.lines} <= PALETTE
        assert {to_hex(spine.get_edgecolor()) for spine in ax.spines.values()} == {"#000000"}
        assert ax.get_xlabel()
        assert not ax.get_title()
    figure.savefig(io.BytesIO(), format="svg")  # layout and glyphs work without a warning


def test_drawing_touches_no_global_state_of_matplotlib(solved: Solved) -> None:
    settings, managers = dict(matplotlib.rcParams), len(Gcf.get_all_fig_managers())
    drawn(solved[0]["1C"])
    assert dict(matplotlib.rcParams) == settings
    assert len(Gcf.get_all_fig_managers()) == managers


def test_the_gradient_figure_draws_the_magnitudes_of_the_series(solved: Solved) -> None:
    part = solved[0]["1B"]
    left, right = drawn(part).axes
    for ax, by in ((left, "probability"), (right, "logit")):
        for line in ax.lines:
            x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
            assert y == pytest.approx(np.abs(part.series[f"{line.get_label()} by {by}"]))
            assert x == pytest.approx(part.series["p"])


def test_a_part_without_a_series_that_its_figure_needs_is_refused_by_name(solved: Solved) -> None:
    part = solved[0]["3b"]
    broken = part.model_copy(update={"series": {"step": part.series["step"]}})
    with pytest.raises(SpecError, match=r"part 3b has no series 'without backward\(\)'.*only step"):
        figures.draw(broken)
