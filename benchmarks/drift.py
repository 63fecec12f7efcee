"""The false-positive rate of `hw3 drift`, and what it finds: `python -m benchmarks.drift`.

Pairs of samples that are drawn anew for every repeat, judged by the code that judges real data.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.pages import rewrite
from hw3models.drift import Side, detect
from hw3models.drift.looks import level_of
from hw3models.runtime.devices import cpu_name
from hw3models.simulation.rates import Rate, rate
from hw3models.stats.multiple_testing import LEVEL, holm

PAGE = Path(__file__).resolve().parents[1] / "docs" / "drift.md"
SIZES = ((60, 40), (300, 100), (1000, 300))
"""Reference and new examples."""
STEPS, CHANNELS = 24, 3
NIGHTS, NIGHTLY = 90, (300, 100)
"""Looks at one model, and reference and new examples of each."""


@dataclass(frozen=True)
class World:
    """Where series come from: stationary and of order one, with two classes."""

    mean: float = 0.0
    """Of the first channel, in its own standard deviations."""
    scale: float = 1.0
    """Of the first channel."""
    correlation: float = 0.3
    """Of neighbouring steps of the first channel."""
    share: float = 0.5
    """Of the second class."""

    def draw(self, rng: np.random.Generator, num: int) -> Side:
        """`num` examples with their classes, which the series do not show."""
        values = rng.normal(size=(num, STEPS, CHANNELS))
        keep = np.full(CHANNELS, 0.3)
        keep[0] = self.correlation
        for step in range(1, STEPS):
            values[:, step] = keep * values[:, step - 1] + np.sqrt(1 - keep**2) * values[:, step]
        values[:, :, 0] = self.mean + self.scale * values[:, :, 0]
        classes = (rng.random(num) < self.share).astype(np.int64)
        return Side(examples=values.astype(np.float32), classes=classes)


CHANGES = {
    "none": World(),
    "mean of a channel, 0.1 deviations": World(mean=0.1),
    "mean of a channel, 0.3 deviations": World(mean=0.3),
    "a channel times 1.1": World(scale=1.1),
    "a channel times 1.3": World(scale=1.3),
    "correlation of neighbouring steps 0.3 to 0.5": World(correlation=0.5),
    "classes 50:50 to 60:40": World(share=0.6),
    "classes 50:50 to 75:25": World(share=0.75),
}


def main() -> None:
    """Measure, and rewrite the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--models", type=int, default=100, help="models that are looked at for 90 nights")
    parser.add_argument("--only", choices=("alarms", "nights"))
    asked = parser.parse_args()
    if asked.only != "nights":
        write_alarms(asked.repeats)
    if asked.only != "alarms":
        write_nights(asked.models)


def write_alarms(repeats: int) -> None:
    """The table of single looks, each at the whole level."""
    lines = ["| change | reference | new | pairs | significant, % | called drift, % |", "|---|---|---|---|---|---|"]
    for row in rows(repeats):
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
        lines.append(row)
    command = f"`python -m benchmarks.drift --repeats {repeats}`"
    lines += ["", f"{command}, {cpu_name()}, {date.today().isoformat()}."]
    rewrite(PAGE, "alarms", "\n".join(lines))


def write_nights(models: int) -> None:
    """The table of looks night after night, without a change and with one."""
    found = [nights(seed) for seed in range(models)]
    divided, whole = (rate(sum(alarms), models) for alarms in zip(*found, strict=True))
    lines = [
        "| change | night | level | models | called drift, % |",
        "|---|---|---|---|---|",
        f"| none | any of 1 to {NIGHTS} | each night's share | {models} | {cell(divided)} |",
        f"| none | any of 1 to {NIGHTS} | 5% each night | {models} | {cell(whole)} |",
    ]
    for name in ("mean of a channel, 0.3 deviations", "a channel times 1.1", "classes 50:50 to 75:25"):
        for night in (1, 30):
            level = level_of(night)
            seen = [look(CHANGES[name], NIGHTLY, seed, level)[1] for seed in range(models)]
            lines.append(f"| {name} | {night} | {100 * level:.2g}% | {models} | {cell(rate(sum(seen), models))} |")
    command = f"`python -m benchmarks.drift --only nights --models {models}`"
    lines += ["", f"{command}, {cpu_name()}, {date.today().isoformat()}."]
    rewrite(PAGE, "nights", "\n".join(lines))


def nights(seed: int) -> tuple[bool, bool]:
    """Was there an alarm on any night without a change: the level divided, and the whole level each night?"""
    rng = np.random.default_rng([20_261_127, seed])
    reference = World().draw(rng, NIGHTLY[0])
    divided = whole = False
    for night in range(1, NIGHTS + 1):
        new, level = World().draw(rng, NIGHTLY[1]), level_of(night)
        report = detect(reference, new, kind="sequences", num_classes=2, seed=seed, level=level)
        divided |= report.drifted
        p_values = [test.p_value for test in report.tests]
        whole |= any(hit and test.is_large for hit, test in zip(holm(p_values, LEVEL), report.tests, strict=True))
    return divided, whole


def rows(repeats: int) -> Iterator[str]:
    """One for each change and size; changes that are there are planted in a quarter of the repeats."""
    for name, world in CHANGES.items():
        num = repeats if world == World() else max(1, repeats // 4)
        for sizes in SIZES:
            found = [look(world, sizes, seed) for seed in range(num)]
            significant, drifted = (rate(sum(hits), num) for hits in zip(*found, strict=True))
            yield f"| {name} | {sizes[0]:,} | {sizes[1]:,} | {num} | {cell(significant)} | {cell(drifted)} |"


def look(world: World, sizes: tuple[int, int], seed: int, level: float = LEVEL) -> tuple[bool, bool]:
    """Was any test significant after the correction, and was it called drift?"""
    rng = np.random.default_rng([20_261_123, sizes[0], seed])
    sides = World().draw(rng, sizes[0]), world.draw(rng, sizes[1])
    report = detect(*sides, kind="sequences", num_classes=2, seed=seed, level=level)
    return any(holm([test.p_value for test in report.tests], level)), report.drifted


def cell(found: Rate) -> str:
    """Percent with the interval."""
    return f"{100 * found.share:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


if __name__ == "__main__":
    main()
