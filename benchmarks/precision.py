"""`make precision`: do networks learn the same at a lower precision, and how much faster? Writes the engine's table.

For every family, seeds are trained in float32 and at the lower precision, by its default recipe with half of the
examples. At ten points of the training the mean logarithm of the loss must lie within one standard deviation of the
seeds of what it is in float32, with the whole of a 95% interval; and so on training and on validation examples, of
every data set. (An equivalence test, as Schuirmann's two one-sided tests of 1987: a difference that is hidden by few
seeds does not pass for none.)

bfloat16 is what this device has. TF32 is CUDA's; without one its products are imitated (`benchmarks/tf32.py`), which
shows what is learnt, not how fast.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measured import PLAIN, ROUNDS, networks, synthetic, timed
from benchmarks.pages import rewrite
from benchmarks.tf32 import CutProducts
from hw3models.data import Dataset, fetch, load_prepared, prepare
from hw3models.engine.fit import EpochReport, fit
from hw3models.engine.precision import TABLE
from hw3models.families import Network
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.specs import DataSpec, Kind, TrainSpec

PAGE = Path(__file__).resolve().parents[1] / "docs" / "precision.md"
DATA: dict[Kind, tuple[str, ...]] = {
    "images": ("digits",),
    "sequences": ("regime:order", "regime:dynamics"),
}
SEEN = 10_000
"""Examples that a network is trained on, counting repeats."""
Lower = Literal["tf32", "bf16"]
POINTS = 10
"""Of a training, at which losses are compared."""


@dataclass(frozen=True)
class Row:
    """One family on one data set at a lower precision."""

    name: str
    """kind/family."""
    source: str
    precision: Lower
    imitated: bool
    train: float
    validation: float
    """Furthest end of an interval from zero, over the points, in standard deviations of the seeds."""

    @property
    def unchanged(self) -> bool:
        """Equivalent to float32."""
        return max(self.train, self.validation) < 1


def main() -> None:
    """Rewrite table and page for what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--examples", type=int, default=1_000, help="of each synthetic data set")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    device, rows, ratios = pick_device(), list[Row](), dict[tuple[str, Lower], float]()
    with TemporaryDirectory() as folder:
        for name, family in networks().items():
            for precision in precisions(device):
                ratios[name, precision] = speed(family, precision)
                sys.stdout.write(f"{name} {precision}: {ratios[name, precision]:.2f} times as fast\n")
            for source in DATA[family.kind]:
                for row in compared(
                    name, family, prepared(source, options.examples, Path(folder)), options.seeds, device
                ):
                    sys.stdout.write(f"{row}\n")
                    sys.stdout.flush()
                    rows.append(row)
    if not options.dry:
        write_table(rows)
        rewrite(PAGE, "precision", page(rows, ratios, options.seeds, device))


def precisions(device: torch.device) -> tuple[Lower, ...]:
    """Those that the device has, besides float32."""
    return ("tf32", "bf16") if device.type == "cuda" else ("bf16",)


def prepared(source: str, examples: int, cache: Path) -> Dataset:
    """With more validation examples than by default, so that their loss is less noisy."""
    spec = DataSpec(source=source, num_train=examples, num_test=20, validation_fraction=0.3)
    return load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))


def speed(family: Network, precision: Lower) -> float:
    """How many times as fast as in float32: median of rounds in which both train."""
    dataset = synthetic(family.kind, 2_000 if family.kind == "sequences" else 20_000)
    specs = [TrainSpec(family=family.name, recipe=PLAIN, precision=one) for one in ("float32", precision)]
    work = [partial(fit, dataset, family, spec) for spec in specs]
    pairs = [[timed(one) for one in work] for _ in range(ROUNDS + 1)][1:]
    return statistics.median(full / low for full, low in pairs)


def compared(name: str, family: Network, dataset: Dataset, seeds: int, device: torch.device) -> Iterator[Row]:
    """Each lower precision against float32."""
    recipe = family.recipe.model_copy(update={"epochs": 1, "min_examples": SEEN})
    spec = TrainSpec(family=family.name, seeds=tuple(range(seeds)), recipe=recipe)
    full = curves(fit(dataset, family, spec.model_copy(update={"precision": "float32"})).epochs, seeds)
    for precision in precisions(device):
        low = curves(fit(dataset, family, spec.model_copy(update={"precision": precision})).epochs, seeds)
        yield Row(name, dataset.source, precision, False, *map(furthest, low, full))
    if device.type != "cuda":
        # One program in this thread: the imitation sees this thread alone.
        spec = spec.model_copy(update={"precision": "float32", "strategy": "stacked"})
        both = []
        for products in (CutProducts(), nullcontext()):
            with products:
                both.append(curves(fit(dataset, family, spec).epochs, seeds))
        yield Row(name, dataset.source, "tf32", True, *map(furthest, *both))


def curves(reports: Sequence[EpochReport], seeds: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses (epochs, seeds) on training and on validation examples."""
    last = max(report.epoch for report in reports)
    train, validation = np.full((2, last, seeds), np.nan)
    for report in reports:
        assert report.validation_loss is not None
        train[report.epoch - 1, list(report.seeds)] = report.train_loss
        validation[report.epoch - 1, list(report.seeds)] = report.validation_loss
    return train, validation


def furthest(low: NDArray[np.float64], full: NDArray[np.float64]) -> float:
    """Of losses (epochs, seeds) at a lower precision and in float32: the end of a 95% interval that is furthest from 0.

    The interval is that of the mean difference, in standard deviations of float32's seeds, at each of the points.
    """
    epochs, seeds = full.shape
    points = np.unique(np.linspace(epochs / POINTS, epochs, POINTS).round().astype(int).clip(1)) - 1
    low, full = np.log(low[points]), np.log(full[points])
    apart = low - full
    half = stats.t.ppf(0.975, seeds - 1) * apart.std(1, ddof=1) / np.sqrt(seeds)
    return float(((np.abs(apart.mean(1)) + half) / full.std(1, ddof=1)).max())


def write_table(rows: Sequence[Row]) -> None:
    """TF32 on CUDA where it is float32 to every eye. Never bfloat16: see docs/decisions/0018."""
    names = dict.fromkeys(row.name for row in rows)
    changed = {row.name for row in rows if row.precision == "tf32" and not row.unchanged}
    table = {"tf32": [name for name in names if name not in changed]}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def page(rows: Sequence[Row], ratios: dict[tuple[str, Lower], float], seeds: int, device: torch.device) -> str:
    """The part of docs/precision.md that is measured."""
    lines = [
        "| family | data | precision | training loss | validation loss | times as fast |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = ratios.get((row.name, row.precision))
        speed = "" if row.imitated or ratio is None else f"{ratio:.2f}"
        what = f"{row.precision}, imitated" if row.imitated else row.precision
        far = [f"{value:.2f}" + ("" if value < 1 else " (changed)") for value in (row.train, row.validation)]
        lines.append(f"| {row.name} | {row.source} | {what} | {far[0]} | {far[1]} | {speed} |")
    measured = f"{describe_device(device)}, torch {torch.__version__}, {date.today()}"
    return "\n".join([*lines, "", f"{seeds} seeds; {measured}. Speed: 5 seeds, medians of {ROUNDS} paired rounds."])


if __name__ == "__main__":
    main()
