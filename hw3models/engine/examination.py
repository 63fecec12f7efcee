"""Will a family train, how will its replicates run, and what does a step cost? Answered in seconds, before any data."""

import time
from contextlib import nullcontext
from functools import partial
from statistics import median
from typing import Literal

import numpy as np
import torch

from hw3models.data.dataset import Dataset
from hw3models.engine.batches import batch_size, num_epochs, steps_of
from hw3models.engine.fit import architecture_for, build_replicate, grant_strategy, pick_strategy, split_seeds
from hw3models.engine.group import Group
from hw3models.engine.strategies import Strategy
from hw3models.errors import SpecError
from hw3models.families import Baseline, Family, Network
from hw3models.families.family import Architecture
from hw3models.nn.proof import Proof
from hw3models.nn.rng import ReplicateRng, global_generator
from hw3models.objectives import REGRESSION
from hw3models.objectives.objective import Batch
from hw3models.runtime.devices import num_threads, one_thread, pick_device
from hw3models.specs import DataSpec, Kind, Recipe, Report, TrainSpec

_STEPS = 5


class FamilyCheck(Report):
    """What a look at a family has found."""

    family: str
    kind: Kind
    source: str
    """Where its code is, with its digest or version."""
    parameters: int | None = None
    """Trained numbers of one replicate; None for estimators."""
    recipe: Recipe | None = None
    strategy: Literal["stacked", "split", "vmap", "separate"] | None = None
    """How replicates run."""
    reason: str = ""
    """Why not otherwise."""
    own_noise: bool = False
    """It draws random numbers while it trains; each replicate's are its own."""
    step_milliseconds: float | None = None
    """Time of one training step, per replicate, with so many replicates as were asked for."""
    warnings: tuple[str, ...] = ()


def examine(
    family: Family, kind: Kind, shape: tuple[int, ...], num_classes: int, *, num_seeds: int = 5, device: str = "auto"
) -> FamilyCheck:
    """Build, prove and try the family on random examples of `shape`.

    Raises:
        SpecError: it cannot be trained; the message says why.
    """
    source = "this package" if family.origin is None else str(family.origin)
    if isinstance(family, Baseline):
        return FamilyCheck(family=family.name, kind=kind, source=source)
    seeds, where = tuple(range(num_seeds)), pick_device(device)
    dataset = _random(kind, shape, num_classes, numbers=family.objective is REGRESSION)
    spec = TrainSpec(data=DataSpec(), family=family.name, seeds=seeds, origin=family.origin)
    wish = pick_strategy(spec, family, where, architecture_for(family, dataset, spec), len(dataset.train))
    strategy, proof, reason = grant_strategy(wish, dataset, family, spec)
    model = build_replicate(family, dataset, spec, 0)
    return FamilyCheck(
        family=family.name,
        kind=kind,
        source=source,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        recipe=family.recipe,
        strategy=strategy,
        reason=reason,
        own_noise=proof.foreign_noise,
        step_milliseconds=_step_milliseconds(family, dataset, spec, strategy, proof, where),
        warnings=_warnings(model, dataset, family),
    )


