"""How much groups of unequal sizes say."""

import numpy as np
import pytest

from hw3models.stats.effective import equal_groups


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [((5, 5, 5, 5), 4.0), ((1,), 1.0), ((50, *[1] * 50), 10_000 / 2_550), ((1_000_000, 1), 1.000002)],
)
def test_groups_count_by_the_square_of_their_sizes(sizes: tuple[int, ...], wanted: float) -> None:
    groups = np.repeat([f"s{number}" for number in range(len(sizes))], sizes)
    assert equal_groups(groups) == pytest.approx(wanted, rel=1e-9)


def test_the_variance_of_a_mean_is_that_of_so_many_equal_groups() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 60, 25)
    groups = np.repeat(np.arange(25), sizes)
    means = (rng.standard_normal((20_000, 25)) @ sizes) / sizes.sum()
    assert means.var() == pytest.approx(1 / equal_groups(groups), rel=0.05)
