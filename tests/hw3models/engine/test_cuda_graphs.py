"""What a GPU would record and replay, run on the CPU: a recorded step is one that reads and writes the same tensors."""

from collections.abc import Callable, Sequence

import pytest
import torch

from hw3models.engine import group as group_module
from hw3models.engine.batches import DeviceData
from hw3models.engine.cuda_graphs import WARM_UP, GraphedSteps
from hw3models.engine.fit import build_replicate
from hw3models.engine.group import Group
from hw3models.engine.image_augmentation import roll_each, roll_each_on_device
from hw3models.engine.optimizers import Optimizer
from hw3models.families import FAMILIES, Network
from hw3models.nn.rng import ReplicateRng
from hw3models.specs import DataSpec, Recipe, TrainSpec
from tests.tiny import narrow, quick_recipe, tiny_dataset

CPU = torch.device("cpu")
NETWORKS = [f for kind in FAMILIES.values() for f in kind.values() if isinstance(f, Network)]


def trained(family: Network, *, graphed: bool) -> tuple[Group, GraphedSteps | None]:
    dataset = tiny_dataset(family.kind)
    recipe = quick_recipe(dropout=0.3, jitter=0.1, scale=0.1, shift_steps=0.1, time_warp=0.1, mixup=0.4, shift_pixels=1)
    recipe = narrow(recipe, family.name)
    seeds = (3, 8)
    spec = TrainSpec(data=DataSpec(), family=family.name, seeds=seeds, recipe=recipe)
    models = [build_replicate(family, dataset, spec, seed) for seed in seeds]
    group = Group(seeds, models, recipe, family.objective, ReplicateRng(seeds, CPU))
    data = DeviceData(dataset, CPU, pixels=family.objective.needs_pixels)
    train = torch.as_tensor(dataset.train)
    steps = None
    if graphed:
        steps = GraphedSteps(group._stepper(data), group.rng.noise, lambda work, _: work)
        group._advance = steps
    for epoch in (1, 2, 3):
        group.train_epoch(data, train, 16, 100, epoch)
    return group, steps


@pytest.mark.parametrize("family", NETWORKS, ids=[f"{f.kind}-{f.name}" for f in NETWORKS])
def test_replayed_steps_train_as_steps_that_are_not(family: Network) -> None:
    plain, _ = trained(family, graphed=False)
    replayed, steps = trained(family, graphed=True)
    assert steps is not None
    assert steps.replays > 5
    for mine, theirs in zip(plain.parameters, replayed.parameters, strict=True):
        assert torch.equal(mine, theirs)


def test_a_step_is_recorded_after_the_warm_up_and_only_for_its_shape() -> None:
    seen: list[tuple[int, ...]] = []
    recorded: list[int] = []

    def record(work: Callable[[], None], generators: Sequence[torch.Generator]) -> Callable[[], None]:
        recorded.append(len(seen))
        return work

    steps = GraphedSteps(lambda index: seen.append(tuple(index.flatten().tolist())), [], record)
    for number in range(6):
        steps(torch.tensor([[number, number + 1]]))
    steps(torch.tensor([[9]]))
    steps(torch.tensor([[7, 8]]))
    assert seen == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (9,), (7, 8)]
    assert recorded == [WARM_UP]
    assert steps.replays == 6 + 1 - WARM_UP


def test_a_step_that_cannot_be_recorded_runs_as_it_is_and_says_why() -> None:
    seen: list[int] = []

    def refuse(work: Callable[[], None], generators: Sequence[torch.Generator]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    steps = GraphedSteps(lambda index: seen.append(int(index)), [], refuse)
    for number in range(WARM_UP):
        steps(torch.tensor([[number]]))
    with pytest.warns(UserWarning, match=r"cannot be a CUDA graph and runs without: operation not permitted"):
        steps(torch.tensor([[WARM_UP]]))
    for number in range(WARM_UP + 1, 6):
        steps(torch.tensor([[number]]))
    assert seen == [0, 1, 2, 3, 4, 5]
    assert steps.replays == 0


def test_images_are_rolled_alike_with_and_without_asking_the_device() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (3, 5, 28, 28), generator=generator, dtype=torch.uint8)
    offsets = torch.tensor([[0, 0], [2, -1], [-8, 27]])
    assert torch.equal(roll_each(images, offsets), roll_each_on_device(images, offsets))


@pytest.mark.parametrize("family", NETWORKS, ids=[f"{f.kind}-{f.name}" for f in NETWORKS])
def test_no_step_reads_a_number_from_the_device(family: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA graph cannot hold what waits for the device; `meta` tensors have nothing that could be read."""
    meta = torch.device("meta")
    dataset = tiny_dataset(family.kind)
    recipe = quick_recipe(dropout=0.3, jitter=0.1, scale=0.1, shift_steps=0.1, time_warp=0.1, mixup=0.4, shift_pixels=1)
    recipe = narrow(recipe, family.name)
    spec = TrainSpec(data=DataSpec(), family=family.name, seeds=(0, 1), recipe=recipe)
    models = [build_replicate(family, dataset, spec, seed) for seed in (0, 1)]
    monkeypatch.setattr(group_module, "Optimizer", lambda parameters, _: Optimizer(parameters, Recipe(optimizer="sgd")))
    group = Group((0, 1), models, recipe, family.objective, MetaRng((0, 1), meta))
    data = DeviceData(dataset, meta, pixels=family.objective.needs_pixels)
    group.program.train()
    group.take_step(data.batch(torch.zeros(2, 16, dtype=torch.int64, device=meta), recipe, group.rng))


class MetaRng(ReplicateRng):
    """Draws nothing, of the right shapes."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(seeds, CPU)
        self.device = device

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return self._of(shape, dtype)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return self._of(shape, dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        return self._of(shape, torch.int64)

    def _of(self, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(len(self), *shape, dtype=dtype, device=self.device)
