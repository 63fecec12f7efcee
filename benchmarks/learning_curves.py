"""How often forecasts of learning curves hold the truth, for docs/learning-curve.md.

    python -m benchmarks.learning_curves [--cases 200]

Curves whose truth is known (`hw3models.simulation.learning_curves`), no trainings.
"""

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.pages import rewrite
from hw3models.simulation.learning_curves import KINDS, case
from hw3models.simulation.rates import Rate, rate

PAGE = Path(__file__).resolve().parents[1] / "docs" / "learning-curve.md"


def main() -> None:
    """Rewrite the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=200)
    cases = parser.parse_args().cases
    lines = [
        *_rows(cases),
        "",
        f"`python -m benchmarks.learning_curves --cases {cases}`, {date.today().isoformat()}. In brackets 95% Monte "
        "Carlo intervals.",
    ]
    rewrite(PAGE, "figures", "\n".join(lines))


def _rows(cases: int) -> Iterator[str]:
    yield "| truth | 80% interval at twice the data holds it, % | at the size held back, % | median width, points |"
    yield "|---|---|---|---|"
    for kind in KINDS:
        rng = np.random.default_rng(0)
        found = [case(kind, rng) for _ in range(cases)]
        held, back = (rate(sum(getattr(one, name) for one in found), cases) for name in ("held", "held_back"))
        width = 100 * float(np.median([one.width for one in found]))
        yield f"| {kind} | {_percent(held)} | {_percent(back)} | {width:.1f} |"


def _percent(found: Rate) -> str:
    return f"{100 * found.share:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


if __name__ == "__main__":
    main()
