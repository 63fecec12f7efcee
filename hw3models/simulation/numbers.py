"""Tables of predicted numbers whose truth is known, and how often what is said of them is right.

Seed s of a family errs on example i by

    e = sigma exp(a_s) v_i (sqrt(rho) c_i + sqrt(1 - rho) u_si)

with the luck of a seed (a, standard deviation `luck`), how hard an example is (v, the same for all families, its square
1 on average; log-normal with `tail`), what is alike for all seeds (c) and the rest (u), both standard normal. Numbers
are standard normal. So a seed's true RMSE is sigma exp(a), its MAE sqrt(2 / pi) E(v) times that, and its R2 1 - RMSE^2.

S = seeds, n = test examples
"""

from dataclasses import dataclass

import numpy as np

from hw3models.evaluation.comparison import compare
from hw3models.evaluation.metrics import measure
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score_of
from hw3models.simulation.rates import Rate, rate

_SAME = 0.5
"""The part of an error's variance that all seeds of a family have in common."""
_ALIKE = 1e-6
"""A margin within which nothing is equivalent."""


@dataclass(frozen=True)
class NumberWorld:
    """Two families that predict numbers."""

    sigma: tuple[float, float] = (0.4, 0.4)
    luck: tuple[float, float] = (0.05, 0.05)
    seeds: int = 5
    examples: int = 200
    tail: float = 0.0
    """Standard deviation of the logarithm of what makes an example hard."""
    group_size: int = 1
    """Examples of a group have c, and how hard they are, in common."""

    def truth(self, metric: str, family: int) -> float:
        """The expected value of a seed on endless examples."""
        sigma, luck = self.sigma[family], self.luck[family]
        match metric:
            case "rmse":
                return float(sigma * np.exp(luck**2 / 2))
            case "mae":
                # E(v) of a log-normal v whose square is 1 on average.
                return float(sigma * np.exp(luck**2 / 2) * np.sqrt(2 / np.pi) * np.exp(-(self.tail**2) / 2))
            case "r2":
                return float(1 - sigma**2 * np.exp(2 * luck**2))
        raise ValueError(metric)


def draw(rng: np.random.Generator, world: NumberWorld) -> dict[str, PredictionTable]:
    """One table for each family, on the same new test examples."""
    num, groups = world.examples, np.arange(world.examples) // world.group_size
    truth = rng.standard_normal(num)
    hard = np.exp(world.tail * rng.standard_normal(num) - world.tail**2)[groups]
    tables = {}
    for name, sigma, luck in zip("ab", world.sigma, world.luck, strict=True):
        alike = rng.standard_normal(num)[groups]
        rest = rng.standard_normal((world.seeds, num))
        size = sigma * np.exp(luck * rng.standard_normal((world.seeds, 1)))
        tables[name] = PredictionTable(
            family=name,
            data_digest="simulated",
            seeds=tuple(range(world.seeds)),
            test_index=np.arange(num),
            labels=np.zeros(num, np.int64),
            groups=groups if world.group_size > 1 else None,
            predicted=truth + size * hard * (np.sqrt(_SAME) * alike + np.sqrt(1 - _SAME) * rest),
            targets=truth,
        )
    return tables


def figures(world: NumberWorld, metric: str, repeats: int, seed: int = 0) -> dict[str, Rate]:
    """How often the 95% intervals of scores and of the difference hold the truth, and the families are told apart."""
    rng = np.random.default_rng([20_261_128, seed])
    true = {name: world.truth(metric, number) for number, name in enumerate("ab")}
    scores, differences, apart = 0, 0, 0
    for _ in range(repeats):
        tables = draw(rng, world)
        for name, table in tables.items():
            found = score_of(measure(table, metric), metric)
            scores += found.low <= true[name] <= found.high
        [pair] = compare(tables, metric=metric, margin=_ALIKE, train_seconds={}, with_power=False).pairs
        differences += pair.low <= true["a"] - true["b"] <= pair.high
        apart += pair.verdict in ("a better", "b better")
    return {
        "scores": rate(scores, 2 * repeats),
        "differences": rate(differences, repeats),
        "told apart": rate(apart, repeats),
    }
