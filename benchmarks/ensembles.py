"""Do intervals of ensembles hold the truth? Tables of networks whose luck is known: `python -m benchmarks.ensembles`.

A network's lead of the true class is a level, the example's own part, the seed's own part, and noise that is the seed's
taste at the example. The truth is the mean accuracy over many ensembles of fresh seeds and on fresh examples. The last
column is what an interval holds that takes the one ensemble for all: that of the test examples alone. The rows stand in
docs/decisions/0031.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hw3models.evaluation.ensembles import ensemble_table
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score

REPEATS = 400
TRUTHS = 300
EXAMPLES_OF_TRUTH = 2_000


@dataclass(frozen=True)
class World:
    """Where networks come from, and how many are drawn."""

    members: int = 5
    seeds: int = 5
    examples: int = 1_000
    classes: int = 3
    level: float = 3.0
    luck: float = 0.5
    taste: float = 1.5
    failing: float = 0.0
    """Share of seeds that learn nothing."""


WORLDS = (
    World(examples=100),
    World(),
    World(examples=4_000, luck=1.0),
    World(examples=4_000, level=5.0, taste=1.0),
    World(examples=4_000, classes=2, level=2.0, taste=3.0),
    World(failing=0.1),
    World(members=3, seeds=3),
    World(members=2, seeds=2),
    World(seeds=10),
    World(members=10, seeds=10),
)


def drawn(world: World, seeds: int, examples: int, rng: np.random.Generator) -> PredictionTable:
    """The predictions of `seeds` fresh networks on fresh examples."""
    labels = rng.integers(world.classes, size=examples)
    noise = rng.normal(0, world.taste, (seeds, examples, world.classes))
    lead = world.level + rng.normal(0, 1.5, examples) + rng.normal(0, world.luck, (seeds, 1))
    noise[:, np.arange(examples), labels] += lead * (rng.random((seeds, 1)) >= world.failing)
    odds = np.exp(noise - noise.max(axis=2, keepdims=True))
    return PredictionTable(
        family="net",
        data_digest="simulated",
        seeds=tuple(range(seeds)),
        test_index=np.arange(examples),
        labels=labels,
        probabilities=(odds / odds.sum(axis=2, keepdims=True)).astype(np.float32),
    )


def right(table: PredictionTable) -> float:
    """Accuracy of one ensemble of all seeds."""
    assert table.probabilities is not None
    named: NDArray[np.int64] = table.probabilities.mean(axis=0).argmax(axis=1)
    return float((named == table.labels).mean())


def row(world: World, repeats: int) -> str:
    """How often the truth is held, of `repeats` studies."""
    rng = np.random.default_rng(0)
    truth = np.mean([right(drawn(world, world.members, EXAMPLES_OF_TRUTH, rng)) for _ in range(TRUTHS)])
    held, width, alone = np.mean(list(_studies(world, float(truth), repeats, rng)), axis=0)
    return (
        f"| {world.members} of {world.seeds} | {world.examples:,} | {100 * truth:.1f}% | {world.luck:g} | "
        f"{world.taste:g} | {100 * world.failing:.0f}% | {100 * held:.1f}% | {100 * width:.1f} | {100 * alone:.1f}% |"
    )


def _studies(world: World, truth: float, repeats: int, rng: np.random.Generator) -> Iterator[tuple[float, ...]]:
    for _ in range(repeats):
        table = ensemble_table(drawn(world, world.seeds, world.examples, rng), "ensemble", world.members)
        found = score(table, "accuracy")
        alone = score(replace(table, members=None, member_seeds=None), "accuracy")
        yield (
            float(found.low <= truth <= found.high),
            found.high - found.low,
            float(alone.low <= truth <= alone.high),
        )


def main() -> None:
    """Print a row for each world."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    sys.stdout.write(
        "| members of seeds | examples | truth | luck | taste | failing | held | width | examples alone |\n"
    )
    sys.stdout.write("|---" * 9 + "|\n")
    for world in WORLDS:
        sys.stdout.write(row(world, repeats) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
