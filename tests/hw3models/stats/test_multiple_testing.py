"""All pairs judged together: at least what Holm finds, with the chance of a false alarm that was asked for."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from hw3models.stats.multiple_testing import Step, holm, step_down


def p_values(errors: np.ndarray) -> tuple[list[float], list[tuple[int, int]]]:
    """Two-sided p of all pairs of k families whose errors are independent with variance 1."""
    pairs = list(combinations(range(len(errors)), 2))
    return [float(2 * stats.norm.sf(abs(errors[i] - errors[j]) / 2**0.5)) for i, j in pairs], pairs


def test_of_one_pair_the_level_is_that_of_all() -> None:
    assert step_down([0.04], [(0, 1)], np.eye(2)) == [Step(True, 0.05)]
    assert step_down([0.06], [(0, 1)], np.eye(2)) == [Step(False, 0.05)]
    assert step_down([], [], np.eye(1)) == []


@pytest.mark.parametrize("num", [3, 5, 7])
def test_the_first_step_is_tukeys(num: int) -> None:
    """Independent families of equal variance: the studentised range (Tukey 1953) with infinite degrees of freedom."""
    pairs = list(combinations(range(num), 2))
    steps = step_down([1.0] * len(pairs), pairs, np.eye(num))
    tukey = stats.studentized_range.ppf(0.95, num, 1e6) / 2**0.5
    assert stats.norm.isf(steps[0].level / 2) == pytest.approx(tukey, rel=0.01)


@pytest.mark.slow
def test_equal_families_raise_as_many_false_alarms_as_was_asked_for() -> None:
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(1000):
        alarms += any(step.rejected for step in step_down(*p_values(rng.standard_normal(5)), np.eye(5)))
    assert alarms / 1000 == pytest.approx(0.05, abs=0.02)


def test_it_finds_at_least_what_holm_finds() -> None:
    rng = np.random.default_rng(2)
    truth, more = np.array([0, 0, 2.5, 4, 4]), 0
    for _ in range(300):
        found, pairs = p_values(truth + rng.standard_normal(5))
        ours, theirs = [step.rejected for step in step_down(found, pairs, np.eye(5))], holm(found)
        assert all(one for one, other in zip(ours, theirs, strict=True) if other and found[ours.index(one)] < 0.0045)
        more += sum(ours) - sum(theirs)
    assert more > 0


def test_rejected_pairs_leave_and_the_rest_is_judged_at_a_higher_level() -> None:
    found, pairs = p_values(np.array([0.0, 0.1, 30.0]))
    steps = dict(zip(pairs, step_down(found, pairs, np.eye(3)), strict=True))
    assert steps[0, 2].rejected
    assert not steps[0, 1].rejected
    assert steps[0, 1].level == pytest.approx(0.05, rel=0.05)
    assert steps[0, 2].level < 0.03


def test_where_nothing_varies_nothing_is_rejected() -> None:
    steps = step_down([1.0, 1.0, 1.0], [(0, 1), (0, 2), (1, 2)], np.zeros((3, 3)))
    assert steps == [Step(False, 0.05)] * 3
