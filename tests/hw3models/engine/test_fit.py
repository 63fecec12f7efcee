import threading
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np
import pytest
import torch

from hw3models.engine.batches import DeviceData, batch_size, num_epochs
from hw3models.engine.fit import EpochReport, FitResult, fit, split_seeds
from hw3models.engine.optimizers import clip_gradients, learning_rate
from hw3models.engine.strategies import Strategy
from hw3models.errors import SpecError, TrainingError
from hw3models.families import FAMILIES, Network
from hw3models.families.family import Architecture
from hw3models.nn.rng import ReplicateRng
from hw3models.nn.stacking import unstack
from hw3models.specs import DataSpec, Recipe, TrainSpec
from tests.tiny import narrow, quick_recipe, tiny_dataset

CASES = [
    # `other`: series of unequal lengths, or images in colour.
    pytest.param(family, other, id=f"{family.kind}-{family.name}{'-other' if other else ''}")
    for kind in FAMILIES.values()
    for family in kind.values()
    if isinstance(family, Network)
    for other in (False, True)
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Then a stack is not split over threads: all seeds of a test train as one program."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(
    family: Network,
    seeds: tuple[int, ...],
    strategy: Strategy,
    recipe: Recipe,
    *,
    other: bool = False,
    dtype: torch.dtype = torch.float64,
) -> FitResult:
    if family.kind == "images":
        num, size = (240, 28) if family.name == "mlp" else (100, 14)
        dataset = tiny_dataset("images", num=num, size=size, colour=other)
    else:
        dataset = tiny_dataset("sequences", unequal=other)
    recipe = narrow(recipe, family.name)
    spec = TrainSpec(data=DataSpec(), family=family.name, seeds=seeds, recipe=recipe, strategy=strategy, device="cpu")
    return fit(dataset, family, spec, dtype=dtype)


def curves(result: FitResult, seed: int) -> list[tuple[float, ...]]:
    rows = []
    for report in result.epochs:
        if seed in report.seeds:
            row = report.seeds.index(seed)
            assert report.validation_loss is not None
            rows.append((report.train_loss[row], report.validation_loss[row]))
    return rows


@pytest.mark.parametrize(("family", "other"), CASES)
def test_replicate_s_of_many_equals_seed_s_trained_alone(family: Network, other: bool) -> None:
    # Dropout, augmentation, clipping, weight decay and best-epoch selection are all on.
    recipe = quick_recipe(
        dropout=0.3,
        jitter=0.1,
        scale=0.1,
        shift_steps=0.1,
        time_warp=0.1,
        mixup=0.4,
        shift_pixels=1,
        select="best",
        crop=0.1,
        flip="always",
        cutout=0.3,
        colour=0.2,
    )
    many = train(family, (4, 11, 2), "stacked", recipe, other=other)
    for strategy in ("stacked", "separate"):
        alone = train(family, (11,), strategy, recipe, other=other)
        ours, theirs = unstack(many.states, 1), unstack(alone.states, 0)
        for name, tensor in theirs.items():
            torch.testing.assert_close(ours[name], tensor, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(curves(many, 11), curves(alone, 11), rtol=1e-6)


@pytest.mark.parametrize(("family", "other"), CASES)
def test_separate_and_stacked_replicates_are_the_same(family: Network, other: bool) -> None:
    recipe = quick_recipe(dropout=0.3, epochs=2)
    stacked = train(family, (0, 1), "stacked", recipe, other=other)
    separate = train(family, (0, 1), "separate", recipe, other=other)
    for name, tensor in separate.states.items():
        torch.testing.assert_close(stacked.states[name], tensor, rtol=1e-9, atol=1e-10)
    assert stacked.best_seed == separate.best_seed


def test_a_hundred_steps_in_single_precision_agree_to_its_rounding() -> None:
    family = network("images", "mlp")
    recipe = quick_recipe(epochs=25, gradient_clip=None)
    stacked = train(family, (0, 1), "stacked", recipe, dtype=torch.float32)
    separate = train(family, (0, 1), "separate", recipe, dtype=torch.float32)
    for name, tensor in separate.states.items():
        torch.testing.assert_close(stacked.states[name], tensor, rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_bits_twice() -> None:
    family = network("sequences", "gru")
    first, second = (train(family, (3,), "stacked", quick_recipe(dropout=0.2), dtype=torch.float32) for _ in range(2))
    assert all(torch.equal(first.states[name], second.states[name]) for name in first.states)


def test_training_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(network("sequences", "mlp"), (0, 1), "stacked", quick_recipe(dropout=0.2, jitter=0.1))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "gru"])
def test_training_learns_what_can_be_learnt(name: str) -> None:
    result = train(network("sequences", name), (0, 1), "separate", quick_recipe(epochs=12, learning_rate=1e-2))
    last = [report for report in result.epochs if report.epoch == report.num_epochs]
    for report in last:
        assert report.validation_accuracy is not None
        assert min(report.validation_accuracy) > 0.6, "chance is 1/3"


