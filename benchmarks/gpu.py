"""What a GPU gains by training replicates together; needs torch, numpy, pydantic and `hw3models`, and no files.

    python -m benchmarks.gpu            # under 6 minutes on an H100; prints one table

Every ratio is the median of rounds in which the reference and `hw3` ran in turn on the same GPU. Data are synthetic:
speed does not depend on what is in the pixels.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from benchmarks.speed.reference import classified, naive_classifier, one_after_another
from hw3models.data.dataset import Dataset
from hw3models.engine.fit import fit
from hw3models.engine.precision import products
from hw3models.families import Network, find_family
from hw3models.families.family import Architecture
from hw3models.specs import DataSpec, Kind, Recipe, TrainSpec

PLAIN = Recipe(epochs=1, batch_size=64, optimizer="adamw", learning_rate=1e-3, schedule="constant")


def main() -> int:
    """1 when a case missed what it must reach."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"], help="cpu: try the script itself")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replicates", type=int, default=32)
    parser.add_argument("--models", type=int, default=256, help="784-64-10 networks trained together")
    parser.add_argument("--examples", type=int, default=4_000)
    parser.add_argument("--images", type=int, default=60_000, help="as many as MNIST has")
    parser.add_argument(
        "--precision", default="float32", choices=["float32", "tf32"], help="of products, on both sides"
    )
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("there is no CUDA device here. Try the script itself with --device cpu.\n")
        return 2
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    sys.stdout.write(
        f"{name}, torch {torch.__version__}, {options.precision}\n\n| case | hw3 | reference | ratio | must reach |\n"
    )
    sys.stdout.write("|---|---|---|---|---|\n")
    # The references' products as well.
    with products(torch.device(options.device), tf32=options.precision == "tf32"):
        missed = [case for case in (*together(options), models_per_second(options)) if not case]
    return 1 if missed else 0


def together(options: argparse.Namespace) -> list[bool]:
    """Each family: replicates as one program against plain modules one after another."""
    cases: tuple[tuple[Kind, str], ...] = (
        ("images", "mlp"),
        ("images", "autoencoder"),
        ("sequences", "mlp"),
        ("sequences", "cnn"),
        ("sequences", "lstm"),
        ("sequences", "gru"),
    )
    return [family_case(options, kind, family) for kind, family in cases]


def family_case(options: argparse.Namespace, kind: Kind, family: str) -> bool:
    """Seconds per model and epoch."""
    dataset = synthetic(kind, options.examples)
    network = find_family(kind, family)
    assert isinstance(network, Network)
    x = torch.from_numpy(dataset.features).to(options.device)
    x = x.float() / 255 if kind == "images" else x
    y = torch.from_numpy(dataset.labels).to(options.device)
    build = partial(network.build, Architecture(shape=dataset.features.shape[1:], num_classes=len(dataset.class_names)))
    loss = reconstruction if family == "autoencoder" else classified
    plain = partial(one_after_another, build, x, y, models=2, epochs=2, loss=loss)
    epochs = 20
    ours = partial(trained, dataset, network, options.replicates, epochs, options)
    return report(
        f"{kind} {family}, {options.replicates} replicates, s per model and epoch",
        [(timed(plain) / 4, timed(ours) / (options.replicates * epochs)) for _ in rounds(options, ours)],
        must=12.0,
    )


def models_per_second(options: argparse.Namespace) -> bool:
    """784-64-10, ten epochs each, against the naive loop on the same GPU."""
    dataset = synthetic("images", options.images)
    network = find_family("images", "mlp")
    assert isinstance(network, Network)
    ours = partial(trained, dataset, network, options.models, 10, options)
    # One epoch of the naive loop is timed once; ten times as long is what one model takes.
    naive = 10 * timed(partial(naive_classifier, Tutorial(dataset), options.device))
    pairs = [(naive, timed(ours) / options.models) for _ in rounds(options, ours)]
    return report("784-64-10, s per model of ten epochs, against the naive loop", pairs, must=200.0)


def trained(dataset: Dataset, network: Network, replicates: int, epochs: int, options: argparse.Namespace) -> None:
    """The engine, everything counted: building, copying, recording, training, gathering."""
    spec = TrainSpec.model_validate(
        {
            "data": DataSpec(),
            "family": network.name,
            "seeds": tuple(range(replicates)),
            "recipe": PLAIN.model_copy(update={"epochs": epochs}),
            "strategy": "stacked",
            "device": options.device,
            "precision": options.precision,
        }
    )
    fit(dataset, network, spec)


def rounds(options: argparse.Namespace, warm_up: Callable[[], object]) -> range:
    """After one that does not count."""
    warm_up()
    return range(options.rounds)


def timed(work: Callable[[], object]) -> float:
    """Wall seconds until the device is done."""
    finish()
    start = time.perf_counter()
    work()
    finish()
    return time.perf_counter() - start


def finish() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def report(case: str, pairs: list[tuple[float, float]], must: float) -> bool:
    """Print the row; whether it reached what it must."""
    ratios = [theirs / ours for theirs, ours in pairs]
    ratio = statistics.median(ratios)
    theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    spread = f"[{min(ratios):.1f}, {max(ratios):.1f}]"
    sys.stdout.write(f"| {case} | {ours:.3g} s | {theirs:.3g} s | {ratio:.1f} {spread} | {must:.0f} |\n")
    sys.stdout.flush()
    return ratio >= must


def reconstruction(output: torch.Tensor, _: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Squared error per pixel."""
    return F.mse_loss(output, x.flatten(1))


def synthetic(kind: Kind, num: int) -> Dataset:
    """Noise in the shape of MNIST, or of 50 x 8 series."""
    generator = np.random.default_rng(0)
    if kind == "images":
        features: Any = generator.integers(256, size=(num, 28, 28), dtype=np.uint8)
    else:
        features = generator.standard_normal((num, 50, 8), dtype=np.float32)
    classes = 10 if kind == "images" else 2
    empty = np.arange(0)
    return Dataset(
        name="noise",
        kind=kind,
        source="noise",
        features=features,
        labels=generator.integers(classes, size=num),
        class_names=tuple(str(k) for k in range(classes)),
        train=np.arange(num),
        validation=empty,
        test=empty,
        mean=np.full(1 if kind == "images" else 8, 0.5, np.float32),
        std=np.full(1 if kind == "images" else 8, 0.3, np.float32),
    )


class Tutorial(TorchDataset[tuple[torch.Tensor, int]]):
    """Images as torchvision's MNIST with `ToTensor` gives them, without Pillow's detour."""

    def __init__(self, dataset: Dataset) -> None:
        self.images, self.labels = torch.from_numpy(dataset.features), dataset.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index].unsqueeze(0).float().div(255), int(self.labels[index])


if __name__ == "__main__":
    sys.exit(main())
