"""Numbers and names as people read them."""

import pytest

from hw3models.report import formatting
from hw3models.specs import Score


def score(mean: float, low: float, high: float) -> Score:
    return Score(mean=mean, low=low, high=high, per_seed=(mean,))


def test_accuracy_is_a_percentage_with_its_interval() -> None:
    assert formatting.value_and_interval("accuracy", score(0.974, 0.969, 0.978)) == ("97.4%", "[96.9, 97.8]")


def test_what_is_not_finite_is_not_available() -> None:
    nan = float("nan")
    assert formatting.value_and_interval("accuracy", score(nan, nan, nan)) == ("n/a", "")
    assert formatting.seconds(nan) == formatting.p_value(nan) == "n/a"


def test_a_metric_that_nobody_knows_is_shown_all_the_same() -> None:
    assert formatting.value_and_interval("new_score", score(1.5, 1, 2)) == ("1.5", "[1, 2]")
    assert formatting.metric_name("new_score") == "new score"


@pytest.mark.parametrize(("size", "shown"), [(0.012, "+1.2 points"), (-0.012, "-1.2 points"), (0.0, "0.0 points")])
def test_a_difference_has_a_sign_and_an_interval(size: float, shown: str) -> None:
    value, interval = formatting.difference("accuracy", size, size - 0.01, size + 0.01)
    assert value == shown
    assert interval.startswith("[")


@pytest.mark.parametrize(("p", "shown"), [(0.0004, "<0.001"), (0.001, "0.001"), (0.0314, "0.031"), (1.0, "1.000")])
def test_p_has_three_decimals(p: float, shown: str) -> None:
    assert formatting.p_value(p) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 s"), (2e-6, "<1 ms"), (0.0123, "12 ms"), (3.44, "3.4 s"), (75, "75 s"), (754, "13 min"), (11_520, "3.2 h")],
)
def test_times_have_the_unit_that_suits_them(number: float, shown: str) -> None:
    assert formatting.seconds(number) == shown


def test_counts_have_thousands_separators_and_plurals() -> None:
    assert formatting.count(1234567) == "1,234,567"
    assert [formatting.plural(1, "seed"), formatting.plural(2, "class"), formatting.plural(1000, "family")] == [
        "1 seed",
        "2 classes",
        "1,000 families",
    ]
    assert (formatting.shape((50, 8)), formatting.number_list((3, 4, 5)), formatting.number_list((1, 3))) == (
        "50 × 8",
        "3 to 5",
        "1, 3",
    )


def test_the_first_sentence_is_found_in_spite_of_decimals() -> None:
    lead, rest = formatting.lead_and_rest("GRU beats CNN by 1.2 points [0.4, 2.0]. GRU is best. Behind: CNN.")
    assert (lead, rest) == ("GRU beats CNN by 1.2 points [0.4, 2.0].", "GRU is best. Behind: CNN.")


def test_backticks_become_code_and_everything_is_escaped() -> None:
    assert formatting.with_code("use `a<b>` & `c") == "use <code>a&lt;b&gt;</code> &amp; `c"


def test_long_texts_are_cut_between_words() -> None:
    assert formatting.shortened("one two three four", 10) == "one two…"
    assert formatting.shortened("x" * 20, 10) == "x" * 9 + "…"