@pytest.mark.parametrize("strategy", ["stacked", "split", "separate"])
def test_a_loss_that_is_not_finite_stops_its_replicate_alone(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = network("sequences", "mlp")
    poison_initialisation(monkeypatch, seed=7)
    result = train(family, (1, 7, 2), strategy, quick_recipe())
    healthy = train(family, (1, 2), strategy, quick_recipe())
    assert result.seeds == (1, 2)
    [failure] = result.failures
    assert (failure.seed, failure.epoch) == (7, 1)
    assert "seed 7 became nan in epoch 1" in failure.reason
    assert "Try a lower `learning_rate`" in failure.reason
    for name, tensor in healthy.states.items():
        torch.testing.assert_close(result.states[name], tensor, rtol=1e-9, atol=1e-10)


def test_all_replicates_failing_is_an_error_that_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    poison_initialisation(monkeypatch, seed=7)
    with pytest.raises(TrainingError, match=r"no replicate of mlp could be trained.*seed 7.*epoch 1"):
        train(network("sequences", "mlp"), (7,), "separate", quick_recipe())


def test_best_epoch_selection_keeps_the_lowest_validation_loss() -> None:
    # A learning rate that overshoots late: the last epoch is not the best one.
    recipe = quick_recipe(epochs=15, learning_rate=0.05, schedule="constant", select="best", gradient_clip=None)
    family, dataset = network("sequences", "mlp"), tiny_dataset()
    spec = TrainSpec(data=DataSpec(), family="mlp", seeds=(0,), recipe=recipe, device="cpu")
    result = fit(dataset, family, spec, dtype=torch.float64)
    losses = [report.validation_loss[0] for report in result.epochs if report.validation_loss]
    assert np.argmin(losses) < len(losses) - 1
    model = family.build(Architecture(shape=(20, 4), num_classes=3)).double()
    model.load_state_dict(unstack(result.states, 0))
    [batch] = DeviceData(dataset, torch.device("cpu"), torch.float64).in_order(dataset.validation, 1)
    loss = torch.nn.functional.cross_entropy(model.eval()(batch.inputs[0]), batch.labels[0]).item()
    assert loss == pytest.approx(min(losses), rel=1e-6)


def test_patience_stops_a_replicate_and_its_neighbours_go_on() -> None:
    recipe = quick_recipe(epochs=40, learning_rate=0.05, schedule="constant", select="best", patience=2)
    together = train(network("sequences", "mlp"), (0, 1, 2), "stacked", recipe)
    lengths = [sum(r.running[r.seeds.index(s)] for r in together.epochs) for s in (0, 1, 2)]
    alone = [len(train(network("sequences", "mlp"), (s,), "separate", recipe).epochs) for s in (0, 1, 2)]
    assert lengths == alone
    assert len(set(lengths)) > 1, "the replicates stop at different epochs"


def test_without_validation_examples_the_training_loss_selects() -> None:
    dataset = tiny_dataset()
    dataset = type(dataset)(**{**vars(dataset), "validation": np.array([], np.int64)})
    spec = TrainSpec(data=DataSpec(), family="mlp", seeds=(0, 1), recipe=quick_recipe(select="best"), device="cpu")
    result = fit(dataset, network("sequences", "mlp"), spec)
    assert all(report.validation_loss is None for report in result.epochs)
    final = {s: min(r.train_loss[r.seeds.index(s)] for r in result.epochs) for s in (0, 1)}
    assert result.best_seed == min(final, key=lambda s: final[s])


def test_stacks_are_split_over_threads_and_give_the_same_replicates() -> None:
    assert split_seeds((5, 6, 7, 8, 9), "split", 2) == [(5, 6), (7, 8, 9)]
    assert split_seeds((5, 6), "stacked", 2) == [(5, 6)]
    assert split_seeds((5,), "split", 2) == [(5,)]
    assert split_seeds((5, 6), "separate", 8) == [(5,), (6,)]
    family, recipe = network("sequences", "gru"), quick_recipe(dropout=0.3, jitter=0.1)
    one = train(family, (0, 1, 2, 3), "stacked", recipe)
    torch.set_num_threads(2)
    split = train(family, (0, 1, 2, 3), "split", recipe)
    assert {report.seeds for report in split.epochs} == {(0, 1), (2, 3)}
    for name, tensor in one.states.items():
        torch.testing.assert_close(split.states[name], tensor, rtol=1e-9, atol=1e-10)


def test_what_is_told_from_the_threads_of_a_split_stack_is_told_in_the_context_of_the_caller() -> None:
    """Prefect keeps there which server is spoken to: without it, a log of an epoch started another server."""
    server, heard = ContextVar("server", default="another"), set[tuple[str, bool]]()
    here = threading.get_ident()

    def on_epoch(report: EpochReport) -> None:
        heard.add((server.get(), threading.get_ident() == here))

    torch.set_num_threads(2)
    family, token = network("sequences", "gru"), server.set("the caller's")
    try:
        spec = TrainSpec(family="gru", seeds=(0, 1, 2, 3), recipe=quick_recipe(), device="cpu", strategy="split")
        fit(tiny_dataset("sequences"), family, spec, on_epoch=on_epoch)
    finally:
        server.reset(token)
    assert heard == {("the caller's", False)}


def test_a_core_that_has_nothing_left_is_told_of_while_another_trains() -> None:
    recipe = quick_recipe(epochs=3)
    torch.set_num_threads(2)
    free, ended = threading.Event(), set[int]()

    def on_epoch(report: EpochReport) -> None:
        (seed,) = report.seeds
        if report.epoch == recipe.epochs and seed == 2:
            # The last of three: it can go on only when the other core has said that it has nothing left.
            assert free.wait(240)
        if report.epoch == recipe.epochs:
            ended.add(seed)

    def on_free_core() -> None:
        assert ended >= {0, 1}, "a core was called free while replicates waited for one"
        free.set()

    spec = TrainSpec(data=DataSpec(), family="mlp", seeds=(0, 1, 2), recipe=recipe, strategy="separate", device="cpu")
    fit(tiny_dataset(), network("sequences", "mlp"), spec, on_epoch=on_epoch, on_free_core=on_free_core)
    assert free.is_set()


def test_fewer_programs_than_cores_leave_one_free_from_the_beginning() -> None:
    calls: list[str] = []
    torch.set_num_threads(3)
    spec = TrainSpec(data=DataSpec(), seeds=(0, 1), recipe=quick_recipe(), strategy="separate", device="cpu")
    fit(
        tiny_dataset(),
        network("sequences", spec.family),
        spec,
        on_epoch=lambda _: calls.append("epoch"),
        on_free_core=lambda: calls.append("free"),
    )
    assert calls[0] == "free"


def test_one_program_on_all_cores_leaves_none_free() -> None:
    calls: list[str] = []
    torch.set_num_threads(2)
    spec = TrainSpec(data=DataSpec(), seeds=(0, 1, 2), recipe=quick_recipe(), strategy="stacked", device="cpu")
    family = network("sequences", spec.family)
    fit(tiny_dataset(), family, spec, on_free_core=lambda: calls.append("free"))
    assert not calls


def test_an_observer_that_raises_ends_the_training_in_all_threads() -> None:
    spec = TrainSpec(
        data=DataSpec(), family="mlp", seeds=(0, 1, 2, 3), recipe=quick_recipe(epochs=500), strategy="separate"
    )

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    torch.set_num_threads(2)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_dataset(), network("sequences", "mlp"), spec, on_epoch=stop)
    assert threading.active_count() == before


