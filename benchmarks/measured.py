"""What benchmarks of training share: data without a meaning, a training with its time, and a row of a table."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from hw3models.data.dataset import Dataset
from hw3models.engine.batches import DeviceData
from hw3models.engine.fit import fit
from hw3models.families import FAMILIES, Network, find_family
from hw3models.families.family import Architecture
from hw3models.nn.program import Program
from hw3models.nn.stacking import State, unstack
from hw3models.specs import Kind, Recipe, TrainSpec

ROUNDS = 5
PLAIN = Recipe(epochs=1, batch_size=64, optimizer="adamw", learning_rate=1e-3, schedule="constant")
"""What the references do: no augmentation, no dropout, no schedule."""


@dataclass(frozen=True)
class Result:
    """One line of a table."""

    case: str
    ours: float
    reference: float
    """Both in seconds (or GFLOP/s) per model and epoch, medians."""
    ratio: float
    spread: tuple[float, float]
    """Lowest and highest ratio of the rounds."""
    must: float
    unit: str = "s"


def judged(case: str, must: float, rounds: list[tuple[float, float]], unit: str = "s") -> Result:
    """By the medians of the (reference, ours) of `rounds`, which are times: less is better."""
    ratios = [theirs / mine for theirs, mine in rounds]
    return Result(
        case,
        ours=statistics.median(mine for _, mine in rounds),
        reference=statistics.median(theirs for theirs, _ in rounds),
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        must=must,
        unit=unit,
    )


def row(result: Result) -> str:
    """Of the table."""
    low, high = result.spread
    ours, reference = (f"{value:.3g} {result.unit}" for value in (result.ours, result.reference))
    return f"| {result.case} | {ours} | {reference} | {result.ratio:.2f} [{low:.2f}, {high:.2f}] | {result.must:.2f} |"


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


def network_of(kind: Kind, name: str) -> Network:
    """The family, which must be one of networks."""
    network = find_family(kind, name)
    assert isinstance(network, Network)
    return network


def networks() -> dict[str, Network]:
    """All of this package by kind/name."""
    found = [family for families in FAMILIES.values() for family in families.values()]
    return {f"{one.kind}/{one.name}": one for one in found if isinstance(one, Network)}


def architecture_of(dataset: Dataset) -> Architecture:
    """What a network for these data is built like."""
    return Architecture(shape=dataset.features.shape[1:], num_classes=len(dataset.class_names))


def trained(dataset: Dataset, family: str, replicates: int, recipe: Recipe, **options: Any) -> float:
    """Seconds per model and epoch of the engine, everything counted: building, copying, training, gathering."""
    network = network_of(dataset.kind, family)
    seeds = tuple(range(replicates))
    spec = TrainSpec.model_validate({"family": family, "seeds": seeds, "recipe": recipe, "device": "cpu", **options})
    return timed(partial(fit, dataset, network, spec)) / (replicates * recipe.epochs)


def accuracies(network: Network, dataset: Dataset, states: State) -> list[float]:
    """Of each replicate in `states`, on the test split."""
    data, found = DeviceData(dataset, torch.device("cpu")), []
    for row in range(len(next(iter(states.values())))):
        model = network.build(architecture_of(dataset))
        model.load_state_dict(unstack(states, row))
        program = Program([model.eval()], "plain")
        with torch.inference_mode():
            batches = data.in_order(dataset.test, 1)
            hits = [program(*batch.arguments)[0].argmax(-1) == batch.labels[0] for batch in batches]
        found.append(float(torch.cat(hits).float().mean()))
    return found


def synthetic(kind: Kind, num: int) -> Dataset:
    """Noise in the shape of MNIST, or of 50 x 8 series: speed does not depend on what is in the numbers."""
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
