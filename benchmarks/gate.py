"""How often the promotion gate is wrong and what it finds, for docs/promotion.md.

    python -m benchmarks.gate [--repeats 2000]

Worlds whose truth is known (`hw3models.simulation.gate`), judged by the gate's own function. Both ways to pay for
having picked the best of several are tried: dividing the level, which the gate does, and judging on another half of
the test examples (docs/decisions/0024).
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.pages import rewrite
from hw3models.runtime.devices import cpu_name
from hw3models.simulation.gate import World, changes, downhill, false_changes
from hw3models.simulation.rates import Rate

PAGE = Path(__file__).resolve().parents[1] / "docs" / "promotion.md"
WORLDS = (
    World(),
    World(examples=10_000),
    World(examples=10_000, luck=0.02),
    World(seeds=3, luck=0.3),
    World(seeds=10, examples=400),
    World(networks=7),
)
GAIN = 0.04


def main() -> None:
    """Rewrite the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=2000)
    given, start = parser.parse_args(), time.monotonic()
    lines = [*_picked(given.repeats), "", *_nights(given.repeats // 5), "", *_chains(given.repeats // 10)]
    lines += [
        "",
        f"`python -m benchmarks.gate --repeats {given.repeats}`: {time.monotonic() - start:.0f} s on {cpu_name()}, "
        f"{date.today().isoformat()}. In brackets 95% Monte Carlo intervals.",
    ]
    rewrite(PAGE, "figures", "\n".join(lines))


def _picked(repeats: int) -> Iterator[str]:
    yield (
        "| best of, S, n, luck of seeds | wrong change at the margin, % | judged on another half, % | "
        f"{100 * GAIN:.0f} points found at decision 1 / 10 / 90, % | on another half, at decision 1, % |"
    )
    yield "|---|---|---|---|---|"
    for world in WORLDS:
        wrong = [changes(world, world.margin, repeats=repeats, halves=halves) for halves in (False, True)]
        found = [changes(world, GAIN, repeats=repeats // 5, number=number) for number in (1, 10, 90)]
        split = changes(world, GAIN, repeats=repeats // 5, halves=True)
        power = " / ".join(f"{100 * one.share:.0f}" for one in found)
        cells = [_world(world), *map(_percent, wrong), power, f"{100 * split.share:.0f}"]
        yield _told(f"| {' | '.join(cells)} |")


def _nights(repeats: int) -> Iterator[str]:
    yield "| 90 nights, nothing is better | a false change or more, % | were each night judged at 2.5%, % |"
    yield "|---|---|---|"
    for world in (World(), World(networks=1), World(seeds=3, examples=400, luck=0.2, own=0.0, margin=0.0005)):
        both = [false_changes(world, nights=90, repeats=repeats, spend=spend) for spend in (True, False)]
        yield _told(f"| {_world(world)}, margin {100 * world.margin:.2g} points | {' | '.join(map(_percent, both))} |")


def _chains(repeats: int) -> Iterator[str]:
    yield (
        "| cheaper challengers, each worse by 1.2 points than the champion; margin 3 points "
        "| ends below the margin, % | lost on average, points |"
    )
    yield "|---|---|---|"
    world = World(seeds=3, examples=4000, networks=1, luck=0.0, own=0.2, margin=0.03)
    for anchored in (True, False):
        beyond, lost = downhill(world, 0.012, steps=6, repeats=repeats, anchored=anchored)
        name = "with the anchor" if anchored else "without an anchor"
        yield _told(f"| six of them, {name} | {_percent(beyond)} | {100 * lost:.1f} |")


def _world(world: World) -> str:
    return f"{world.networks}, {world.seeds}, {world.examples:,}, {world.luck:g}"


def _percent(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def _told(line: str) -> str:
    sys.stderr.write(f"{line}\n")
    return line


if __name__ == "__main__":
    main()