def test_evaluation_never_runs_in_train_mode_and_never_moves_running_statistics() -> None:
    family, dataset = network("sequences", "cnn"), tiny_dataset()
    spec = TrainSpec(data=DataSpec(), family="cnn", seeds=(0,), recipe=quick_recipe(epochs=2), device="cpu")
    with_scores = fit(dataset, family, spec)
    silent = type(dataset)(**{**vars(dataset), "validation": np.array([], np.int64)})
    without = fit(silent, family, spec)
    for name, tensor in without.states.items():
        assert torch.equal(with_scores.states[name], tensor), f"{name} moved while scoring"


def test_gradients_are_cleared_at_every_step() -> None:
    # One full batch per epoch, SGD without momentum's help: two epochs must equal two hand-made steps.
    family, dataset = network("sequences", "mlp"), tiny_dataset()
    recipe = Recipe(epochs=2, batch_size=1000, optimizer="sgd", learning_rate=0.1, schedule="constant")
    object.__setattr__(recipe, "batch_size", 1000)
    dataset = type(dataset)(**{**vars(dataset), "train": np.arange(16)})
    spec = TrainSpec(data=DataSpec(), family="mlp", seeds=(0,), recipe=recipe, device="cpu")
    result = fit(dataset, family, spec, dtype=torch.float64)
    model = initial_model(family, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    data = DeviceData(dataset, torch.device("cpu"), torch.float64)
    batch = data.batch(torch.arange(16)[None])
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch.inputs[0]), batch.labels[0]).backward()
        optimizer.step()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(result.states[name][0], tensor, rtol=1e-9, atol=1e-10)


