"""What a verdict says about families that are equal over fresh training sets, for docs/estimand.md.

    python -m benchmarks.estimand [--studies 400] [--networks]

Rounds of studies are kept in build/estimand and not made again, so that an interrupted run goes on. A change of
`hw3models/simulation/training_sets.py` that changes the studies wants that folder deleted.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.pages import rewrite
from hw3models.runtime.devices import cpu_name
from hw3models.simulation.training_set_arithmetic import Parts, Test, rates
from hw3models.simulation.training_sets import CASES, NETWORKS, NUM_TEST, SEEDS, Case, Finding, answers, findings

ROOT = Path(__file__).resolve().parents[1]
PAGE, KEPT = ROOT / "docs" / "estimand.md", ROOT / "build" / "estimand"
ROUND = 20
PARTS = [Parts(training, seeds) for seeds in (0, 1, 4) for training in (0.15, 0.5, 1)]
TESTS: tuple[tuple[str, Test, float], ...] = (
    ("fixed, as seeds", "as seeds", 0),
    ("bootstrap, as seeds", "as seeds", 1),
    ("bootstrap, corrected", "corrected", 1),
    ("80%, as seeds", "as seeds", 0.25),
    ("80%, corrected", "corrected", 0.25),
    ("90%, corrected", "corrected", 1 / 9),
    ("with fixed", "with fixed", 1),
)
HEAD = "| families | truth | trained on | test | S | studies | one is better, % | other way, % | SE / SD | right, % |"


def main() -> None:
    """Make what is missing, round after round of all cases, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--networks", action="store_true", help="networks that the engine trains, too: hours")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = (*CASES, *NETWORKS) if given.networks else CASES
    for number in range(-(-given.studies // ROUND)):
        for case in cases:
            _round(case, number)
        sys.stderr.write(f"{(number + 1) * ROUND} studies of each case\n")
    rewrite(PAGE, "arithmetic", arithmetic())
    if given.studies:
        rewrite(PAGE, "estimand", page(cases))


def _round(case: Case, number: int) -> NDArray[np.bool_]:
    """The studies of one round of a case: kept, or made now."""
    path = KEPT / f"{case.name}, {case.truth}-{number}.npy"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        made = np.stack([answers(case, ROUND * number + one) for one in range(ROUND)])
        np.save(path, np.packbits(made, axis=-1))
    kept: NDArray[np.bool_] = np.unpackbits(np.load(path), axis=-1, count=NUM_TEST).astype(bool)
    return kept


def page(cases: Sequence[Case]) -> str:
    """The table of what there is."""
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    for case in cases:
        if rounds := len(list(KEPT.glob(f"{case.name}, {case.truth}-*.npy"))):
            kept = np.concatenate([_round(case, number) for number in range(rounds)])
            lines += [_row(one) for one in findings(case, kept)]
    return "\n".join(lines) + (
        f"\n\n{NUM_TEST} test examples; in brackets 95% Monte Carlo intervals (Wilson): `python -m benchmarks."
        f"estimand` on {cpu_name()}, one process, {date.today().isoformat()}."
    )


def arithmetic() -> str:
    """The table of what is known on paper."""
    lines = [f"| tau^2 | sigma^2 | S | {' | '.join(name for name, _, _ in TESTS)} |", "|---" * (3 + len(TESTS)) + "|"]
    for parts, seeds in product(PARTS, SEEDS):
        cells = [rates(parts, seeds, test, moves) for _, test, moves in TESTS]
        row = " | ".join(f"{100 * alarms:.1f} / {100 * power:.0f}" for alarms, power in cells)
        lines.append(f"| {parts.training:g} | {parts.seeds:g} | {seeds} | {row} |")
    return "\n".join(lines)


def _row(one: Finding) -> str:
    return (
        f"| {one.case} | {one.truth} | {one.design} | {one.test} | {one.seeds} | {one.studies} "
        f"| {100 * one.found:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}] | {100 * one.other_way:.1f} "
        f"| {one.calibration:.2f} | {100 * one.accuracy:.1f} |"
    )


if __name__ == "__main__":
    main()
