"""Looks night after night: rarely a false alarm in all of them together, and drift on a late night is found."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from hw3models.drift.looks import content, level_of, look_text
from hw3models.stats.multiple_testing import LEVEL, holm

NIGHTS, SUMMARIES, REFERENCE, NEW = 90, 9, 300, 100


def test_all_looks_together_have_the_level_and_no_more() -> None:
    spent = np.cumsum([level_of(look) for look in range(1, 100_001)])
    assert (spent < LEVEL).all()
    assert spent[-1] == pytest.approx(LEVEL, rel=0.01)
    assert spent[89] == pytest.approx(LEVEL * (1 - 1 / np.sqrt(91)))


def test_the_report_says_which_look_it_is_and_its_level() -> None:
    assert look_text(4, level_of(4)) == "Look 4 at this model: tested at 0.26%."
    assert look_text(365, level_of(365)) == "Look 365 at this model: tested at 0.00036%."


def p_values(rng: np.random.Generator, shift: float = 0.0) -> NDArray[np.float64]:
    """(NIGHTS, SUMMARIES) of tests of means with a variance of one; nights share the reference, as real ones do."""
    reference = rng.normal(size=SUMMARIES) / np.sqrt(REFERENCE)
    new = rng.normal(size=(NIGHTS, SUMMARIES)) / np.sqrt(NEW)
    new[:, 0] += shift
    return np.asarray(2 * norm.sf(np.abs(new - reference) / np.sqrt(1 / REFERENCE + 1 / NEW)))


def test_ninety_nights_without_drift_rarely_have_one_alarm() -> None:
    rng = np.random.default_rng(0)
    models, divided, whole = 1000, 0, 0
    for _ in range(models):
        found = p_values(rng)
        divided += any(any(holm(night, level_of(look))) for look, night in enumerate(found, start=1))
        whole += any(any(holm(night)) for night in found)
    # At most 5% of the models; 99.9% of such experiments stay below this. It is used, too: it is not far below.
    assert binom.ppf(0.001, models, 0.02) <= divided <= binom.ppf(0.999, models, LEVEL)
    assert whole > 0.9 * models


def test_a_shift_on_the_thirtieth_night_is_found() -> None:
    rng = np.random.default_rng(1)
    models, night = 500, 30
    found = [p_values(rng, shift=0.6)[night - 1] for _ in range(models)]
    divided, whole = (sum(holm(one, level)[0] for one in found) / models for level in (level_of(night), LEVEL))
    # By the normal distribution: 81%, and with the whole level 99%.
    apart = 0.6 / np.sqrt(1 / REFERENCE + 1 / NEW)
    for share, level in ((divided, level_of(night)), (whole, LEVEL)):
        expected = norm.sf(norm.isf(level / SUMMARIES / 2) - apart)
        assert share == pytest.approx(expected, abs=0.06)
    assert divided > 0.75


def test_the_same_content_has_the_same_digest() -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    digest = content(values, None, np.array([0, 1, 1]))
    assert digest == content(values.copy(), None, np.array([0, 1, 1]))
    others = [
        content(values, np.array([0, 1, 1]), None),
        content(values.reshape(2, 3), None, np.array([0, 1, 1])),
        content(values + 1, None, np.array([0, 1, 1])),
    ]
    assert len({digest, *others}) == 4