def test_a_device_that_is_not_there_is_refused() -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is there")
    spec = TrainSpec(data=DataSpec(), family="mlp", device="cuda")
    with pytest.raises(SpecError, match=r"'cuda' is not available here; found: .*cpu"):
        fit(tiny_dataset(), network("sequences", "mlp"), spec)


def test_gradients_are_clipped_per_replicate() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    weight.grad = torch.tensor([[3.0, 4.0, 0.0], [0.3, 0.4, 0.0]])
    clip_gradients([weight], 1.0, 2, stacked=True)
    torch.testing.assert_close(weight.grad, torch.tensor([[0.6, 0.8, 0.0], [0.3, 0.4, 0.0]]), rtol=1e-5, atol=1e-6)


def test_one_cycle_warms_up_to_the_peak_and_ends_near_zero() -> None:
    recipe = Recipe(learning_rate=1.0, schedule="one-cycle")
    rates = [learning_rate(recipe, step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == pytest.approx(1.0) == pytest.approx(rates[300])
    assert rates[-1] < 1e-4


def test_small_data_get_smaller_batches_and_more_epochs() -> None:
    recipe = Recipe(batch_size=64, epochs=10, min_examples=20_000)
    assert batch_size(recipe, 100_000) == 64
    assert batch_size(recipe, 136) == 16
    assert batch_size(recipe, 18) == 9, "not 16 and 2"
    assert batch_size(recipe, 7) == 7
    assert num_epochs(recipe, 100_000) == 10
    assert num_epochs(recipe, 136) == 148


def test_every_example_is_seen_once_per_epoch_in_each_replicates_own_order() -> None:
    dataset = tiny_dataset()
    data = DeviceData(dataset, torch.device("cpu"))
    train_index = torch.as_tensor(dataset.train)
    rng = ReplicateRng([0, 1], torch.device("cpu"))
    orders = train_index[rng.permutations(len(train_index))]
    assert not torch.equal(orders[0], orders[1])
    for order in orders:
        assert torch.equal(order.sort().values, train_index)
    batches = torch.cat(list(data.order(train_index, 32, rng, 1)), dim=1)
    for order in batches:
        assert torch.equal(order.sort().values, train_index)


def network(kind: str, name: str) -> Network:
    family = FAMILIES["images" if kind == "images" else "sequences"][name]
    assert isinstance(family, Network)
    return family


def initial_model(family: Network, seed: int) -> torch.nn.Module:
    from hw3models.engine.fit import build_replicate

    spec = TrainSpec(data=DataSpec(), family=family.name, recipe=Recipe())
    return build_replicate(family, tiny_dataset(family.kind), spec, seed).double()


def poison_initialisation(monkeypatch: pytest.MonkeyPatch, *, seed: int) -> None:
    """Seed `seed` starts with a NaN weight: its loss is NaN from the first step on."""
    from hw3models.engine import fit as training

    real = training.build_replicate

    def poisoned(family: Network, dataset: object, spec: TrainSpec, s: int) -> torch.nn.Module:
        model = real(family, dataset, spec, s)  # type: ignore[arg-type]
        if s == seed:
            next(model.parameters()).data.fill_(float("nan"))
        return model

    monkeypatch.setattr(training, "build_replicate", poisoned)