def estimated_seconds(family: Network, dataset: Dataset, spec: TrainSpec) -> float:
    """What the training of all seeds will take here, by the time of a few of its steps.

    Raises:
        SpecError: it cannot be trained.
    """
    recipe, num, where = spec.recipe or family.recipe, len(dataset.train), pick_device(spec.device)
    wish = pick_strategy(spec, family, where, architecture_for(family, dataset, spec), len(dataset.train))
    strategy, proof, _ = grant_strategy(wish, dataset, family, spec)
    size = batch_size(recipe, num)
    steps = num_epochs(recipe, num, steps_of(dataset)) * -(-num // size)
    threads = num_threads() if where.type == "cpu" else 1
    programs = split_seeds(spec.seeds, strategy, threads)
    at_once = min(threads, len(programs))
    timed = partial(_step_milliseconds, family, dataset, spec, strategy, proof, where, size=size)
    with one_thread() if at_once > 1 else nullcontext():
        # The first program has no more replicates than any other.
        each = timed() * len(programs[0])
    rounds = -(-len(programs) // at_once)
    return steps * each * rounds / 1000


def num_parameters(family: Network, shape: tuple[int, ...], num_classes: int) -> int:
    """Trained numbers of one replicate for examples of `shape`."""
    with global_generator(0):
        model = family.build(Architecture(shape=shape, num_classes=num_classes))
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _random(kind: Kind, shape: tuple[int, ...], num_classes: int, *, numbers: bool) -> Dataset:

    rng = np.random.default_rng(0)
    num = max(64, 2 * num_classes)
    features = (
        rng.integers(0, 256, (num, *shape)).astype(np.uint8)
        if kind == "images"
        else rng.normal(size=(num, *shape)).astype(np.float32)
    )
    channels = 1 if kind == "images" and len(shape) == 2 else shape[-1]
    index = np.arange(num)
    return Dataset(
        name="random",
        kind=kind,
        source="random",
        features=features,
        labels=index % num_classes,
        class_names=tuple(map(str, range(num_classes))),
        train=index,
        validation=index[:0],
        test=index[:2],
        targets=rng.normal(size=num) if numbers else None,
        lengths=None,
        mean=np.zeros(channels, np.float32),
        std=np.ones(channels, np.float32),
    )


def _step_milliseconds(
    family: Network,
    dataset: Dataset,
    spec: TrainSpec,
    strategy: Strategy,
    proof: Proof,
    device: torch.device,
    *,
    size: int | None = None,
) -> float:
    """Median over a few steps of one program, per replicate, in batches of `size` or the recipe's."""
    seeds = split_seeds(spec.seeds, strategy, num_threads() if device.type == "cpu" else 1)[0]
    models = [build_replicate(family, dataset, spec, seed) for seed in seeds]
    group = Group(seeds, models, family.recipe, family.objective, ReplicateRng(seeds, device), proof=proof)
    size = size or min(family.recipe.batch_size, len(dataset.labels))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(len(seeds), size, *dataset.features.shape[1:], generator=generator).to(device)
    labels = torch.arange(size, device=device).expand(len(seeds), -1) % len(dataset.class_names)
    pixels = torch.rand_like(inputs).flatten(2) if family.objective.needs_pixels else None
    targets = inputs.flatten(2).mean(2) if dataset.targets is not None else None
    batch, times = Batch(inputs, labels.contiguous(), None, pixels, targets=targets), []
    group.program.train()
    for _ in range(_STEPS + 1):
        start = time.perf_counter()
        group.take_step(batch).sum().item()
        times.append(1000 * (time.perf_counter() - start) / len(seeds))
    return median(times[1:])


def _warnings(model: torch.nn.Module, dataset: Dataset, family: Network) -> tuple[str, ...]:
    """What looks like a mistake, but may be meant."""
    if family.objective.needs_pixels:
        return ()
    model.eval()
    with torch.no_grad():
        out = model(torch.as_tensor(dataset.features[:8], dtype=torch.float32))
    if bool((out >= 0).all()) and torch.allclose(out.sum(-1), torch.ones(len(out)), atol=1e-3):
        return (
            "its outputs are probabilities (they sum to 1): cross-entropy wants logits, and a softmax before it learns "
            "less; leave the last softmax out",
        )
    return ()


def check_shape(kind: Kind, shape: tuple[int, ...]) -> None:
    """Two positive numbers: steps and channels, or height and width; and 3 after these for images in colour.

    Raises:
        SpecError: other than that.
    """
    is_colour = kind == "images" and len(shape) == 3 and shape[2] == 3
    if not (len(shape) == 2 or is_colour) or min(shape) < 1:
        what = (
            "steps,channels such as 50,8" if kind == "sequences" else "height,width such as 28,28, or 32,32,3 in colour"
        )
        raise SpecError(f"`shape` is {','.join(map(str, shape))}; for {kind} it is {what}.")
