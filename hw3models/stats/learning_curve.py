"""Would more data help? A power law through errors at several sizes of the training part, and what it says of larger.

The error at n examples is a + (b - a) (n / N)^-c, N the largest size: a is what no data help against, b the error at N,
c the rate. Every (a, b, c) of a grid is weighed by how well it explains what was measured and by what is known of such
curves beforehand: rates between 0.1 and 1.2 (Hestness et al. 2017; Viering and Loog 2022), any floor below the error.
Errors at different sizes share their test examples, so a part of their noise is common.

k = sizes, g = curves of the grid
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATES = np.linspace(0.1, 1.2, 56)
FLOORS = np.linspace(0.0, 0.99, 67)
"""Shares of the error at the largest size."""
NO_FLOOR = 0.5
"""Weight beforehand of curves that have no floor."""
WIDER = 1.15
"""What intervals are multiplied by: found on simulated curves, some of which are none of the grid
(`hw3models.simulation.learning_curves`), so that 80% intervals hold the truth in about 80%."""
STEPS = 31
"""Errors at the largest size that are tried, over four standard errors to each side."""


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Errors of one family at several sizes of the training part."""

    sizes: NDArray[np.float64]
    """(k,) training examples."""
    errors: NDArray[np.float64]
    """(k,) means over seeds, in 0..1."""
    own: NDArray[np.float64]
    """(k,) standard errors that have nothing to do with the other sizes: the luck of training."""
    common: float
    """Standard error that all share: the luck of the test examples."""


class Forecast(NamedTuple):
    """What is expected at a size."""

    size: float
    mean: float
    low: float
    high: float
    """Interval of the level that was asked for."""


@dataclass(frozen=True)
class Fit:
    """Curves with their weights."""

    largest: float
    floors: NDArray[np.float64]
    ends: NDArray[np.float64]
    rates: NDArray[np.float64]
    """(g,) each."""
    weights: NDArray[np.float64]
    """(g,), which sum to 1."""

    def errors(self, size: float) -> NDArray[np.float64]:
        """(g,) the error of every curve at the size."""
        share: NDArray[np.float64] = self.floors + (self.ends - self.floors) * (size / self.largest) ** -self.rates
        return share

    def forecast(self, size: float, level: float = 0.8) -> Forecast:
        """The error to expect at the size."""
        values = self.errors(size)
        order = np.argsort(values)
        below = self.weights[order].cumsum()
        low, high = (float(np.interp(at, below, values[order])) for at in ((1 - level) / 2, (1 + level) / 2))
        mean = float(self.weights @ values)
        return Forecast(size, mean, mean - WIDER * (mean - low), mean + WIDER * (high - mean))


def fit(measured: Measurements) -> Fit:
    """Weigh the curves of the grid by what was measured.

    Raises:
        ValueError: fewer than three sizes, or they are not growing.
    """
    sizes, errors = measured.sizes, measured.errors
    if len(sizes) < 3 or (np.diff(sizes) <= 0).any():
        raise ValueError(f"a curve needs at least three sizes, growing, got {sizes.tolist()}")
    end, spread = errors[-1], float(np.hypot(measured.own.max(), measured.common))
    ends = np.clip(np.linspace(end - 4 * spread, end + 4 * spread, STEPS), 1e-6, 1.0)
    share, top, rate = (one.ravel() for one in np.meshgrid(FLOORS, np.unique(ends), RATES, indexing="ij"))
    floor = share * top
    falls = (sizes / sizes[-1]) ** -RATES[:, None]
    curves = floor[:, None] + (top - floor)[:, None] * np.tile(falls, (len(floor) // len(RATES), 1))
    noise = np.diag(np.square(measured.own)) + measured.common**2
    away = errors - np.minimum(curves, 1.0)
    loss = np.square(np.linalg.solve(np.linalg.cholesky(noise), away.T)).sum(axis=0)
    before = np.where(share == 0, NO_FLOOR, (1 - NO_FLOOR) / (len(FLOORS) - 1))
    weights = before * np.exp(-(loss - loss.min()) / 2)
    return Fit(float(sizes[-1]), floor, top, rate, weights / weights.sum())


def held_back(measured: Measurements, level: float = 0.8) -> Forecast | None:
    """What all sizes but the largest would have said of it; None where too few are left.

    The interval is for what is measured there, luck of training included; that of the test examples is common to all.
    """
    if len(measured.sizes) < 4:
        return None
    first = Measurements(
        sizes=measured.sizes[:-1], errors=measured.errors[:-1], own=measured.own[:-1], common=measured.common
    )
    said = fit(first).forecast(float(measured.sizes[-1]), level)
    reach = _normal(level) * float(measured.own[-1])
    return said._replace(
        low=said.mean - float(np.hypot(said.mean - said.low, reach)),
        high=said.mean + float(np.hypot(said.high - said.mean, reach)),
    )


def difference(a: Fit, b: Fit, size: float, level: float = 0.8, draws: int = 20_000) -> Forecast:
    """The error of `a` less that of `b` at the size, from draws of both, as if they had no luck in common."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(one.errors(size), draws, p=one.weights) for one in (a, b)]
    values = drawn[0] - drawn[1]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    mean = float(values.mean())
    return Forecast(size, mean, mean - WIDER * (mean - float(low)), mean + WIDER * (float(high) - mean))


def _normal(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2))


def measurements(sizes: Sequence[int], per_seed: Sequence[NDArray[np.float64]], num_test: int) -> Measurements:
    """What the error of every seed at every size says; `num_test` examples, or groups of them, that differ by luck.

    The spread of seeds is pooled over sizes, in proportion to sqrt(e (1 - e)): five seeds know little of their own.
    """
    errors = np.array([one.mean() for one in per_seed])
    scale = np.sqrt(np.clip(errors * (1 - errors), 1e-4, None))
    num = np.array([len(one) for one in per_seed])
    squares = sum(float(np.square((one - one.mean()) / s).sum()) for one, s in zip(per_seed, scale, strict=True))
    pooled = np.sqrt(squares / max(1, int((num - 1).sum())))
    # A fresh training set and fresh seeds on the same test examples: what they agree on is common.
    own = np.maximum(pooled * scale / np.sqrt(num), 0.25 * scale / np.sqrt(num_test))
    common = float(scale[-1] / np.sqrt(num_test))
    return Measurements(sizes=np.array(sizes, np.float64), errors=errors, own=own, common=common)


def unexplained(sizes: Sequence[int], per_seed: Sequence[NDArray[np.float64]], standard_error: float) -> Measurements:
    """The same of shares of variance that are not explained, 1 - R2, with the standard error of the last one.

    The spread of seeds is pooled over sizes, in proportion to the share itself.
    """
    shares = [np.clip(one, 1e-6, 1.0) for one in per_seed]
    errors = np.array([one.mean() for one in shares])
    num = np.array([len(one) for one in shares])
    squares = sum(float(np.square(one / one.mean() - 1).sum()) for one in shares)
    pooled = np.sqrt(squares / max(1, int((num - 1).sum())))
    relative = max(standard_error, 1e-6) / errors[-1]
    own = np.maximum(pooled * errors / np.sqrt(num), 0.25 * relative * errors)
    return Measurements(sizes=np.array(sizes, np.float64), errors=errors, own=own, common=float(relative * errors[-1]))
