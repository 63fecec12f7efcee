"""`make bench`: measure everything that runs on a CPU, print a table, and write it to docs/speed.md.

The page has one table for each processor that it was measured on; a run replaces the one of its own.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch
from torchvision.datasets import MNIST

from benchmarks.cores import cost_of_sharing, share_apart
from benchmarks.measured import ROUNDS, Result, row
from benchmarks.speed import cases, data
from hw3models.runtime.devices import cpu_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "speed.md"
HEAD = """# Speed

`make bench` writes this page. Every ratio is the median of {rounds} rounds in which the reference and `hw3` ran in
turn; the range is over the rounds. The references are the loop that tutorials have (torchvision's MNIST with
`ToTensor`, a `DataLoader` with batch 64, `.item()` at every step) and plain PyTorch modules trained one after another
on tensors in memory (`benchmarks/speed/reference.py`). Batch 64, no augmentation on either side. Figures are per model
and epoch; one table for each processor, the latest first.
"""
TABLE = """| case | hw3 | reference | ratio | must reach |
|---|---|---|---|---|
"""


def main() -> int:
    """1 when a case missed what it must reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="some of: images, sequences, convolutions, achieved, sprint, growth")
    options = parser.parse_args()
    start, looks = time.perf_counter(), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        mnist = data.torchvision_mnist(Path(folder))
        results = list(measured(mnist, options.only, looks))
    if not options.only:
        mine = table(results, mnist is not None, time.perf_counter() - start, share_apart(looks))
        tables = {cpu_name(): mine} | {k: v for k, v in tables_of(PAGE.read_text("utf-8")).items() if k != cpu_name()}
        PAGE.write_text(page(tables), encoding="utf-8")
    missed = [r.case for r in results if r.ratio < r.must]
    sys.stdout.writelines(f"missed: {case}\n" for case in missed)
    return 1 if missed else 0


def measured(mnist: MNIST | None, only: list[str], looks: list[float]) -> Iterator[Result]:
    """Every case, printed as it is done; after each a look at the cores."""
    for name, case in every_case(mnist).items():
        if not only or name in only:
            for result in case():
                sys.stdout.write(f"{row(result)}\n")
                sys.stdout.flush()
                looks.append(cost_of_sharing())
                yield result


def every_case(mnist: MNIST | None) -> dict[str, Callable[[], Iterator[Result]]]:
    """Those that can be measured here."""
    known: dict[str, Callable[[], Iterator[Result]]] = {
        "sequences": cases.sequences,
        "convolutions": cases.convolutions,
        "achieved": lambda: cases.achieved(mnist),
        "growth": cases.growth,
    }
    if mnist is not None:
        known = {"images": lambda: cases.images(mnist), "sprint": lambda: cases.sprint(mnist), **known}
    return known


def table(results: list[Result], with_mnist: bool, seconds: float, apart: float) -> str:
    """Markdown, with the conditions but for the processor."""
    lines = [TABLE + "\n".join(row(result) for result in results), ""]
    if not with_mnist:
        lines.append("MNIST was not at hand: its cases are left out.")
    lines.append(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, {datetime.now(UTC):%Y-%m-%d}; "
        f"{seconds:.0f} s in all; cores apart in {apart:.0%} of looks (`python -m benchmarks.cores`)."
    )
    return "\n".join(lines)


def tables_of(text: str) -> dict[str, str]:
    """Processor -> table, as they stand in the page."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {processor.strip(): table.strip() for processor, _, table in parts}


def page(tables: dict[str, str]) -> str:
    """Markdown."""
    parts = [f"\n## {processor}\n\n{table}\n" for processor, table in tables.items()]
    return HEAD.format(rounds=ROUNDS) + "".join(parts)


if __name__ == "__main__":
    sys.exit(main())
