"""P-values by permutation are valid, also where permutations end early, and these do."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from hw3models.drift.permuting import ENOUGH, p_value


def of_ranks(rng: np.random.Generator, observed: float, permutations: int, drawn: list[int] | None = None) -> float:
    """The p-value of an observed uniform number; permuted ones are uniform as well."""

    def reaches(num: int) -> NDArray[np.bool_]:
        if drawn is not None:
            drawn.append(num)
        return rng.random(num) >= observed

    return p_value(reaches, permutations, 400)


@pytest.mark.parametrize("level", [0.3, 0.05])
def test_p_values_that_ended_early_are_below_a_level_as_often_as_it_says(level: float) -> None:
    rng = np.random.default_rng(0)
    repeats = 1000
    hits = sum(of_ranks(rng, rng.random(), 20_000) <= level for _ in range(repeats))
    assert binom.ppf(0.001, repeats, level) <= hits <= binom.ppf(0.999, repeats, level)


def test_permutations_end_where_nothing_is_found_and_go_on_where_something_is() -> None:
    rng = np.random.default_rng(1)
    early: list[int] = []
    assert of_ranks(rng, 0.5, 1_000_000, early) == pytest.approx(0.5, abs=0.05)
    assert sum(early) < 3 * ENOUGH
    late: list[int] = []
    assert of_ranks(rng, 1.0, 10_000, late) == 1 / 10_001
    assert sum(late) == 10_000
