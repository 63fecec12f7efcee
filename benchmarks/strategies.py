"""`make strategies`: measure on this device which strategy trains replicates faster, and rewrite the engine's table.

Families first, then small networks of one kind of layer each, which stand for families from outside.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from typing import get_args

import torch
from torch import nn

from benchmarks.cores import cost_of_sharing, share_apart
from benchmarks.measured import PLAIN, ROUNDS, networks, synthetic, timed
from hw3models.engine.fit import fit
from hw3models.engine.strategies import FEW, TABLE, Strategy, section
from hw3models.families import Network
from hw3models.families.family import Architecture
from hw3models.runtime.devices import pick_device
from hw3models.specs import DataSpec, Kind, TrainSpec

SEEN = 2_000
"""Examples that each replicate is trained on at least, so that few of them are seen several times."""
ADVANTAGE = 1.1
"""What `stacked` must be faster by to be taken."""


class Attention(nn.Module):
    """Two layers of attention over the steps of a series."""

    def __init__(self, like: Architecture) -> None:
        super().__init__()
        self.enter = nn.Linear(like.shape[1], 32)
        self.layers = nn.ModuleList(nn.MultiheadAttention(32, 4, batch_first=True) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, like.num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Series (..., B, T, C) to logits (..., B, K)."""
        h = self.enter(x)
        for layer in self.layers:
            h = self.norm(h + layer(h, h, h, need_weights=False)[0])
        return self.head(h.mean(-2))


class Embedded(nn.Module):
    """A vector for each step's level in the first channel, and their mean."""

    def __init__(self, like: Architecture) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(256, 64), nn.Linear(64, like.num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Series (..., B, T, C) to logits (..., B, K)."""
        levels = (32 * x[..., 0] + 128).long().clamp(0, 255)
        return self.head(self.table(levels).mean(-2))


class Sideways(nn.Sequential):
    """Layers over (..., C, T) or (..., 1, H, W)."""

    def __init__(self, *layers: nn.Module, image: bool = False) -> None:
        super().__init__(*layers)
        self.image = image

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Series or images to logits (..., B, K)."""
        return super().forward(x.unsqueeze(-3) if self.image else x.transpose(-1, -2))


class LastState(nn.Module):
    """A recurrent layer and its last state."""

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU], like: Architecture) -> None:
        super().__init__()
        self.cell, self.head = cell(like.shape[1], 32, batch_first=True), nn.Linear(32, like.num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Series (..., B, T, C) to logits (..., B, K)."""
        return self.head(self.cell(x)[0][..., -1, :])


def convolutions_1d(like: Architecture) -> nn.Module:
    """Two blocks of convolution, normalisation, activation and pooling over time."""
    blocks = [(like.shape[1], 32), (32, 64)]
    body = [
        part
        for i, o in blocks
        for part in (nn.Conv1d(i, o, 5, padding=2), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))
    ]
    return Sideways(*body, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, like.num_classes))


def convolutions_2d(like: Architecture) -> nn.Module:
    """The same over an image, with group normalisation."""
    body = [
        part
        for i, o in [(1, 16), (16, 32)]
        for part in (nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.GELU(), nn.MaxPool2d(2))
    ]
    return Sideways(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, like.num_classes), image=True)


def dense(like: Architecture) -> nn.Module:
    """Three dense layers."""
    size = like.shape[0] * like.shape[1]
    return nn.Sequential(
        nn.Flatten(), nn.Linear(size, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, like.num_classes)
    )


LAYERS: Mapping[str, tuple[Kind, Callable[[Architecture], nn.Module]]] = {
    "Linear": ("sequences", dense),
    "Conv1d": ("sequences", convolutions_1d),
    "Conv2d": ("images", convolutions_2d),
    "Embedding": ("sequences", Embedded),
    "MultiheadAttention": ("sequences", Attention),
    "LSTM": ("sequences", lambda like: LastState(nn.LSTM, like)),
    "GRU": ("sequences", lambda like: LastState(nn.GRU, like)),
}
"""Kind of layer -> data and network that stand for it."""


def main() -> None:
    """Measure; only the section of this device is rewritten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--examples", type=int, nargs="+", default=[2_000, 200], help="of images ten times the many")
    parser.add_argument("--only", default="", help="those whose name in the table begins so")
    options = parser.parse_args()
    device = pick_device().type
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    measured = networks() | {
        f"layers/{name}": Network(name=name, label=name, kind=kind, build=build, recipe=PLAIN)
        for name, (kind, build) in LAYERS.items()
    }
    for name, family in measured.items():
        if name.startswith(options.only):
            for series in options.examples:
                examples = 10 * series if name.startswith("images") and series >= FEW else series
                measured_here = table.setdefault(section(device, examples), {})
                measured_here[name] = fastest(family, options.replicates, examples)
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TABLE.name}: {device} rewritten\n")


def fastest(family: Network, replicates: int, examples: int) -> Strategy:
    """The winner by the median of rounds in which the strategies take turns."""
    dataset = synthetic(family.kind, examples)
    seconds: dict[Strategy, list[float]] = {strategy: [] for strategy in get_args(Strategy)}
    looks: list[float] = []
    for number in range(ROUNDS + 1):
        for strategy, measured in seconds.items():
            spec = TrainSpec(
                data=DataSpec(),
                family=family.name,
                seeds=tuple(range(replicates)),
                recipe=PLAIN.model_copy(update={"min_examples": SEEN}),
                strategy=strategy,
            )
            granted: list[Strategy] = []
            taken = timed(lambda spec=spec, granted=granted: granted.append(fit(dataset, family, spec).strategy))  # type: ignore[misc]
            # What was not granted ran as another strategy, which is measured under its own name.
            if number and granted == [strategy]:
                measured.append(taken)
                looks.append(cost_of_sharing())
    medians = {strategy: statistics.median(measured) for strategy, measured in seconds.items() if measured}
    told = ", ".join(f"{strategy} {median:.2f} s" for strategy, median in medians.items())
    sys.stdout.write(
        f"{family.kind} {family.name}, {examples:,} examples: {told}; cores apart {share_apart(looks):.0%}\n"
    )
    sys.stdout.flush()
    # One program on all cores waits for each of them at every operation: beside other work, and where the cores share
    # no cache, it loses most.
    for strategy in ("stacked", "vmap"):
        if strategy in medians:
            medians[strategy] *= ADVANTAGE
    return min(medians, key=lambda strategy: medians[strategy])


if __name__ == "__main__":
    main()
