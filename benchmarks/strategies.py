"""`make strategies`: measure on this device which strategy trains replicates faster, and rewrite the engine's table."""

import argparse
import json
import statistics
import sys
from typing import get_args

from benchmarks.cores import cost_of_sharing, share_apart
from benchmarks.gpu import PLAIN, synthetic, timed
from hw3models.engine.fit import fit
from hw3models.engine.strategies import TABLE, Strategy
from hw3models.families import FAMILIES, Network
from hw3models.runtime.devices import pick_device
from hw3models.specs import DataSpec, TrainSpec

ROUNDS = 5
ADVANTAGE = 1.1
"""What `stacked` must be faster by to be taken."""


def main() -> None:
    """Only the section of this device is rewritten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--examples", type=int, default=2_000)
    options = parser.parse_args()
    device = pick_device().type
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table[device] = {
        f"{kind}/{family.name}": fastest(family, options.replicates, options.examples)
        for kind, families in FAMILIES.items()
        for family in families.values()
        if isinstance(family, Network)
    }
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TABLE.name}: {device} rewritten\n")


def fastest(family: Network, replicates: int, examples: int) -> Strategy:
    """By the median of rounds in which the strategies take turns."""
    dataset = synthetic(family.kind, examples if family.kind == "sequences" else 10 * examples)
    seconds: dict[Strategy, list[float]] = {strategy: [] for strategy in get_args(Strategy)}
    looks: list[float] = []
    for number in range(ROUNDS + 1):
        for strategy, measured in seconds.items():
            spec = TrainSpec(
                data=DataSpec(),
                family=family.name,
                seeds=tuple(range(replicates)),
                recipe=PLAIN,
                strategy=strategy,
            )
            taken = timed(lambda spec=spec: fit(dataset, family, spec))  # type: ignore[misc]
            if number:
                measured.append(taken)
                looks.append(cost_of_sharing())
    medians = {strategy: statistics.median(measured) for strategy, measured in seconds.items()}
    told = ", ".join(f"{strategy} {median:.2f} s" for strategy, median in medians.items())
    sys.stdout.write(f"{family.kind} {family.name}: {told}; cores apart {share_apart(looks):.0%}\n")
    # One program on all cores waits for each of them at every operation: beside other work, and where the cores share
    # no cache, it loses most.
    medians["stacked"] *= ADVANTAGE
    return min(medians, key=lambda strategy: medians[strategy])


if __name__ == "__main__":
    main()
